"""Style transfer of inpainted pairs by guided denoising (paper 2, Section 3.3)."""
