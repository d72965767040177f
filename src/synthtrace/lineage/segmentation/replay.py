"""Draw pairs of a pool again from their ledger rows, in the batches that they were drawn in."""

from pathlib import Path

import numpy as np

from synthtrace.errors import InputError
from synthtrace.images import read_image, to_pixels
from synthtrace.lineage.checkpoints import fold_of, read_card, wrong_weights
from synthtrace.lineage.machine import Machine
from synthtrace.lineage.replay import batches, damage_told
from synthtrace.lineage.segmentation.study import PairStudy
from synthtrace.lineage.tolerance import Replayed, compared, differing
from synthtrace.pools.replay_pairs import maker, redrawn


class PairPool:
    """A pool of pairs (`data/pools/<kind>/fold<k>`) that can be drawn again; made by `replay.opened`."""

    def __init__(self, study: PairStudy, out: str, stage: str, machine: Machine) -> None:
        fold = fold_of(out)
        if fold is None:
            raise InputError(f"{out}: expected a pool, data/pools/<kind>/fold<k>")
        self.study, self.out, self.kind, self.fold = study, out, Path(out).parent.name, fold
        self.ledger = study.ledger(self.kind, fold)
        self._elsewhere = differing(machine)
        generator = study.generator(study.base(self.kind), fold)
        for problem in wrong_weights(generator, read_card(generator)):
            raise InputError(f"{study.shown(generator)}/{problem}")
        with damage_told(f"{out}: what drew it cannot be read"):
            self._maker = maker(study.root, self.kind, fold, study.params_of(stage), machine.device)

    def batches(self) -> dict[int, list[str]]:
        """Ids of the pairs by batch, as the ledger says."""
        return batches(self.out, self.ledger)

    def replay(self, batch: int) -> list[Replayed]:
        """Every pair of a batch, drawn again and compared with its files; of image and mask the one that is farther off.

        Raises InputError when the rows name another checkpoint than the generator's, or when nothing can be drawn from them.
        """
        rows = self.ledger[self.ledger["batch"] == batch].set_index("image_id")
        with damage_told(f"{self.out}/ledger.parquet: batch {batch} cannot be drawn from its rows"):
            drawn = list(redrawn(self.ledger, rows.index, self._maker))
        return [
            self._compared(
                image_id, str(rows.loc[image_id, "path"]), to_pixels(image), str(rows.loc[image_id, "mask_path"]), mask[0]
            )
            for image_id, image, mask in drawn
        ]

    def otherwise_chosen(self) -> str:
        """Nothing: the check `ledger` holds every column against what seed and parameters give."""
        return ""

    def _compared(self, image_id: str, image_path: str, image: np.ndarray, mask_path: str, mask: np.ndarray) -> Replayed:
        """A mask is compared as 0 and 1: what may differ, elsewhere, is in how many of its pixels."""
        found = self._file(image_id, image_path, image, 1)
        return found if not found.equal else self._file(image_id, mask_path, mask, 255)

    def _file(self, image_id: str, below: str, drawn: np.ndarray, level: int) -> Replayed:
        path = f"{self.out}/{below}"
        file = self.study.root / path
        try:
            pixels = read_image(file)
        except InputError as error:
            return Replayed(image_id, path, problem=str(error).removeprefix(f"{file}: "))
        if (pixels % level).any():
            return Replayed(image_id, path, problem=f"holds other values than 0 and {level}")
        return compared(image_id, path, self._elsewhere, pixels // level, drawn // level)
