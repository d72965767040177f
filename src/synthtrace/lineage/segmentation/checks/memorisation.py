"""No kept pair is a copy of a training pair: masks are judged and copies sought again, which must agree with what is stored."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from synthtrace.errors import InputError
from synthtrace.lineage.checks.memorisation import ROUNDING, report_told
from synthtrace.lineage.copies import read_extractor
from synthtrace.lineage.findings import Finding, SkippedError, fail, listed, note, warn
from synthtrace.lineage.machine import as_recorded
from synthtrace.lineage.run import read_object
from synthtrace.lineage.segmentation.study import FOLD, PairStudy
from synthtrace.stage import progress

PROMISE = "no kept pair is a copy of a training pair, by pixels or by in-domain embedding, or has a mask unlike real ones"

IDS = ("nearest_real_id", "embedding_nearest_id")


class Judged(NamedTuple):
    """What a pool's pairs and their report are found to be, and the training pairs' pixel hashes by id."""

    table: pd.DataFrame
    report: dict[str, Any]
    hashes: dict[str, str]


def check(study: PairStudy) -> Iterator[Finding]:
    """Judge every pair of every pool again."""
    if study.evidence:
        raise SkippedError("evidence holds no images")
    if study.fast:
        raise SkippedError("compares all pairs with all training pairs, which --fast leaves out")
    for kind in progress(study.kinds, "memorisation", unit="pool"):
        try:
            yield from _pool(study, kind)
        except InputError as error:
            yield fail(str(error))


def _pool(study: PairStudy, kind: str) -> Iterator[Finding]:
    place = f"data/scored/{kind}/fold{FOLD}"
    stage = study.maker(place)
    with as_recorded(study, stage) as machine:
        judged = _judged(study, kind, stage, machine.device)
    say, where = (fail, "") if machine.same else (warn, f" (measured on {machine.here}, scored on {machine.recorded})")
    selection = study.selection(kind, FOLD)
    kept = judged.table[judged.table["image_id"].isin(selection.loc[selection["kept"].astype(bool), "image_id"])]
    for row in kept[kept["copy"]].itertuples():
        yield fail(
            f"data/pools/{kind}/fold{FOLD}: {row.image_id} is kept and is a copy of {row.nearest_real_id}, pixel distance "
            f"{row.nearest_real_distance:.4f}, or of {row.embedding_nearest_id}, embedding distance "
            f"{row.embedding_distance:.4f}; expected no kept pair to be one"
        )
    for row in kept[kept["empty"] | kept["mask_unlike"]].itertuples():
        what = "empty" if row.empty else f"unlike all real ones (distance {row.mask_distance:.2f})"
        yield fail(f"data/pools/{kind}/fold{FOLD}: {row.image_id} is kept, and its mask is {what}")
    if told := _rows_told(study.candidates(kind, FOLD), judged):
        yield say(f"{place}/candidates.parquet: {told}{where}")
    if told := report_told(read_object(study.root / place / "copies.json"), judged.report):
        yield say(f"{place}/copies.json: {told}{where}")
    found = judged.report
    yield note(
        f"{kind}: of {found['candidates']} pairs {found['copies']} are copies, of {found['copied_training_images']} of "
        f"{found['training_images']} training images; {found['empty_masks']} masks are empty, {found['unlike_masks']} unlike "
        "real ones"
    )


def _judged(study: PairStudy, kind: str, stage: str, device: Any) -> Judged:
    """As the stage `score_candidates` judges; embeddings are computed anew, the scratch cache is not read."""
    from synthtrace.features import cache
    from synthtrace.generators.pairs.repaint import dilated, dilation
    from synthtrace.pair_tables import load_pairs, training_pairs
    from synthtrace.selection.pairs import Painted, score_pairs

    params = study.params_of(stage)
    channels = params.preprocess.channels
    training = training_pairs(study.root, FOLD, channels)
    candidates = load_pairs(study.pool(kind, FOLD), study.ledger(kind, FOLD), channels)
    extractor = read_extractor(study.root / f"data/features/fold{FOLD}", device)
    painted = None
    if study.of_kind(kind).family != "gan":
        fills = dilated(training.masks, dilation(training.masks.shape[-1], params.inpainting.dilation))
        painted = Painted(fills, candidates.rows["condition_image_id"])
    with TemporaryDirectory() as folder:

        def embed(images: np.ndarray) -> np.ndarray:
            return cache.embeddings(extractor, images, mirrored=True, cache=Path(folder))

        table, report = score_pairs(candidates, training, embed, params.selection, painted)
    return Judged(table, report, dict(zip(training.image_ids, training.rows["pixel_hash"].astype(str), strict=True)))


def _rows_told(stored: pd.DataFrame, judged: Judged) -> str:
    """Where the stored candidates are not what the pairs give; empty when they agree."""
    found = judged.table.set_index("image_id")
    own = stored.drop_duplicates("image_id").set_index("image_id")
    common = found.index.intersection(own.index)  # what is not common is the check `ledger`'s finding
    told: dict[str, str] = {}
    for name in found.columns:
        if name not in own:
            return f"missing column {name!r}"
        one, other = own.loc[common, name], found.loc[common, name]
        for row in np.flatnonzero(~_same(name, one, other, judged.hashes)):
            told.setdefault(str(common[int(row)]), f"{name} {one.iloc[row]}, found {other.iloc[row]}")
    if not told:
        return ""
    image_id, first = next(iter(told.items()))
    return f"{len(told)} of {len(found)} rows are not what the pairs give ({listed(told)}); {image_id} has {first}"


def _same(name: str, stored: pd.Series, found: pd.Series, hashes: dict[str, str]) -> np.ndarray:
    if name in IDS:  # which of two identical training images is named says nothing
        stored, found = (ids.map(hashes) for ids in (stored, found))
    if pd.api.types.is_float_dtype(found):
        return np.isclose(pd.to_numeric(stored, errors="coerce"), found, rtol=0, atol=ROUNDING, equal_nan=True)
    return ((stored == found) | (stored.isna() & found.isna())).to_numpy(dtype=bool)
