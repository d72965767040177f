"""How near the images of a pool come to held-out ones."""

# what a row of metrics/fidelity.json says besides its metrics
HEAD = ("kind", "fold", "label", "label_name", "part", "selection", "mixing_rate", "images", "reference")
