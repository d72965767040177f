"""Typed, validated view of ``params.yaml``: every knob is checked before any work starts."""

import difflib
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, Field, ValidationError, model_validator

from synthtrace.errors import InputError
from synthtrace.param_types import Block, Channels, Count, Fraction, Freezing, Kind, Natural, Number, Rate, Rates, Unrepeated

PARAMS_FILE = Path("params.yaml")

# the latent space of every kind that has none of its own
SHARED = "shared"
# scenarios beside the generator kinds
REAL, TRADITIONAL = "real", "traditional"


class Compute(Block):
    """Where and how a stage computes; all are recorded, another thread count gives other bytes."""

    threads: Count
    device: Literal["auto", "cpu", "cuda"]
    precision: Literal["float32", "bfloat16"]


class Columns(Block):
    """Names that a foreign manifest gives to our columns (`table` data sets); null: the data set has none."""

    path: str
    label: str
    patient_id: str | None
    frame: str | None
    grade: str | None
    mask_path: str | None
    group_id: str | None


class Dataset(Block):
    """Which scans are studied and where they lie."""

    kind: Literal["phantom", "table", "byra"]
    path: str
    labels: Annotated[list[str], Field(min_length=2), Unrepeated]
    patient_ids: Literal["manifest", "none"]
    columns: Columns
    baselines: Annotated[list[str], Unrepeated]


class Simulate(Block):
    """The phantom: the study's patients and an unlabelled corpus of other patients."""

    patients: Count
    frames: Count
    prevalence: Annotated[Number, Field(gt=0, lt=1)]
    unlabelled_patients: Natural
    unlabelled_frames: Count


class Preprocess(Block):
    """Region of interest, centre crop in native pixels, fixed crops for classification."""

    crop_size: Annotated[int, Field(ge=16, le=4096, strict=True)]
    image_size: Annotated[int, Field(ge=16, le=1024, strict=True)]
    channels: Literal[1, 3]


class Split(Block):
    """How folds are made: `kfold` is patient-level, stratified by label, and dealt anew in each of `repeats`."""

    protocol: Literal["kfold"]
    folds: Annotated[list[Natural], Field(min_length=2)]
    repeats: Count

    @model_validator(mode="after")
    def _consecutive(self) -> "Split":
        if self.folds != list(range(len(self.folds))):
            raise ValueError(f"lists the folds 0, 1, ..., n-1; found {self.folds}")
        if len(self.folds) % self.repeats or self.folds_a_repeat < 2:
            raise ValueError(
                f"repeats is {self.repeats}, but the {len(self.folds)} folds are not that many times an equal number, at "
                "least 2"
            )
        return self

    @property
    def folds_a_repeat(self) -> int:
        """Folds in which each image is tested once; repeat r holds the folds r * n to r * n + n - 1."""
        return len(self.folds) // self.repeats


class LatentSpace(Block):
    """What one generator kind may have of its own: a checkpoint, or the shape of the autoencoder that is trained."""

    pretrained: str | None
    channels: Channels
    latent_channels: Count

    @property
    def factor(self) -> int:
        """Image side / latent side."""
        return 2 ** (len(self.channels) - 1)


class Autoencoder(LatentSpace):
    """The latent space: taken pre-trained, its decoder fine-tuned, or trained from scratch on a fold's training images.

    One is shared by all generator kinds, except by those that `kinds` gives one of their own.
    """

    mode: Literal["pretrained", "decoder", "scratch"]
    kinds: dict[Kind, LatentSpace]
    layers_per_block: Count
    kl_weight: Annotated[Number, Field(ge=0)]
    steps: Count
    batch_size: Count
    learning_rate: Rate
    crop_scale: Rate

    def space(self, kind: str) -> str:
        """Name of a kind's latent space, the folder of its autoencoder: the kind itself, or `shared`."""
        return kind if kind in self.kinds else SHARED

    def of_space(self, name: str) -> "Autoencoder":
        """The settings of one latent space by its name, as if it were the only one."""
        own = {} if name == SHARED else self.kinds[name].model_dump()
        return self.model_copy(update={**own, "kinds": {}})


class Features(Block):
    """The in-domain extractor, one a fold, trained on the fold's training images."""

    backbone: str
    steps: Count
    batch_size: Count
    learning_rate: Rate
    weight_decay: Fraction


class Generator(Block):
    """Latent diffusion, one model a kind and fold."""

    kinds: Annotated[list[Kind], Field(min_length=1), Unrepeated]
    steps: Count
    batch_size: Count
    learning_rate: Rate
    weight_decay: Fraction
    warmup_steps: Natural
    ema_decay: Annotated[Number, Field(ge=0, lt=1)]
    condition_dropout: Fraction
    prediction_type: Literal["epsilon", "v_prediction"]
    crop_scale: Rate
    channels: Channels
    layers_per_block: Count
    attention_levels: Count
    label_dim: Count
    balanced: bool
    latent_cache: Natural
    map_classes: Annotated[int, Field(ge=2, le=8, strict=True)]

    @model_validator(mode="after")
    def _levels(self) -> "Generator":
        if self.attention_levels > len(self.channels):
            raise ValueError(f"attention_levels is {self.attention_levels}, but channels has {len(self.channels)} levels")
        return self


class Sample(Block):
    """What a pool holds and how it is drawn."""

    images: Count
    batch_size: Count
    sampler: Literal["ddim", "dpmsolver++"]
    steps: Annotated[Count, Field(le=1000)]
    guidance_scale: Annotated[Number, Field(ge=1, le=50)]
    labels: Literal["balanced", "prior"]
    map_distortion: Annotated[Number, Field(ge=0, le=0.2)]


