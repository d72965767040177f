"""A conditional StyleGAN2 with adaptive discriminator augmentation, written from the papers (Karras et al. 2020a, 2020b)."""
