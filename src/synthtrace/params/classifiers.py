"""Blocks of params.yaml from selection to the report."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from synthtrace.params.types import Block, Count, Fraction, Freezing, Natural, Number, Rate, Rates, Unrepeated

# scenarios beside the generator kinds
REAL, TRADITIONAL = "real", "traditional"
# the selection and the mode of trainings in which there is nothing to select or to mix
NO_SELECTION, AUGMENT = "none", "augment"
# how a pool's candidates are chosen, beside `none`
METHODS = ("realism", "class_realism", "centroid", "confidence")


def _joined(methods: Any) -> Any:
    return "+".join(methods) if isinstance(methods, list) and all(isinstance(one, str) for one in methods) else methods


def _known_methods(methods: str) -> str:
    names = methods.split("+")
    if methods != NO_SELECTION and (set(names) - set(METHODS) or len(set(names)) < len(names)):
        raise ValueError(f"input should be {NO_SELECTION}, or one or a list of {', '.join(METHODS)}, none twice")
    return methods


# a list of methods, applied in their order, is kept as one name: [realism, centroid] is "realism+centroid"
Methods = Annotated[str, BeforeValidator(_joined), AfterValidator(_known_methods)]
Mode = Literal["augment", "transfer", "synthetic"]
Augmentation = Literal["none", "flip", "full"]


class Selection(Block):
    """Which candidates of a pool are kept. Copies of training images never are, whatever the method.

    `realism` and `class_realism` keep what reaches `threshold` (paper 4, Eq. 11, with the `neighbours`-th neighbour; `prune`:
    real images whose radius is above the median count for nothing); `centroid` keeps the `centroid_share` of each class that
    is nearest to the class's centroid; `confidence` keeps what has at least that probability of its label.
    """

    method: Methods
    copy_quantile: Fraction
    neighbours: Count
    threshold: Annotated[Number, Field(ge=0)]
    prune: bool
    centroid_share: Rate
    confidence: Fraction


class Fidelity(Block):
    """How near pools come to held-out images, and how varied they are: in `pairs` pairs of images of a class at most."""

    inception: str | None
    lpips: str | None
    neighbours: Count
    pairs: Count
    groups: Annotated[int, Field(ge=20, strict=True)]


class Training(Block):
    """How the classifiers of a generator kind use its images.

    `augment`: real and synthetic images mixed; `transfer`: on synthetic images first, then on real ones; `synthetic`: on
    synthetic images alone.
    """

    mode: Mode


class Classifier(Block):
    """The classifier that the study is about."""

    backbones: Annotated[list[str], Field(min_length=1), Unrepeated]
    weights: str | None
    freezing: Freezing
    balanced: bool
    seeds: Count
    steps: Count
    batch_size: Count
    optimizer: Literal["adamw", "sgd"]
    schedule: Literal["cosine", "constant"]
    learning_rate: Rate
    weight_decay: Fraction
    augmentation: Augmentation
    baseline_augmentation: Augmentation
    traditional: Literal["crops", "on_the_fly"]
    traditional_scale: Rate
    traditional_degrees: Annotated[Number, Field(ge=0, le=180)]
    traditional_rotated: Fraction

    def mixes(self, scenario: str) -> bool:
        """Whether other images stand beside the real ones: all but `real`, and `traditional` where it alters on the fly."""
        return scenario != REAL and not (scenario == TRADITIONAL and self.traditional == "on_the_fly")

    def augmentation_of(self, scenario: str) -> Augmentation:
        """How a scenario's training images are altered on the fly."""
        return self.baseline_augmentation if scenario == REAL else self.augmentation


class CurveRun(Block):
    """One curve of AUC against mixing rate: a backbone, what of it is frozen, and which scenarios it draws from.

    Generator kinds are trained on in each of `modes` with what each of `selections` keeps.
    """

    backbone: str
    freezing: Freezing
    balanced: bool
    seeds: Count
    scenarios: Annotated[list[str], Unrepeated]
    selections: Annotated[list[Methods], Field(min_length=1), Unrepeated]
    modes: Annotated[list[Mode], Field(min_length=1), Unrepeated]
    rates: Rates | None

    @property
    def name(self) -> str:
        """Backbone, freezing, and whether classes were balanced."""
        return f"{self.backbone} {self.freezing}" + (" balanced" if self.balanced else "")


class Curve(Block):
    """AUC against mixing rate (paper 0, Figure 5 and S3 to S7), real images being rate 0 of every run."""

    rates: Rates
    runs: Annotated[list[CurveRun], Field(min_length=1)]

    @model_validator(mode="after")
    def _distinct(self) -> "Curve":
        names = [run.name for run in self.runs]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"two runs are {twice[0]!r}; expected another backbone, freezing or balance")
        return self

    def rates_of(self, run: CurveRun) -> list[float]:
        """Rates above 0 of a run: its own, or those of all."""
        return self.rates if run.rates is None else run.rates


class Compare(Block):
    """The statistics of the comparison."""

    bootstrap: Annotated[int, Field(ge=100, strict=True)]


class Explain(Block):
    """SHAP values of the kept classifier."""

    images: Count
    background: Count
    samples: Count


class Turing(Block):
    """Images of the reader test, counts in the order of `dataset.labels`; `synthetic` is of each generator kind."""

    real: list[Natural]
    synthetic: list[Natural]


class Report(Block):
    """The page for people."""

    images_per_class: Count
