"""All of params.yaml, and what must hold between its blocks."""

from typing import Annotated

from pydantic import Field, model_validator

from synthtrace.params.classifiers import (
    TRADITIONAL,
    Classifier,
    Compare,
    Curve,
    Explain,
    Fidelity,
    Report,
    Selection,
    Training,
    Turing,
)
from synthtrace.params.data import Dataset, Preprocess, Simulate, Split
from synthtrace.params.generators import (
    Autoencoder,
    Dit,
    Families,
    FamilySettings,
    Features,
    Gan,
    Generator,
    Pretraining,
    Sample,
)
from synthtrace.params.root import Root
from synthtrace.params.types import Number

# what `simulate` writes for other scans than the phantom is empty
PHANTOM_CORPUS = "data/raw/phantom_unlabelled"


class Params(Root):
    """All of params.yaml, in the order of the flow."""

    mixing_rate: Annotated[Number, Field(ge=0, le=10)]
    dataset: Dataset
    simulate: Simulate
    preprocess: Preprocess
    split: Split
    pretraining: Pretraining
    autoencoder: Autoencoder
    features: Features
    generator: Generator
    families: Families  # type: ignore[valid-type]
    sample: Sample
    selection: Selection
    fidelity: Fidelity
    classifier: Classifier
    training: Training
    curve: Curve
    compare: Compare
    explain: Explain
    turing: Turing
    report: Report

    @property
    def _has_corpus(self) -> bool:
        return self.dataset.kind == "phantom" or self.pretraining.unused or self.pretraining.path != PHANTOM_CORPUS

    def family(self, kind: str) -> FamilySettings:
        """What a kind of generator has of its own, the block `families.<kind>`."""
        return getattr(self.families, kind)

    @model_validator(mode="after")
    def _latent_spaces_fit(self) -> "Params":
        for space in (self.autoencoder, *self.autoencoder.kinds.values()):
            deepest = space.factor * 2 ** (len(self.generator.channels) - 1)
            if self.preprocess.image_size % deepest:
                raise ValueError(
                    f"preprocess.image_size must be a multiple of {deepest}, the autoencoder's factor {space.factor} times the "
                    f"denoiser's {deepest // space.factor}; found {self.preprocess.image_size}"
                )
            if self.autoencoder.mode != "scratch" and space.pretrained is None and not self._has_corpus:
                raise ValueError(
                    f"autoencoder.mode {self.autoencoder.mode!r} needs autoencoder.pretrained, or images to pre-train on "
                    f"(pretraining.path, pretraining.unused), when dataset.kind is {self.dataset.kind!r}: {PHANTOM_CORPUS} is "
                    "empty then; or use mode 'scratch'"
                )
        if self.pretraining.unused and self.split.protocol != "subsets":
            raise ValueError(
                f"pretraining.unused takes images that no fold uses; with split.protocol {self.split.protocol!r} there are none"
            )
        return self

    @model_validator(mode="after")
    def _generators_fit(self) -> "Params":
        kinds, side = self.generator.kinds, self.preprocess.image_size
        gan, dit = self.family("gan"), self.family("dit")
        if "gan" in kinds and isinstance(gan, Gan) and (side % gan.growth or not 3 <= side // gan.growth <= 8):
            raise ValueError(
                f"families.gan.channels has {len(gan.channels)} entries, which double a side {len(gan.channels) - 1} times: to "
                f"reach preprocess.image_size, {side}, it starts at {side / gan.growth:g}; expected a whole number from 3 to 8"
            )
        if "dit" in kinds and isinstance(dit, Dit):
            space = self.autoencoder.of_space(self.autoencoder.space("dit"))
            if side // space.factor % dit.patch_size:
                raise ValueError(
                    f"families.dit.patch_size is {dit.patch_size}; expected a divisor of the latents' side, "
                    f"{side // space.factor}"
                )
        return self

    @model_validator(mode="after")
    def _classifiers_fit(self) -> "Params":
        frozen = [run.name for run in self.curve.runs if run.freezing != "none"]
        if self.classifier.freezing != "none":
            frozen.append("classifier.freezing")
        for name in ("augmentation", "baseline_augmentation"):
            if frozen and getattr(self.classifier, name) == "full":
                raise ValueError(
                    f"classifier.{name} 'full' alters images in more ways than a frozen trunk's activations can be kept for "
                    f"({frozen[0]}); expected none or flip, or nothing frozen"
                )
        for run in self.curve.runs:
            for scenario in run.scenarios:
                if scenario not in (TRADITIONAL, *self.generator.kinds):
                    raise ValueError(
                        f"curve.runs: {run.name} has the scenario {scenario!r}; expected {TRADITIONAL} or one of "
                        f"generator.kinds, {', '.join(self.generator.kinds)}"
                    )
        return self

    @model_validator(mode="after")
    def _sizes_fit(self) -> "Params":
        for name in ("real", "synthetic"):
            if len(getattr(self.turing, name)) != len(self.dataset.labels):
                raise ValueError(f"turing.{name} must hold a count for each of dataset.labels, {len(self.dataset.labels)}")
        if self.preprocess.crop_size < self.preprocess.image_size:
            raise ValueError(
                f"preprocess.crop_size ({self.preprocess.crop_size}) must not be smaller than "
                f"preprocess.image_size ({self.preprocess.image_size})"
            )
        return self
