"""Draw pool images again from their ledger rows, in the batches that they were drawn in, and compare them with their files."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Union

import numpy as np
import pandas as pd

from synthtrace.cards import checkpoint_digest
from synthtrace.errors import InputError
from synthtrace.images import read_image, to_pixels
from synthtrace.lineage.checkpoints import fold_of, read_card, wrong_weights
from synthtrace.lineage.findings import listed
from synthtrace.lineage.machine import Machine, as_recorded
from synthtrace.lineage.pipeline import producer
from synthtrace.lineage.run import Run
from synthtrace.lineage.segmentation.study import PairStudy
from synthtrace.lineage.study import Study
from synthtrace.lineage.tolerance import Replayed, compared, differing
from synthtrace.lineage.trace.target import find_target
from synthtrace.seeds import Seeds
from synthtrace.stage import progress
from synthtrace.tables import with_role

if TYPE_CHECKING:
    from synthtrace.generators.protocol import Family, Reference
    from synthtrace.lineage.segmentation.replay import PairPool

# what the generator's family chooses for an image; the check `ledger` knows the other columns from the parameters alone
CHOSEN = ["label", "condition_image_id", "condition_seed"]


class Pool:
    """A pool (`data/pools/<kind>/fold<k>`) whose images can be drawn again; made by `opened`."""

    def __init__(self, study: Study, out: str, stage: str, machine: Machine) -> None:
        fold = fold_of(out)
        if fold is None:
            raise InputError(f"{out}: expected a pool, data/pools/<kind>/fold<k>")
        self.study, self.out, self.kind, self.fold = study, out, Path(out).parent.name, fold
        self.ledger = study.ledger(self.kind, fold)
        self._params, self._device, self._elsewhere = study.params_of(stage), machine.device, differing(machine)
        self._trained, self._digest = self._generator()
        self._training = self._conditions()

    def _generator(self) -> tuple["Family", str]:
        """The generator of the pool's kind and fold, its weights held against its card, and its digest."""
        from synthtrace.generators.checkpoints import load_generator

        generator = self.study.generator(self.kind, self.fold)
        autoencoders = self.study.root / f"data/autoencoders/fold{self.fold}"
        space = read_card(generator).get("space")
        for folder in (generator, *([autoencoders / str(space)] if space else [])):
            for problem in wrong_weights(folder, read_card(folder)):
                raise InputError(f"{self.study.shown(folder)}/{problem}")
        with damage_told(f"{self.study.shown(generator)}: not a readable generator"):
            trained = load_generator(generator, autoencoders, self._params.preprocess.channels, self._device)
        return trained, checkpoint_digest(generator)

    def _conditions(self) -> "Reference":
        from synthtrace.pools.sampling import reference

        rows = with_role(self.study.manifest, self.study.folds, self.fold, "train")
        size, distortion = self._params.preprocess.image_size, self._params.family(self.kind).distortion
        with damage_told(f"data/crops: the maps of fold {self.fold}'s training images cannot be read"):
            return reference(self.study.path("data/crops"), rows, size, distortion)

    def batches(self) -> dict[int, list[str]]:
        """Ids of the images by batch, as the ledger says."""
        return batches(self.out, self.ledger)

    def replay(self, batch: int) -> list[Replayed]:
        """Every image of a batch, drawn again and compared with its file.

        Raises InputError when the rows name another checkpoint than the generator's, or when nothing can be drawn from them.
        """
        rows = self.ledger[self.ledger["batch"] == batch].sort_values("index")
        return [
            self._compared(str(image_id), str(path), to_pixels(image))
            for image_id, path, image in zip(rows["image_id"], rows["path"], self._drawn(rows), strict=True)
        ]

    def _drawn(self, rows: pd.DataFrame) -> np.ndarray:
        from synthtrace.pools.sampling import sample_batch

        other = rows[rows["checkpoint"] != self._digest]
        if len(other):
            row = other.iloc[0]
            raise InputError(
                f"{self.out}/ledger.parquet: the row of {row['image_id']} names the checkpoint {str(row['checkpoint'])[:12]}; "
                f"{self.study.shown(self.study.generator(self.kind, self.fold))} has the digest {self._digest[:12]}"
            )
        with damage_told(f"{self.out}/ledger.parquet: batch {rows['batch'].iloc[0]} cannot be drawn from its rows"):
            return sample_batch(rows, self._trained, self._training, self._device)

    def _compared(self, image_id: str, below: str, drawn: np.ndarray) -> Replayed:
        path = f"{self.out}/{below}"
        file = self.study.root / path
        try:
            pixels = read_image(file)
        except InputError as error:
            return Replayed(image_id, path, problem=str(error).removeprefix(f"{file}: "))
        return compared(image_id, path, self._elsewhere, pixels, drawn)

    def otherwise_chosen(self) -> str:
        """Which rows have a label or condition that the stage's seed and parameters do not give; empty when none has."""
        from synthtrace.pools.sampling import plan_pool

        params, family = self._params, self._trained
        drawing = params.family(self.kind).drawing(params.sample)
        with damage_told(f"{self.out}: cannot be planned from the parameters that dvc.lock holds"):
            plan = plan_pool(
                family,
                self.kind,
                self.fold,
                self._training,
                params.sample,
                drawing,
                len(params.dataset.labels),
                Seeds(params.seed),
            )
        expected, found = _choices(plan), _choices(self.ledger.drop_duplicates("image_id"))
        common = [image_id for image_id in expected.index if image_id in found.index]
        wrong = found.loc[common] != expected.loc[common]
        rows = wrong.index[wrong.any(axis=1)]
        if not len(rows):
            return ""
        row, column = rows[0], wrong.columns[wrong.loc[rows[0]]][0]
        return (
            f"{len(rows)} of {len(found)} rows are not what the stage's seed and parameters choose ({listed(rows)}): {row} has "
            f"{column} {found.loc[row, column]}; expected {expected.loc[row, column]}"
        )


