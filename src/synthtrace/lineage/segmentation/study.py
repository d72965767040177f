"""A run of the segmentation study, and what it alone has: pools of pairs, styled ones, segmenters."""

from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from synthtrace.errors import InputError
from synthtrace.lineage.pipeline import producer
from synthtrace.lineage.run import Run
from synthtrace.pair_tables import read_pair_ledger
from synthtrace.params.segmentation import Model, SegmentationParams
from synthtrace.segment.recipes import REAL

SEGMENTERS = "data/segmenters"
# stages of styled pools -> what their scripts, which are those of other pools, call themselves
SCRIPTS = {
    "score_styled": "score_candidates",
    "select_styled": "select",
    "check_styled_pools": "check_pools",
    "check_styled_selection": "check_selection",
    "segment_styled": "segment",
}
FOLD = 0  # the study's only one


class PairStudy(Run[SegmentationParams]):
    """A run of the segmentation study."""

    name = "segmentation"
    model = SegmentationParams
    kept: ClassVar[dict[str, str]] = {**Run.kept, SEGMENTERS: "segmenters"}
    in_part: ClassVar[tuple[str, ...]] = (SEGMENTERS,)

    @property
    def kinds(self) -> list[str]:
        """Names of all pools, styled ones last."""
        return self.params.generators.pools

    @property
    def items(self) -> list[str]:
        """What segmenters are trained by: real pairs, and each pool."""
        return [REAL, *self.kinds]

    def base(self, kind: str) -> str:
        """The kind whose generator made a pool: its own, or, of a styled pool, that of the pool that was styled."""
        return self.params.generators.styled.get(kind, kind)

    def of_kind(self, kind: str) -> Model:
        """What the generator behind a pool is."""
        return Model.of(self.base(kind))

    def records(self, stage: str) -> Path:
        """By the name that its script gives itself."""
        name, mark, item = stage.partition("@")
        return super().records(f"{SCRIPTS.get(name, name)}{mark}{item}")

    def suites(self, gate: str) -> list[Any] | None:
        """See `segmentation.suites`."""
        from synthtrace.lineage.segmentation.suites import suites

        return suites(gate, self.params)

    def ledger(self, kind: str, fold: int) -> pd.DataFrame:
        """A pool's ledger, of pairs."""
        return read_pair_ledger(self.pool(kind, fold))

    def maker(self, out: str) -> str:
        """The stage that made an out; raises InputError when none has."""
        made = producer(self.lock, out)
        if made is None:
            raise InputError(f"{self.root / 'dvc.lock'}: no stage makes {out}; expected that one has run")
        return made[0]

    def ran(self, out: str) -> SegmentationParams:
        """The parameters that an out was made with; raises InputError as `maker`."""
        return self.params_of(self.maker(out))
