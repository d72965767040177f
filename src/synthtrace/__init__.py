"""Synthetic augmentation of small medical image sets that a reviewer can believe."""
