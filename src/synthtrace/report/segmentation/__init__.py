"""The page of the segmentation study."""
