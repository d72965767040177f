"""Segmentation networks trained on mixes of real and synthetic pairs, and their scores on real test pairs (paper 2)."""
