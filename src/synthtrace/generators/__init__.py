"""Autoencoders and the generator families: one protocol, one registry."""
