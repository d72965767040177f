"""Which candidates of a pool are kept; copies of training images never are."""
