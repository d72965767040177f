"""How near the images of a pool come to held-out ones."""
