"""A seeded phantom of lesions, images and masks of several centres, so that the segmentation study runs without a download.

Mucosa as an endoscope shows it: folds, a dark lumen, glare, stains; on most images a lesion, an irregular raised blob.
Centres differ in tint, contrast and noise, as hospitals' devices do.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from synthtrace.images import write_image
from synthtrace.params.lesions import SimulateLesions
from synthtrace.scans.mucosa import draw_device, draw_outline, lesion_mask, mucosa, photograph, raise_lesion
from synthtrace.seeds import Seeds

LESIONS = ["path", "mask_path", "label", "patient_id", "group_id"]
IMAGES_OF_PATIENT = 2


def centre_names(simulate: SimulateLesions) -> list[str]:
    """`C1`, `C2`, ...: the labels of the phantom's images."""
    return [f"C{number}" for number in range(1, simulate.centres + 1)]


def simulate_lesions(folder: Path, simulate: SimulateLesions, seeds: Seeds) -> pd.DataFrame:
    """Write `images/`, `masks/` and `manifest.csv` (LESIONS) below `folder`, a `table` data set; returns the manifest.

    Images are uint8 (96, 120, 3), masks uint8 (96, 120) of 0 and 255. Of a centre's images `round(empty_share * images)` show
    no lesion. `label` and `group_id` are the centre; a patient has two images. The same seed gives the same bytes, and further
    centres leave those before them as they are.
    """
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    rows: list[dict[str, Any]] = []
    for centre, name in enumerate(centre_names(simulate)):
        order = seeds.stream("lesions", "empty", name).permutation(simulate.images)
        empty = set(order[: round(simulate.empty_share * simulate.images)].tolist())
        for number in range(simulate.images):
            image, mask = simulate_pair(seeds, centre, number, number in empty)
            file = f"{name}_{number:03d}"
            row = {"path": f"images/{file}.png", "mask_path": f"masks/{file}_mask.png"}
            write_image(folder / row["path"], image)
            write_image(folder / row["mask_path"], mask)
            rows.append(row | {"label": name, "patient_id": f"{name}P{number // IMAGES_OF_PATIENT:03d}", "group_id": name})
    manifest = pd.DataFrame(rows, columns=LESIONS)
    manifest.to_csv(folder / "manifest.csv", index=False, lineterminator="\n")
    return manifest


def simulate_pair(seeds: Seeds, centre: int, number: int, empty: bool) -> tuple[np.ndarray, np.ndarray]:
    """Image, uint8 (96, 120, 3), and mask, uint8 (96, 120) of 0 and 255, of a centre counted from 0."""
    rng = seeds.stream("lesions", centre, number)
    surface, tint = mucosa(rng, seeds.stream("lesions", "patient", centre, number // IMAGES_OF_PATIENT))
    inside = np.zeros(surface.shape, dtype=bool)
    if not empty:
        outline = draw_outline(rng)
        inside = lesion_mask(outline)
        surface, tint = raise_lesion(rng, surface, tint, outline)
    image = photograph(rng, surface, tint, draw_device(seeds.stream("lesions", "device", centre), centre))
    return image, np.where(inside, np.uint8(255), np.uint8(0))
