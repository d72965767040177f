"""Diffusion of image-mask pairs in pixel space, and inpainting with it (paper 2, sections 3.1 and 3.2)."""
