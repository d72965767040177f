"""Images that were withdrawn from the study: known by their pixels alone, so that nothing on record names a person."""

import json
from pathlib import Path

import pandas as pd

from synthtrace.errors import InputError

WITHDRAWN = Path("data/withdrawn.json")


def read_withdrawn(path: Path = WITHDRAWN) -> set[str]:
    """Pixel hashes of all withdrawn images; the file is a list of {"pixel_hashes": [...], ...}, one entry a withdrawal."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        return {digest for entry in entries for digest in entry["pixel_hashes"]}
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; expected the list of withdrawals, [] when there are none") from None
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not a list of withdrawals, each with its pixel_hashes ({error!r})") from None


def without_withdrawn(manifest: pd.DataFrame, withdrawn: set[str]) -> pd.DataFrame:
    """Rows of the manifest that were not withdrawn, under their old row numbers; raises InputError when none is left."""
    kept = manifest[~manifest["pixel_hash"].isin(withdrawn)]
    if kept.empty:
        raise InputError(f"{WITHDRAWN}: every image of the data set was withdrawn; expected at least one to remain")
    return kept
