"""Pools and real images for the page to click through: as many pictures as a page may weigh."""

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from synthtrace.lineage.pipeline import producer
from synthtrace.lineage.study import Study
from synthtrace.lineage.trace.counts import DRAWN, counts, read_drawn
from synthtrace.lineage.trace.image import checkpoint_folder, plain_row
from synthtrace.report.pictures import data_uri, spread

Plain = dict[str, Any]

# characters of pictures; with a row of text an image and the rest, a page stays below 6 MB
SYNTHETIC_BUDGET = 3_000_000
REAL_BUDGET = 800_000
TRIED = 8
COLUMNS = [
    "image_id",
    "label",
    "batch",
    "seed",
    "condition_image_id",
    "condition_seed",
    "sampler",
    "steps",
    "guidance_scale",
    "checkpoint",
    "pixel_hash",
    "file_sha256",
    "nearest_real_id",
    "nearest_real_distance",
    "drawn",
    "picture",
]


def pools(study: Study) -> list[Plain]:
    """Every pool: its paths and counts, and up to a budget of kept images, spread evenly, as rows of `columns`.

    Raises InputError when a ledger, a selection or an image cannot be read.
    """
    places = [(kind, fold, f"data/pools/{kind}/fold{fold}") for kind in study.kinds for fold in study.fold_numbers]
    made = [(kind, fold, path, found[0]) for kind, fold, path in places if (found := producer(study.lock, path))]
    drawn = {kind: _drawn(study, kind) for kind in study.kinds}
    return [_pool(study, kind, fold, path, stage, drawn[kind], len(made)) for kind, fold, path, stage in made]


def _pool(study: Study, kind: str, fold: int, path: str, stage: str, drawn: dict[str, str], of: int) -> Plain:
    ledger, selection = study.ledger(kind, fold), study.selection(kind, fold)
    chosen = f"data/selected/{kind}/fold{fold}"
    columns = ["image_id", "nearest_real_id", "nearest_real_distance"]
    kept = ledger.merge(selection.loc[selection["kept"].astype(bool), columns], on="image_id").sort_values("index")
    rows = spread(kept, _fitting(study, path, kept, SYNTHETIC_BUDGET // of))
    folders = {digest: checkpoint_folder(study, stage, digest) for digest in ledger["checkpoint"].unique()}
    selected_by = producer(study.lock, chosen)
    return {
        "kind": kind,
        "fold": fold,
        "path": path,
        "stage": stage,
        "selected": chosen,
        "selected_by": selected_by and selected_by[0],
        "checkpoints": folders,
        "counts": counts(study, path) | counts(study, chosen),
        "columns": COLUMNS,
        "rows": [_row(study, path, row, drawn) for row in rows.to_dict("records")],
    }


def _fitting(study: Study, pool: str, kept: pd.DataFrame, budget: int) -> int:
    """How many images of a pool a budget of characters holds, judged by a few of them."""
    tried = [len(data_uri(study.path(pool) / path)) for path in spread(kept, TRIED)["path"]]
    return budget * len(tried) // max(sum(tried), 1) if tried else 0


def _row(study: Study, pool: str, row: Mapping[Hashable, Any], drawn: dict[str, str]) -> list[Any]:
    told = plain_row(pd.Series(row, dtype=object))
    told |= {"drawn": drawn.get(told["image_id"]), "picture": data_uri(study.path(pool) / told["path"])}
    return [told[column] for column in COLUMNS]


def _drawn(study: Study, kind: str) -> dict[str, str]:
    """By image: which trainings of a scenario drew it, in words."""
    table = read_drawn(study.path(f"data/classifiers/{kind}") / DRAWN).drop_duplicates()
    found: dict[str, list[str]] = {}
    for (image_id, backbone), rows in table.groupby(["image_id", "backbone"]):
        seeds = sorted(int(seed) for seed in rows["seed"].unique())
        found.setdefault(str(image_id), []).append(
            f"{backbone}, seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"
        )
    return {image_id: "; ".join(words) for image_id, words in found.items()}


def real_images(study: Study, shown: list[Plain]) -> dict[str, Plain]:
    """Real images by id: patient, label, the scan's file in the raw data, and a picture as far as their budget goes.

    Pictures go first to the images that most of the shown synthetic ones refer to.
    """
    uses: dict[str, int] = {}
    for pool in shown:
        places = [pool["columns"].index(name) for name in ("condition_image_id", "nearest_real_id")]
        for row in pool["rows"]:
            for image_id in {row[place] for place in places} - {None}:
                uses[image_id] = uses.get(image_id, 0) + 1
    manifest = study.manifest.astype(object)
    order = sorted(manifest.to_dict("records"), key=lambda row: -uses.get(row["image_id"], 0))
    left = REAL_BUDGET
    pictures = {}
    for row in order:
        picture = data_uri(study.path("data/crops") / row["path"])
        left -= len(picture)
        if left < 0:
            break
        pictures[row["image_id"]] = picture
    columns = [name for name in ("patient_id", "label_name", "original_path", "pixel_hash") if name in manifest.columns]
    return {
        row["image_id"]: plain_row(pd.Series(row, dtype=object)[columns]) | {"picture": pictures.get(row["image_id"])}
        for row in manifest.to_dict("records")
    }
