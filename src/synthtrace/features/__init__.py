"""Feature extractors and the one feature cache."""
