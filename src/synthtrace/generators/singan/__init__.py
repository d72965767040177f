"""SinGAN-Seg: a pyramid of small GANs that learns from one image-mask pair, the pool `gan` of paper 2."""
