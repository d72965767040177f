"""Drawing a reader test from real crops and kept pool images, or from pairs of image and mask."""

from pathlib import Path

import numpy as np
import pandas as pd

from synthtrace.errors import InputError
from synthtrace.params import Params
from synthtrace.seeds import Seeds
from synthtrace.tables import read_ledger, read_manifest, read_selection
from synthtrace.turing.key import REAL, SYNTHETIC
from synthtrace.turing.plan import Plan, plan_of

CROPS = Path("data/crops")
MASK = ["mask_path", "mask_hash"]


def draw(root: Path, study: Params | Plan) -> pd.DataFrame:
    """Choose the images: a row each in the readers' order, columns as in KEY but `file_sha256`, and `path` below `root`.

    Counts a class are `params.turing`, for real images and for each generator kind (paper 0: 7 + 13 real, and 6 + 9 of each of
    two kinds), or a plan's (paper 2, Expert Review Details: 10 real pairs, and 10 of each of two kinds). Real images are crops
    of the whole study, one frame a patient as long as there are patients. Synthetic images are kept ones of any fold; none is
    drawn whose map came from a real image that is shown: the two would give each other away. Pairs have `mask_path`, below
    `root`, and `mask_hash` too; no mask is shown twice.

    Raises:
        InputError: a class has too few images, or a table of the pipeline or a column of it is missing.
    """
    plan = plan_of(study)
    seeds = Seeds(plan.seed)
    manifest = read_manifest(root / CROPS)
    _expect_masks(manifest, root / CROPS / "manifest.csv", plan)
    drawn = []
    for label, name in enumerate(plan.labels):
        rows = manifest[manifest["label"] == label].sort_values("image_id")
        drawn.append(_real(rows, plan, label, name, seeds.stream("turing", REAL, label)))
    shown = pd.concat(drawn)["image_id"]
    for kind in plan.kinds:
        kept = _kept(root, kind, plan)
        kept = kept[~kept["condition_image_id"].isin(shown)]
        if plan.pairs:
            kept = kept[~kept["mask_hash"].isin(pd.concat(drawn)["mask_hash"])]
        for label, name in enumerate(plan.labels):
            rng = seeds.stream("turing", kind, label)
            drawn.append(_synthetic(kept[kept["label"] == label], plan, label, name, kind, rng))
    chosen = pd.concat(drawn, ignore_index=True)
    if chosen.empty:
        raise InputError("params.yaml: turing.real and turing.synthetic ask for no image at all")
    chosen = chosen.iloc[seeds.stream("turing", "order").permutation(len(chosen))].reset_index(drop=True)
    names = chosen["label"].map(dict(enumerate(plan.labels)))
    return chosen.assign(number=chosen.index + 1, label_name=names)


def _expect_masks(table: pd.DataFrame, path: Path, plan: Plan) -> None:
    missing = [name for name in MASK if plan.pairs and name not in table.columns]
    if missing:
        raise InputError(
            f"{path}: missing column {missing[0]!r}, which a test of pairs needs; it has {', '.join(table.columns)}"
        )


def _below(folder: Path, table: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """The table with paths below the study's root."""
    paths = ["path", "mask_path"] if plan.pairs else ["path"]
    return table.assign(**{name: str(folder) + "/" + table[name] for name in paths})


def _real(rows: pd.DataFrame, plan: Plan, label: int, name: str, rng: np.random.Generator) -> pd.DataFrame:
    count = plan.real[label]
    shuffled = rows.iloc[rng.permutation(len(rows))].drop_duplicates("pixel_hash")
    if plan.pairs:
        shuffled = shuffled.drop_duplicates("mask_hash")
    if len(shuffled) < count:
        raise InputError(
            f"turing.real asks for {count} real images of {name}, but {CROPS / 'manifest.csv'} holds "
            f"{len(shuffled)} distinct ones"
        )
    # first every patient's first frame in the shuffled order, then every second, ...
    frame = shuffled.groupby("patient_id").cumcount()
    chosen = _below(CROPS, shuffled.iloc[np.argsort(frame.to_numpy(), kind="stable")[:count]], plan)
    columns = ["image_id", "label", "patient_id", "pixel_hash", "path", *(MASK if plan.pairs else [])]
    return chosen[columns].assign(source=REAL, kind="", fold="")


def _kept(root: Path, kind: str, plan: Plan) -> pd.DataFrame:
    """Kept images of a kind over all folds, one of each picture."""
    pools = []
    for fold in plan.folds:
        pool = Path(f"data/pools/{kind}/fold{fold}")
        selection = read_selection(root / f"data/selected/{kind}/fold{fold}")
        ledger = read_ledger(root / pool)
        _expect_masks(ledger, root / pool / "ledger.parquet", plan)
        kept = ledger[ledger["image_id"].isin(selection.loc[selection["kept"].astype(bool), "image_id"])]
        pools.append(_below(pool, kept, plan).assign(fold=str(fold)))
    pictures = pd.concat(pools).sort_values("image_id").drop_duplicates("pixel_hash")
    return pictures.drop_duplicates("mask_hash") if plan.pairs else pictures


def _synthetic(rows: pd.DataFrame, plan: Plan, label: int, name: str, kind: str, rng: np.random.Generator) -> pd.DataFrame:
    count = plan.synthetic[label]
    if len(rows) < count:
        raise InputError(
            f"turing.synthetic asks for {count} {kind} images of {name}, but {len(rows)} are kept over all folds and "
            f"conditioned on no real image of the test{' and have a new mask' if plan.pairs else ''}; "
            "lower turing.synthetic or raise sample.images"
        )
    chosen = rows.iloc[rng.permutation(len(rows))[:count]]
    columns = ["image_id", "label", "pixel_hash", "fold", "path", *(MASK if plan.pairs else [])]
    return chosen[columns].assign(source=SYNTHETIC, kind=kind, patient_id="")