AnyPool = Union[Pool, "PairPool"]


def batches(out: str, ledger: pd.DataFrame) -> dict[int, list[str]]:
    """Ids of a pool's images by batch, as its ledger says."""
    with damage_told(f"{out}/ledger.parquet: expected whole numbers in the column 'batch'"):
        numbers = ledger["batch"].astype(int)
        return {batch: ledger.loc[numbers == batch, "image_id"].tolist() for batch in sorted(numbers.unique().tolist())}


@contextmanager
def opened(study: Run, out: str) -> Iterator[AnyPool]:
    """A pool with its generator loaded, and this process set up as the stage was that drew it.

    Raises InputError when the ledger, the generator, its conditions or the stage's record cannot be read or do not fit.
    """
    made = producer(study.lock, out)
    if made is None:
        raise InputError(f"{study.root / 'dvc.lock'}: no stage makes {out}; expected that a stage has drawn it")
    with as_recorded(study, made[0]) as machine:
        if isinstance(study, PairStudy):
            from synthtrace.lineage.segmentation.replay import PairPool

            yield PairPool(study, out, made[0], machine)
        else:
            assert isinstance(study, Study)
            yield Pool(study, out, made[0], machine)


def replay(study: Run, images: list[str]) -> list[Replayed]:
    """The images that ids or paths name, drawn again, in their order; several of one batch cost one batch.

    Raises InputError for what is no image of a pool, and as `opened` and `Pool.replay`.
    """
    targets = []
    for text in images:
        target = find_target(study, text)
        if target.kind != "image" or target.key is None:
            raise InputError(f"{text}: expected an image of a pool, by its id or its path, that the pool's ledger holds")
        targets.append((target.makers[0][1], target.key))
    found: dict[tuple[str, str], Replayed] = {}
    for out in dict.fromkeys(out for out, _ in targets):
        wanted = {image_id for of, image_id in targets if of == out}
        with opened(study, out) as pool:
            numbers = [batch for batch, image_ids in pool.batches().items() if wanted & set(image_ids)]
            for batch in progress(numbers, out, unit="batch"):
                found |= {(out, one.image_id): one for one in pool.replay(batch)}
    return [found[target] for target in targets]


def _choices(table: pd.DataFrame) -> pd.DataFrame:
    return table.set_index("image_id")[CHOSEN].astype("string").fillna("none")


@contextmanager
def damage_told(what: str) -> Iterator[None]:
    """What damaged files and rows make the libraries raise has no base class of its own: one sentence."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{what} ({' '.join(str(error).split())[:200]})") from None
