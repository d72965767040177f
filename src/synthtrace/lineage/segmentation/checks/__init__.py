"""The checks that ask of the segmentation study's own tables, an id a module."""
