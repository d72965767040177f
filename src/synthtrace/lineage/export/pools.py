"""Which pools are exported, and that they are what dvc.lock says was run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from synthtrace.cards import checkpoint_digest, read_card
from synthtrace.errors import InputError
from synthtrace.lineage.run import read_json
from synthtrace.lineage.study import Study


@dataclass(frozen=True)
class Pool:
    """One pool: its folder, ledger rows of kept images, number of candidates, its generator's card, its copy search."""

    kind: str
    fold: int
    folder: Path
    rows: pd.DataFrame
    candidates: int
    generator: dict[str, Any]
    checkpoint: str
    copies: dict[str, Any]

    @property
    def name(self) -> str:
        """KIND/foldK."""
        return f"{self.kind}/fold{self.fold}"

    def stage(self, script: str) -> str:
        """Name of one of the pool's stages."""
        return f"{script}@{self.kind}-{self.fold}"


def chosen_pools(study: Study, names: list[str]) -> list[Pool]:
    """The named pools, or all, in the study's order.

    Raises InputError for a pool that does not exist, has not been drawn, or is not what dvc.lock records, and when no image of
    any of them was kept.
    """
    there = {f"{kind}/fold{fold}": (kind, fold) for kind in study.kinds for fold in study.params.split.folds}
    for name in names:
        if name not in there:
            raise InputError(f"--pool: no pool {name!r} here; expected KIND/foldK, one of {', '.join(there)}")
    pools = [_read(study, *place) for name, place in there.items() if not names or name in names]
    if not any(len(pool.rows) for pool in pools):
        raise InputError(f"{', '.join(pool.name for pool in pools)}: no image was kept, so there is nothing to export")
    return pools


def _read(study: Study, kind: str, fold: int) -> Pool:
    ledger, selection = study.ledger(kind, fold), study.selection(kind, fold)
    selected = study.root / f"data/selected/{kind}/fold{fold}"
    if set(selection["image_id"]) != set(ledger["image_id"]):
        raise InputError(f"{selected / 'selection.parquet'}: expected a row for each image of the pool's ledger, and no other")
    rows = ledger[ledger["image_id"].isin(selection.loc[selection["kept"], "image_id"])].reset_index(drop=True)
    real = rows.loc[rows["pixel_hash"].isin(study.manifest["pixel_hash"]), "path"]
    if len(real):
        raise InputError(f"{study.pool(kind, fold) / real.iloc[0]}: has the pixels of a real image, which must not be exported")
    folder = study.generator(kind, fold)
    checkpoint = checkpoint_digest(folder)
    drawn_from = set(ledger["checkpoint"])
    if drawn_from != {checkpoint}:
        raise InputError(
            f"{study.pool(kind, fold) / 'ledger.parquet'}: drawn from checkpoint {', '.join(sorted(drawn_from))}, "
            f"expected {checkpoint}, which lies in {folder}"
        )
    return Pool(
        kind,
        fold,
        study.pool(kind, fold),
        rows,
        len(ledger),
        read_card(folder),
        checkpoint,
        read_json(study.root / f"data/scored/{kind}/fold{fold}/copies.json"),
    )


def require_as_run(study: Study, pool: Pool) -> None:
    """Raise InputError unless generator, pool and selection are, byte by byte, what dvc.lock records as one chain."""
    places = {
        f"data/generators/{pool.name}": ["train_generator", "sample"],
        f"data/pools/{pool.name}": ["sample", "score_candidates"],
        f"data/scored/{pool.name}": ["score_candidates", "select"],
        f"data/selected/{pool.name}": ["select"],
    }
    for path, scripts in places.items():
        for script in scripts:
            if not as_run(study, pool.stage(script), path):
                raise InputError(
                    f"{path}: its bytes are not those that dvc.lock records for {pool.stage(script)}; "
                    "`synthtrace audit bytes closure` says more"
                )


def as_run(study: Study, stage: str, path: str) -> bool:
    """Whether a dep or out of a stage has, today, the bytes that dvc.lock records for it."""
    locked = study.lock.get(stage)
    expected = locked and (locked.deps.get(path) or locked.outs.get(path))
    try:
        return expected is not None and study.digest(path) == expected
    except OSError:
        return False
