"""What lineage knows of the segmentation study alone (paper 2)."""
