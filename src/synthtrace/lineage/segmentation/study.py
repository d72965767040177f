"""A run of the segmentation study, and what it alone has: pools of pairs, styled ones, segmenters."""

from typing import ClassVar

import pandas as pd

from synthtrace.lineage.run import Run
from synthtrace.pair_tables import read_pair_ledger
from synthtrace.params import REAL
from synthtrace.params.segmentation import SegmentationParams

SEGMENTERS = "data/segmenters"


class PairStudy(Run[SegmentationParams]):
    """A run of the segmentation study."""

    name = "segmentation"
    model = SegmentationParams
    kept: ClassVar[dict[str, str]] = {**Run.kept, SEGMENTERS: "segmenters"}
    in_part: ClassVar[tuple[str, ...]] = (SEGMENTERS,)

    @property
    def pools(self) -> list[str]:
        """Names of all pools, styled ones last."""
        return self.params.generators.pools

    @property
    def items(self) -> list[str]:
        """What segmenters are trained by: real pairs, and each pool."""
        return [REAL, *self.pools]

    def ledger(self, kind: str, fold: int) -> pd.DataFrame:
        """A pool's ledger."""
        return read_pair_ledger(self.pool(kind, fold))
