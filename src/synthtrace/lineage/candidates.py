"""A pool's candidates: their rows, their files, the generator that they come from, their scores and their selection."""

import hashlib
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from synthtrace.cards import CARD, checkpoint_digest
from synthtrace.errors import InputError
from synthtrace.images import pixel_hash, read_image, write_image
from synthtrace.lineage.checkpoints import read_card, wrong_weights
from synthtrace.lineage.findings import Finding, fail, further, listed
from synthtrace.lineage.pipeline import PARAMS, producer
from synthtrace.lineage.run import Run
from synthtrace.lineage.study import Study
from synthtrace.params import Params
from synthtrace.seeds import Seeds
from synthtrace.selection import rules

TABLE = "ledger.parquet"
SCORES_AND_SELECTION = ("scored", "selected")
# of scores and the parameters that the selection ran with: which rows are kept, and what this rule is called
Rule = Callable[[pd.DataFrame, Any], tuple[np.ndarray, str]]


def rows_right(study: Study, kind: str, fold: int, ledger: pd.DataFrame) -> Iterator[Finding]:
    """Each row once, with what follows from its index (image_id, path, batch, seed) and the pool's kind, fold and parameters.

    Parameters are those that the lock says the pool was drawn with.
    """
    name = f"data/pools/{kind}/fold{fold}"
    for column in ("image_id", "path", "index", "seed"):
        twice = ledger.loc[ledger[column].duplicated(), "image_id"]
        if len(twice):
            yield fail(f"{name}/{TABLE}: {column} of {listed(twice, 3)} stands in an earlier row too; expected it once")
    stage = producer(study.lock, name)
    params = study.lock[stage[0]].params.get(PARAMS, {}) if stage else {}
    index = ledger["index"].astype(int)
    ids = pd.Series([f"{kind}-f{fold}-{number:05d}" for number in index], index=ledger.index)
    expected: dict[str, object] = {"image_id": ids, "path": "images/" + ids + ".png", "generator": kind, "fold": fold}
    if "sample.batch_size" in params:
        expected["batch"] = index // params["sample.batch_size"]
    if "seed" in params:
        seeds = Seeds(params["seed"])
        expected["seed"] = [seeds.integer("sample", kind, fold, "noise", number) for number in index.tolist()]
    if "sample.sampler" in params and stage:
        ran = study.params_of(stage[0])
        expected |= ran.family(kind).drawing(ran.sample)._asdict()
    wanted = pd.DataFrame(expected, index=ledger.index)
    for column in wanted.columns:
        wrong = ledger.index[~(ledger[column] == wanted[column]).fillna(False)]
        if len(wrong):
            first = wrong[0]
            yield fail(
                f"{name}/{TABLE}: {column} of {ledger['image_id'][first]!r} is {ledger[column][first]}; expected "
                f"{wanted[column][first]}{further(len(wrong) - 1, 'row')}"
            )
    if "sample.images" in params:
        yield from _all_drawn(name, kind, fold, set(index), params["sample.images"])


def _all_drawn(name: str, kind: str, fold: int, found: set[int], images: int) -> Iterator[Finding]:
    for numbers, what in ((set(range(images)) - found, "lacks"), (found - set(range(images)), "also has")):
        if numbers:
            ids = listed((f"{kind}-f{fold}-{number:05d}" for number in sorted(numbers)), 3)
            yield fail(f"{name}/{TABLE}: {what} {ids}; expected the {images} rows that sample.images asked for")


def files_right(folder: Path, name: str, ledger: pd.DataFrame) -> Iterator[Finding]:
    """Files below a pool's folder are those of its ledger, by bytes and by pixels."""
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {TABLE}
    for path in sorted(there - set(ledger["path"])):
        yield fail(f"{name}/{path}: no row of {TABLE} names this file")
    for path in sorted(set(ledger["path"]) - there):
        yield fail(f"{name}/{path}: no such file; a row of {TABLE} names it")
    owner = dict(zip(ledger["pixel_hash"], ledger["image_id"], strict=True))
    odd = []
    rows = ledger[ledger["path"].isin(there)]
    for path, pixels_named, file_named in zip(rows["path"], rows["pixel_hash"], rows["file_sha256"], strict=True):
        try:
            content, pixels = (folder / path).read_bytes(), read_image(folder / path)
        except InputError as error:
            yield fail(str(error))
            continue
        hashed, same_file = pixel_hash(pixels), hashlib.sha256(content).hexdigest() == file_named
        if hashed != pixels_named:
            whose = f"of {owner[hashed]!r}" if hashed in owner else hashed[:12]
            yield fail(f"{name}/{path}: holds the pixels {whose}; expected {str(pixels_named)[:12]} as in its row")
        elif not same_file:
            yield fail(f"{name}/{path}: encoded anew, its pixels are those of its row but its bytes are not")
        elif not _as_written(content, pixels):
            odd.append(path)
        if hashed != pixels_named and same_file:
            yield fail(f"{name}/{path}: file_sha256 of its row is that of the file, pixel_hash is not")
    # another version of the image library may write other bytes, but then of every image
    if len(odd) < len(rows):
        for path in odd:
            yield fail(f"{name}/{path}: encoded unlike the other images of its pool, although file_sha256 of its row agrees")


