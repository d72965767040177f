"""The image Turing test, which asks readers to tell synthetic images from real ones (paper 0, Methods and Table 1)."""
