"""Lineage that can be proved: a number walks back to exact bytes, patients, parameters and code, and the walk is checked."""
