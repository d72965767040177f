"""What the suites judge: facts of image files, groups of images, images with equal pixels."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image, UnidentifiedImageError

from synthtrace.errors import InputError
from synthtrace.images import pixel_hash, read_image
from synthtrace.stage import progress

EIGHT_BIT = ("L", "RGB")
MEASURED = ["path", "exists", "problem", "mode", "size", "shorter_side", "lowest", "highest", "mean", "sd", "found_hash"]


def measure_images(folder: Path, paths: Iterable[str], description: str) -> pd.DataFrame:
    """One row a file (columns MEASURED), in the order of `paths`, which are relative to `folder`.

    `problem` is filled where an existing file does not decode; `mode` is Pillow's; `size` is "height x width"; brightness
    (`lowest`, `highest`, `mean`, `sd`, in grey levels over all channels) and `found_hash` (images.pixel_hash) are empty unless
    8-bit pixels were decoded.
    """
    rows = [_measure(Path(folder), path) for path in progress(list(paths), description)]
    return pd.DataFrame(rows, columns=MEASURED).astype({"exists": bool, "problem": object, "found_hash": object})


def _measure(folder: Path, path: str) -> dict[str, Any]:
    file = folder / str(path)
    if not file.is_file():
        return {"path": path, "exists": False}
    row: dict[str, Any] = {"path": path, "exists": True}
    try:
        with Image.open(file) as image:  # reads the header alone
            row["mode"] = image.mode
            row["size"] = f"{image.height} x {image.width}"
            row["shorter_side"] = min(image.size)
        if row["mode"] not in EIGHT_BIT:
            return row
        pixels = read_image(file)
    except (InputError, UnidentifiedImageError, OSError, SyntaxError) as error:
        return row | {"problem": str(error)}
    return row | brightness(pixels) | {"found_hash": pixel_hash(pixels)}


def brightness(pixels: np.ndarray) -> dict[str, float]:
    """Lowest and highest grey level, mean and standard deviation of uint8 pixels.

    From the histogram, in whole numbers until the last division: the same on every machine.
    """
    counts = np.bincount(pixels.ravel(), minlength=256)
    levels = np.arange(256)
    total, first, second = int(counts.sum()), int(counts @ levels), int(counts @ levels**2)
    present = np.flatnonzero(counts)
    return {
        "lowest": int(present[0]),
        "highest": int(present[-1]),
        "mean": first / total,
        "sd": ((second * total - first**2) / total**2) ** 0.5,
    }


def listed_files(folder: Path, subfolder: str, paths: Iterable[str]) -> pd.DataFrame:
    """One row a file below `folder/subfolder`: `path` relative to `folder`, `rows` that name it among `paths`."""
    folder = Path(folder)
    found = sorted(file.relative_to(folder).as_posix() for file in (folder / subfolder).rglob("*") if file.is_file())
    named = pd.Series(list(paths), dtype=object).value_counts()
    return pd.DataFrame({"path": pd.Series(found, dtype=object), "rows": [int(named.get(path, 0)) for path in found]})


def grouping(manifest: pd.DataFrame, patient_ids: str) -> pd.Series:
    """What must not be torn apart by a fold: the patient; without patient ids the `group_id`, or else the pixels.

    Worked out here once more, not taken from the code that makes the folds, because it judges that code.
    """
    if patient_ids == "manifest":
        return manifest["patient_id"].astype(object)
    own = manifest["pixel_hash"].astype(object)
    return manifest["group_id"].astype(object).where(manifest["group_id"].notna(), own) if "group_id" in manifest else own


def equal_pixels(images: pd.DataFrame, key: str, side: pd.Series, same: bool) -> pd.Series:
    """For each image the `image_id`s of earlier ones with an equal `key`, on the same `side` or on another; empty without one.

    Only earlier rows count, so that a pair is reported once. Rows with an empty key or an empty side are nobody's equal.
    """
    found = pd.Series(None, index=images.index, dtype=object)
    known = images[key].notna() & side.notna()
    shared = images[known & images[key].where(known).duplicated(keep=False)]
    for _, twins in shared.groupby(key):
        sides, ids = side[twins.index].tolist(), twins["image_id"].tolist()
        for place, row in enumerate(twins.index):
            others = [ids[earlier] for earlier in range(place) if (sides[earlier] == sides[place]) == same]
            if others:
                found[row] = ", ".join(others)
    return found


def agree(found: pd.Series, expected: pd.Series) -> pd.Series:
    """True where two columns hold the same, False where not, empty where `found` is empty."""
    same = [None if pd.isna(a) else bool(a == b) if not pd.isna(b) else False for a, b in zip(found, expected, strict=True)]
    return pd.Series(same, index=found.index, dtype=object)


def distinct(values: pd.Series) -> str:
    """The values of a column and how often each stands there: "0 (9 rows), 1 (1 row)"."""
    counts = values.value_counts().sort_index()
    return ", ".join(f"{value} ({count} {'row' if count == 1 else 'rows'})" for value, count in counts.items())
