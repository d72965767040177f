"""A number over commits and experiments, and what changed between one value and the next."""
