"""Whether a file names one of some images."""

from collections.abc import Iterable
from pathlib import Path

LARGEST = 1 << 28  # of a file that is searched for ids, bytes; larger ones are weights or archives
PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*", b"\x93NUM")


def names_image(path: Path, image_ids: Iterable[str]) -> bool:
    """Whether a table or text holds an image's id; pictures and arrays hold none. False for what cannot be read."""
    try:
        with path.open("rb") as file:
            head = file.read(4)
            if head == b"PAR1":
                return _table_names(path, set(image_ids))
            if head in PICTURES or head[:3] == PICTURES[1] or path.stat().st_size > LARGEST:
                return False
            content = head + file.read()
    except OSError:
        return False
    return any(image_id.encode() in content for image_id in image_ids)


def _table_names(path: Path, image_ids: set[str]) -> bool:
    import pandas as pd

    try:
        table = pd.read_parquet(path)
    except (OSError, ValueError):
        return False
    texts = (table[column].dropna().astype("string") for column in table if not pd.api.types.is_numeric_dtype(table[column]))
    # random crops bear their image's id, `~` and a number
    return any(text.str.split("~").str[0].isin(image_ids).any() for text in texts)