def _as_written(content: bytes, pixels: np.ndarray) -> bool:
    """Whether a file holds the bytes that writing its pixels gives."""
    buffer = BytesIO()
    write_image(buffer, pixels)  # type: ignore[arg-type]
    return buffer.getvalue() == content


def generator_there(study: Run, kind: str, fold: int, ledger: pd.DataFrame, pool: str = "") -> Iterator[Finding]:
    """Every row's checkpoint is the generator of its pool, whose card knows its weights; raises InputError without a card.

    `pool`: its name, where it is not that of the generator's kind.
    """
    folder, name = study.generator(kind, fold), f"data/generators/{kind}/fold{fold}"
    card = read_card(folder)
    yield from (fail(f"{name}/{problem}") for problem in wrong_weights(folder, card))
    for key, expected in (("kind", kind), ("fold", fold)):
        if card.get(key) != expected:
            yield fail(f"{name}/{CARD}: {key} {card.get(key)!r}; expected {expected!r}")
    digest = checkpoint_digest(folder)
    wrong = ledger[ledger["checkpoint"] != digest]
    if len(wrong):
        row = wrong.iloc[0]
        yield fail(
            f"data/pools/{pool or kind}/fold{fold}/{TABLE}: checkpoint of {row['image_id']!r} is "
            f"{str(row['checkpoint'])[:12]}; expected {digest[:12]}, which is {name}{further(len(wrong) - 1, 'row')}"
        )


def selection_right(study: Study, kind: str, fold: int, ledger: pd.DataFrame) -> Iterator[Finding]:
    """`kept_by` the rule of `selection.method`."""

    def rule(both: pd.DataFrame, ran: Params) -> tuple[np.ndarray, str]:
        method = ran.selection.method
        return rules.kept(both, method, ran.selection), f"selection.method {method}"

    yield from kept_by(study, kind, fold, ledger, rule)


def kept_by(study: Run, kind: str, fold: int, ledger: pd.DataFrame, rule: Rule) -> Iterator[Finding]:
    """One row of scores and one of the selection an image of the ledger, under its label; kept by the rule, of these scores."""
    scored, selected = (f"data/{place}/{kind}/fold{fold}" for place in SCORES_AND_SELECTION)
    candidates, selection = study.candidates(kind, fold), study.selection(kind, fold)
    yield from _one_row_each(f"{scored}/candidates.parquet", candidates, ledger)
    wrong = list(_one_row_each(f"{selected}/selection.parquet", selection, ledger))
    yield from wrong
    if wrong or len(candidates) != len(selection):
        return
    both = candidates.merge(selection, on="image_id", suffixes=("", "_selected"))
    for name in candidates.columns.drop("image_id"):
        other = f"{name}_selected" if f"{name}_selected" in both else None
        same = _same(both[name], both[other]) if other else np.zeros(len(both), dtype=bool)
        if not same.all():
            row = both.iloc[int(np.flatnonzero(~same)[0])]
            yield fail(
                f"{selected}/selection.parquet: {name} of {row['image_id']!r} is {row.get(other)}; expected {row[name]} as in "
                f"{scored}/candidates.parquet{further(int((~same).sum()) - 1, 'row')}"
            )
    stage = producer(study.lock, selected)
    expected, name = rule(both, study.params_of(stage[0]) if stage else study.params)
    kept = both["kept"].astype(bool).to_numpy()
    if (kept != expected).any():
        row = both.iloc[int(np.flatnonzero(kept != expected)[0])]
        yield fail(
            f"{selected}/selection.parquet: {row['image_id']!r} has kept {row['kept']}; expected {not row['kept']} by "
            f"{name}{further(int((kept != expected).sum()) - 1, 'row')}"
        )


def _one_row_each(name: str, table: pd.DataFrame, ledger: pd.DataFrame) -> Iterator[Finding]:
    ids, own = table["image_id"], ledger.drop_duplicates("image_id").set_index("image_id")["label"]
    for wrong, what in (
        (ids[ids.duplicated()], "has two rows; expected one"),
        (ids[~ids.isin(own.index)], f"is not in the pool's {TABLE}"),
        (ledger.loc[~ledger["image_id"].isin(ids), "image_id"], "of the ledger has no row"),
        (ids[ids.isin(own.index) & (ids.map(own) != table["label"])], "has another label than in the ledger"),
    ):
        if len(wrong):
            yield fail(f"{name}: image {wrong.iloc[0]!r} {what}{further(len(wrong) - 1, 'image')}")


def _same(one: pd.Series, other: pd.Series) -> np.ndarray:
    return ((one == other) | (one.isna() & other.isna())).to_numpy(dtype=bool)