class Selection(Block):
    """Which candidates of a pool are kept. Copies of training images are never kept."""

    method: Literal["none"]
    copy_quantile: Fraction


class Fidelity(Block):
    """How near pools come to held-out images."""

    inception: str | None
    groups: Annotated[int, Field(ge=20, strict=True)]


class Classifier(Block):
    """The classifier that the study is about."""

    backbones: Annotated[list[str], Field(min_length=1), Unrepeated]
    weights: str | None
    freezing: Freezing
    balanced: bool
    seeds: Count
    steps: Count
    batch_size: Count
    learning_rate: Rate
    weight_decay: Fraction
    augmentation: Literal["none", "flip"]
    traditional_scale: Rate
    traditional_degrees: Annotated[Number, Field(ge=0, le=180)]
    traditional_rotated: Fraction


class CurveRun(Block):
    """One curve of AUC against mixing rate: a backbone, what of it is frozen, and which scenarios it draws from."""

    backbone: str
    freezing: Freezing
    balanced: bool
    seeds: Count
    scenarios: Annotated[list[str], Unrepeated]
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


class Params(Block):
    """All of params.yaml, in the order of the flow."""

    mixing_rate: Annotated[Number, Field(ge=0, le=10)]
    seed: Natural
    compute: Compute
    dataset: Dataset
    simulate: Simulate
    preprocess: Preprocess
    split: Split
    autoencoder: Autoencoder
    features: Features
    generator: Generator
    sample: Sample
    selection: Selection
    fidelity: Fidelity
    classifier: Classifier
    curve: Curve
    compare: Compare
    explain: Explain
    turing: Turing
    report: Report

    @model_validator(mode="after")
    def _fits_together(self) -> "Params":
        for space in (self.autoencoder, *self.autoencoder.kinds.values()):
            deepest = space.factor * 2 ** (len(self.generator.channels) - 1)
            if self.preprocess.image_size % deepest:
                raise ValueError(
                    f"preprocess.image_size must be a multiple of {deepest}, the autoencoder's factor {space.factor} times the "
                    f"denoiser's {deepest // space.factor}; found {self.preprocess.image_size}"
                )
            if self.autoencoder.mode != "scratch" and space.pretrained is None and self.dataset.kind != "phantom":
                raise ValueError(
                    f"autoencoder.mode {self.autoencoder.mode!r} needs autoencoder.pretrained when dataset.kind is "
                    f"{self.dataset.kind!r}: only the phantom has a corpus to pre-train on; or use mode 'scratch'"
                )
        for run in self.curve.runs:
            for scenario in run.scenarios:
                if scenario not in (TRADITIONAL, *self.generator.kinds):
                    raise ValueError(
                        f"curve.runs: {run.name} has the scenario {scenario!r}; expected {TRADITIONAL} or one of "
                        f"generator.kinds, {', '.join(self.generator.kinds)}"
                    )
        for name in ("real", "synthetic"):
            if len(getattr(self.turing, name)) != len(self.dataset.labels):
                raise ValueError(f"turing.{name} must hold a count for each of dataset.labels, {len(self.dataset.labels)}")
        if self.preprocess.crop_size < self.preprocess.image_size:
            raise ValueError(
                f"preprocess.crop_size ({self.preprocess.crop_size}) must not be smaller than "
                f"preprocess.image_size ({self.preprocess.image_size})"
            )
        return self


def known_keys(model: type[BaseModel], prefix: str = "") -> list[str]:
    """Dotted names of every parameter below a model, blocks included."""
    keys = []
    for name, field in model.model_fields.items():
        keys.append(prefix + name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            keys += known_keys(field.annotation, f"{prefix}{name}.")
    return keys


def unknown_key(key: str, source: str) -> InputError:
    """The error for a parameter that does not exist, naming the nearest one that does."""
    known = known_keys(Params)
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.0)
    return InputError(f"{source}: unknown parameter {key!r}; the nearest known one is {near[0]!r}")


def parse_params(tree: Any, source: str = str(PARAMS_FILE)) -> Params:
    """Validate a parsed YAML tree; raises InputError naming `source` and the first offending parameter."""
    if not isinstance(tree, dict):
        raise InputError(f"{source}: expected blocks of parameters, found {type(tree).__name__}")
    try:
        return Params.model_validate(tree)
    except ValidationError as error:
        problems = error.errors()
        for problem in problems:
            if problem["type"] == "extra_forbidden":
                raise unknown_key(".".join(str(part) for part in problem["loc"]), source) from None
        problem = problems[0]
        key = ".".join(str(part) for part in problem["loc"])
        message = problem["msg"].removeprefix("Value error, ")
        message = message[0].lower() + message[1:]
        if problem["type"] == "missing":
            raise InputError(f"{source}: parameter {key!r} is missing") from None
        found = f"; found {problem['input']!r}" if key and not isinstance(problem["input"], dict) else ""
        raise InputError(f"{source}: {key + ': ' if key else ''}{message}{found}") from None


def load_params(path: Path = PARAMS_FILE) -> Params:
    """Read and validate a parameter file.

    Raises:
        InputError: the file is missing, is no YAML, or holds an unknown, missing, mistyped or out-of-range parameter.
    """
    try:
        tree = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; run this in the folder that holds dvc.yaml") from None
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not valid YAML: {str(error).splitlines()[0]}") from None
    return parse_params(tree, str(path))
