"""A pool of pairs: what its rows should be, its files, and what the trainings of its item drew and skipped of it."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
import torch

from synthtrace.generators.pair_generators import Trained
from synthtrace.lineage.candidates import TABLE, Rule
from synthtrace.lineage.findings import Finding, fail, further, listed
from synthtrace.lineage.segmentation.study import FOLD, SEGMENTERS, PairStudy
from synthtrace.pair_tables import training_pairs
from synthtrace.params.segmentation import SegmentationParams
from synthtrace.pools.pairs import plan_pool
from synthtrace.pools.styled import plan_styled
from synthtrace.seeds import Seeds
from synthtrace.segment.grid import split_skipped
from synthtrace.segment.inputs import groups_of
from synthtrace.segment.pairs import SegmentationSet
from synthtrace.segment.recipes import REAL, recipes_of
from synthtrace.segment.tables import read_drawn, read_skipped
from synthtrace.selection import pair_rules
from synthtrace.tables import with_role


def planned(study: PairStudy, kind: str) -> pd.DataFrame:
    """The rows that seed, parameters, generator and, of a styled pool, the base pool give; raises InputError as planning."""
    params, base = study.ran(f"data/pools/{kind}/fold{FOLD}"), study.base(kind)
    if base != kind:
        seeds, ledger = Seeds(params.seed), study.ledger(base, FOLD)
        return plan_styled(kind, FOLD, ledger, params.style, params.sampling.styled_pairs, seeds)
    training = training_pairs(study.root, FOLD, params.preprocess.channels)
    return plan_pool(kind, FOLD, Trained(study.generator(kind, FOLD), torch.device("cpu")), training, params)


def rows_right(study: PairStudy, kind: str, ledger: pd.DataFrame) -> Iterator[Finding]:
    """Each planned row once, and what the plan says in each of its columns."""
    name = f"data/pools/{kind}/fold{FOLD}/{TABLE}"
    for column in ("image_id", "path", "mask_path", "index"):
        twice = ledger.loc[ledger[column].duplicated(), "image_id"]
        if len(twice):
            yield fail(f"{name}: {column} of {listed(twice, 3)} stands in an earlier row too; expected it once")
    plan = planned(study, kind).set_index("image_id")
    rows = ledger.drop_duplicates("image_id").set_index("image_id")
    for ids, what in ((plan.index.difference(rows.index), "lacks"), (rows.index.difference(plan.index), "also has")):
        if len(ids):
            yield fail(f"{name}: {what} {listed(ids, 3)}; expected the {len(plan)} rows that seed and parameters give")
    common = plan.index.intersection(rows.index)
    for column in plan.columns:
        if column not in rows:
            yield fail(f"{name}: missing column {column!r}")
            continue
        found, expected = (table.loc[common, column] for table in (rows, plan))
        wrong = common[~((found == expected).fillna(False) | (found.isna() & expected.isna())).to_numpy(dtype=bool)]
        if len(wrong):
            yield fail(
                f"{name}: {column} of {wrong[0]!r} is {found[wrong[0]]}; expected {expected[wrong[0]]}"
                f"{further(len(wrong) - 1, 'row')}"
            )


def files_of(ledger: pd.DataFrame) -> pd.DataFrame:
    """A row a file, of image or mask, with the columns of a ledger of images that tell it."""
    images = ledger[["image_id", "path", "pixel_hash", "file_sha256"]]
    named = {"mask_path": "path", "mask_hash": "pixel_hash", "mask_sha256": "file_sha256"}
    return pd.concat([images, ledger[["image_id", *named]].rename(columns=named)], ignore_index=True)


def rule(both: pd.DataFrame, ran: SegmentationParams) -> tuple[np.ndarray, str]:
    """Which pairs are kept (`candidates.Rule`)."""
    return pair_rules.kept(both, ran.masks), "the rule: no copy, and no mask that is empty, out of bounds or unlike real ones"


RULE: Rule = rule


def drawn_kept(study: PairStudy, item: str) -> Iterator[Finding]:
    """What trainings drew of a pool is in its ledger, and kept."""
    name, drawn = f"{SEGMENTERS}/{item}/training.parquet", read_drawn(study.path(f"{SEGMENTERS}/{item}"))
    ids = drawn["image_id"].drop_duplicates()
    ids = ids[~ids.isin(study.manifest["image_id"])]
    selection = study.selection(item, FOLD)
    for known, what in (
        (study.ledger(item, FOLD)["image_id"], "no row of the ledger names"),
        (selection.loc[selection["kept"].astype(bool), "image_id"], "the selection did not keep"),
    ):
        wrong = ids[~ids.isin(known)]
        if len(wrong):
            yield fail(f"{name}: its trainings drew {listed(wrong, 3)}, which {what}")


def skipped_rightly(study: PairStudy, item: str) -> Iterator[Finding]:
    """Recipes that an item left out could not be trained, and for the reason that is told."""
    folder = f"{SEGMENTERS}/{item}"
    params, stored = study.ran(folder), read_skipped(study.path(folder))
    recipes = [one for one in recipes_of(params.mixes, study.params.kinds) if one.pool == item]
    real = with_role(study.manifest, study.folds, FOLD, "train")["image_id"].astype(str).tolist()
    groups = groups_of(study.manifest, params.dataset.patient_ids)
    pool = None
    if item != REAL:
        ledger, selection = study.ledger(item, FOLD), study.selection(item, FOLD)
        rows = ledger[ledger["image_id"].isin(selection.loc[selection["kept"].astype(bool), "image_id"])]
        pool = _unread(rows["image_id"].tolist(), rows["condition_image_id"].tolist(), groups)
    expected = split_skipped(recipes, _unread(real, real, groups), lambda _: pool, params.segmenter, Seeds(params.seed))[1]
    reasons = [dict(zip(table["recipe"], table["reason"], strict=True)) for table in (stored, expected)]
    for recipe in dict.fromkeys([*reasons[0], *reasons[1]]):
        told, found = (one.get(recipe, "it can be trained") for one in reasons)
        if told != found:
            yield fail(f"{folder}/skipped.csv: {recipe!r}: {told}; found that {found}")


def _unread(image_ids: list[str], sources: list[str], groups: Mapping[str, str]) -> SegmentationSet:
    """Pairs by their names alone, which is all that skipping looks at."""
    nothing = np.empty((len(image_ids), 0))
    # a source that is no image of the crops stands for its group: another check tells of it
    return SegmentationSet(nothing, nothing, image_ids, sources, [groups.get(source, source) for source in sources])
