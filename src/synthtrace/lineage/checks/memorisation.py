"""No kept synthetic image is a copy of a training image: the search runs again and must agree with what is stored."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from synthtrace.errors import InputError
from synthtrace.lineage.copies import Candidates, Reference, candidates, reference, report
from synthtrace.lineage.findings import Finding, SkippedError, fail, listed, warn
from synthtrace.lineage.machine import Machine, as_recorded
from synthtrace.lineage.memorised import Memorised
from synthtrace.lineage.run import read_object
from synthtrace.lineage.study import Study
from synthtrace.params import Selection
from synthtrace.selection import rules
from synthtrace.stage import progress

PROMISE = "no kept synthetic image is a copy of a training image, by pixels or by in-domain embedding; selection is by its rule"

SCORE, SELECT = "score_candidates@", "select@"
ROUNDING, RELATIVE = 1e-4, 1e-3
MEASURED = ["copy", "nearest_real_distance", "nearest_real_id", "embedding_distance", "embedding_nearest_id", *rules.SCORES]
COUNTS = ["candidates", "copies", "copied_training_images"]


def check(study: Study) -> Iterator[Finding]:
    """Judge every candidate of every pool again, fold by fold; figures of all folds come last."""
    if study.evidence:
        raise SkippedError("evidence holds no images")
    if study.fast:
        raise SkippedError("compares all candidates with all training images, which --fast leaves out")
    if not any(name.startswith(SCORE) for name in study.lock):
        raise SkippedError("this study selects no images")
    measured = Memorised()
    total = len(study.fold_numbers) * len(study.kinds)
    for findings in progress(_pools(study, measured), "memorisation", total=total, unit="pool"):
        yield from findings
    yield from measured.findings()


def _pools(study: Study, measured: Memorised) -> Iterator[list[Finding]]:
    """Findings, pool by pool. What cannot be read is a finding, and the others go on."""
    for fold in study.fold_numbers:
        stage = f"{SCORE}{study.kinds[0]}-{fold}"
        try:
            params = study.params_of(stage)
            with as_recorded(study, stage) as machine, reference(study, fold, params, machine.device) as against:
                measured.add_fold(against)
                for kind in study.kinds:
                    yield list(_pool(study, kind, fold, against, machine, measured))
        except InputError as error:
            yield [fail(str(error))]


def _pool(study: Study, kind: str, fold: int, against: Reference, machine: Machine, measured: Memorised) -> Iterator[Finding]:
    try:
        judged = candidates(study, kind, fold, against)
        settings = study.params_of(f"{SELECT}{kind}-{fold}").selection
        stored = read_object(study.root / f"data/scored/{kind}/fold{fold}/copies.json")
    except InputError as error:
        yield fail(str(error))
        return
    if judged.missing:
        names = listed(judged.missing)
        yield warn(f"data/pools/{kind}/fold{fold}: {names} could not be judged: {next(iter(judged.missing.values()))}")
    if judged.found.empty:
        return
    measured.add_pool(kind, judged.found, len(against.training))
    yield from _kept_copies(study, kind, fold, judged.found, against)
    say: Callable[[str, str], Finding] = fail if machine.same else warn
    where = "" if machine.same else f" (measured on {machine.here}, scored on {machine.recorded})"
    for place, file, told in (
        ("selected", "selection.parquet", _rows_told(judged, against, settings)),
        ("scored", "copies.json", report_told(stored, report(judged.found, against), judged.complete)),
    ):
        if told:
            path = f"data/{place}/{kind}/fold{fold}/{file}"
            yield say(f"{path}: {told}{where}", path)


def _kept_copies(study: Study, kind: str, fold: int, found: pd.DataFrame, against: Reference) -> Iterator[Finding]:
    pixels, embedding = against.finder.pixels.threshold, against.finder.embedding.threshold
    for row in found[found["kept"] & found["copy"]].itertuples():
        path = study.shown(study.pool(kind, fold) / str(row.path))
        yield fail(
            f"{path} is kept and is a copy of the training image {row.nearest_real_id}: pixel distance "
            f"{row.nearest_real_distance:.4f} (threshold {pixels:.4f}), embedding distance {row.embedding_distance:.4f} to "
            f"{row.embedding_nearest_id} (threshold {embedding:.4f}); expected no kept image to be a copy",
            path,
        )


def _rows_told(judged: Candidates, against: Reference, settings: Selection) -> str:
    """Where the stored selection is not what the images give; empty when it agrees. Swapped files are `ledger`'s finding.

    What is kept must follow from the stored columns by the rule, which for `centroid` takes the whole table.
    """
    found = judged.found[judged.found["sampled"]]
    told: dict[str, str] = {}
    for name in (name for name in MEASURED if f"{name}_stored" in found):
        stored = found[f"{name}_stored"]
        for row in np.flatnonzero(_differs(name, stored, found[name], against)):
            said = f"{name} {stored.iloc[row]}, found {found[name].iloc[row]}"
            told.setdefault(found["image_id"].iloc[row], said)
    if judged.complete:
        table = found[["label", *(f"{name}_stored" for name in ("copy", *rules.SCORES) if f"{name}_stored" in found)]]
        expected = rules.kept(table.rename(columns=lambda name: name.removesuffix("_stored")), settings.method, settings)
        for row in np.flatnonzero(found["kept"].to_numpy(dtype=bool) != expected):
            kept, copy = found["kept"].iloc[row], found["copy_stored"].iloc[row]
            said = f"kept {kept} with copy {copy}, expected {expected[row]} by selection.method {settings.method}"
            told.setdefault(found["image_id"].iloc[row], said)
    if not told:
        return ""
    image_id, first = next(iter(told.items()))
    return f"{len(told)} of {len(found)} rows are not what the images give ({listed(told)}); {image_id} has {first}"


def _differs(name: str, stored: pd.Series, found: pd.Series, against: Reference) -> np.ndarray:
    if name in rules.SCORES:
        return ~np.isclose(pd.to_numeric(stored, errors="coerce"), found, rtol=RELATIVE, atol=ROUNDING, equal_nan=True)
    if name.endswith("_distance"):
        return ~((pd.to_numeric(stored, errors="coerce") - found).abs() <= ROUNDING).to_numpy()
    if name.endswith("_id"):  # which of two identical training images is named says nothing
        hashes = against.training.drop_duplicates("image_id").set_index("image_id")["pixel_hash"]
        pixels = [ids.map(hashes).astype(object).fillna("") for ids in (stored, found)]  # "": no training image of the fold
        return (pixels[0] != pixels[1]).to_numpy(dtype=bool)
    return (stored != found).to_numpy()


def report_told(stored: dict[str, Any], computed: dict[str, Any], complete: bool = True) -> str:
    """The first figure of copies.json that is not what the images give (`computed`); empty when it agrees.

    Counts are compared where all candidates are there. Shares within a threshold follow from the rest, and jump with rounding.
    """
    found = _flat(stored)
    for name, value in _flat(computed).items():
        compared = not name.endswith(".within") and (complete or name not in COUNTS)
        if compared and not _equal(found.get(name), value):
            return f"{name} is {found.get(name)}, found {value}"
    return ""


def _equal(stored: Any, found: Any) -> bool:
    if isinstance(stored, float) and isinstance(found, float):
        return abs(stored - found) <= ROUNDING
    return stored == found


def _flat(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Leaves of nested mappings by dotted name."""
    leaves: dict[str, Any] = {}
    for name, value in tree.items():
        leaves |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return leaves
