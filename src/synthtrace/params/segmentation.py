"""All of studies/segmentation/params.yaml, and what must hold between its blocks (paper 2)."""

import re
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, Field, model_validator

from synthtrace.errors import InputError
from synthtrace.params.data import Dataset
from synthtrace.params.generators import Features
from synthtrace.params.lesions import SimulateLesions
from synthtrace.params.masks import Masks
from synthtrace.params.pair_selection import Clusters, PairSelection
from synthtrace.params.pairs import Inpainting, PairDiffusion
from synthtrace.params.root import Root
from synthtrace.params.segmenter import Mixes, Segmenter
from synthtrace.params.singan import SinGan
from synthtrace.params.style import Style
from synthtrace.params.types import Block, Count, Number, Unrepeated

Family = Literal["diff", "full_diff", "gan"]
_MODEL = re.compile(r"(diff|full_diff|gan)(?:_n([1-9]\d*))?")


class Model(NamedTuple):
    """What a generator is: of which family, and, where it sees a small set of real pairs alone, of how many."""

    family: Family
    size: int | None

    @classmethod
    def of(cls, kind: str) -> "Model":
        """`full_diff_n16` is of the family full_diff and sees 16 pairs; raises ValueError for another form of name."""
        found = _MODEL.fullmatch(kind)
        if not found:
            raise ValueError(
                f"{kind!r} is no kind of generator; expected diff, full_diff or gan, followed by _n16 for 16 pairs"
            )
        return cls(found[1], int(found[2]) if found[2] else None)  # type: ignore[arg-type]


def _model(kind: str) -> str:
    Model.of(kind)
    return kind


class PairPreprocess(Block):
    """Pairs are squashed to squares of side `image_size`, of grey (1) or colour (3)."""

    image_size: Annotated[int, Field(ge=16, le=1024, strict=True)]
    channels: Literal[1, 3]


class Holdout(Block):
    """One test set: the images whose manifest column `column` holds one of `test`, or with both null groups of a share."""

    column: str | None
    test: list[str] | None
    test_share: Annotated[Number, Field(gt=0, lt=1)]

    @model_validator(mode="after")
    def _together(self) -> "Holdout":
        if (self.column is None) != (self.test is None):
            raise ValueError("column and test go together: both are given, or both are null")
        return self


class PairGenerators(Block):
    """Which generators are trained, and which of their pools are styled: the name of the styled pool, and that of the other."""

    kinds: Annotated[list[Annotated[str, AfterValidator(_model)]], Field(min_length=1), Unrepeated]
    styled: dict[str, str]

    @model_validator(mode="after")
    def _known(self) -> "PairGenerators":
        for name, kind in self.styled.items():
            if kind not in self.kinds or Model.of(kind).family == "gan":
                raise ValueError(f"styled: {name} is made of {kind!r}; expected one of kinds that paints real pairs anew")
            if name in self.kinds or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
                raise ValueError(f"styled: {name!r} should be a name of its own, of small letters, digits and _")
        return self

    @property
    def pools(self) -> list[str]:
        """Names of all pools."""
        return [*self.kinds, *self.styled]


class Sampling(Block):
    """How large pools are: `gan_samples` of each SinGAN; styled versions of what was painted from `styled_pairs` real pairs."""

    gan_samples: Count
    styled_pairs: Count


class PairFidelity(Block):
    """Figures of pools against training pairs, over `draws` draws; `inception`: hub or a local file, null: in-domain only."""

    inception: str | None
    draws: Count
    pairs: Count


class PairCompare(Block):
    """Intervals by `bootstrap` resamples of groups."""

    bootstrap: Count


class PairReport(Block):
    """Pairs of each pool that the report shows large."""

    pairs: Count


class SegmentationParams(Root):
    """All of studies/segmentation/params.yaml, in the order of the flow."""

    dataset: Dataset
    masks: Masks
    simulate: SimulateLesions
    preprocess: PairPreprocess
    split: Holdout
    features: Features
    clusters: Clusters
    generators: PairGenerators
    diffusion: PairDiffusion
    inpainting: Inpainting
    style: Style
    singan: SinGan
    sampling: Sampling
    selection: PairSelection
    fidelity: PairFidelity
    segmenter: Segmenter
    mixes: Mixes
    compare: PairCompare
    report: PairReport

    @model_validator(mode="after")
    def _sides_fit(self) -> "SegmentationParams":
        side = self.preprocess.image_size
        try:
            self.diffusion.sides(side)
        except InputError as error:
            raise ValueError(f"diffusion.{error}") from None
        try:
            self.singan.sides(side)
        except InputError as error:
            raise ValueError(f"singan.{error}") from None
        return self

    @model_validator(mode="after")
    def _steps_are_timesteps(self) -> "SegmentationParams":
        most = self.diffusion.train_timesteps
        for name, steps in (("inpainting.respacing", self.inpainting.respacing), ("style.steps", self.style.steps)):
            if steps > most:
                raise ValueError(f"{name}: is {steps}; expected at most the {most} of diffusion.train_timesteps")
        return self

    @model_validator(mode="after")
    def _small_sets_have_pools(self) -> "SegmentationParams":
        for kind in self.mixes.small_kinds:
            if self.mixes.small_sets and kind not in self.kinds:
                raise ValueError(
                    f"mixes.small_kinds: small sets of {kind} also need the pool {kind}, of a generator that sees all pairs; "
                    f"generators makes {', '.join(self.kinds)}"
                )
            for size in self.mixes.small_sets:
                if f"{kind}_n{size}" not in self.generators.pools:
                    raise ValueError(
                        f"mixes.small_sets: a set of {size} needs the pool {kind}_n{size}, of a generator that sees it alone; "
                        f"generators makes {', '.join(self.generators.pools)}"
                    )
        return self

    @property
    def kinds(self) -> list[str]:
        """Pools of generators that see all training pairs, the rows of the tables."""
        styled = self.generators.styled
        return [name for name in self.generators.pools if Model.of(styled.get(name, name)).size is None]
