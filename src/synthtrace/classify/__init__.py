"""The classifier that the study is about: mixing, the training grid, predictions."""
