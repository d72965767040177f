"""Blocks of params.yaml from latent spaces to pools, and what each generator family has of its own."""

from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, Field, create_model, model_validator

from synthtrace.params.types import Block, Channels, Count, Fraction, Natural, Number, Rate, Unrepeated

# the latent space of every kind that has none of its own
SHARED = "shared"


class Drawing(NamedTuple):
    """How a pool's images are drawn, as its ledger records it."""

    sampler: str
    steps: int
    guidance_scale: float


class Sample(Block):
    """What a pool holds and how it is drawn."""

    images: Count
    batch_size: Count
    sampler: Literal["ddim", "dpmsolver++"]
    steps: Annotated[Count, Field(le=1000)]
    guidance_scale: Annotated[Number, Field(ge=1, le=50)]
    labels: Literal["balanced", "prior"]


class FamilySettings(Block):
    """What a generator family has of its own, the block `families.<kind>`."""

    def drawing(self, sample: Sample) -> Drawing:
        """How pools of this family are drawn; for denoisers of latents as `sample` says."""
        return Drawing(sample.sampler, sample.steps, sample.guidance_scale)

    @property
    def distortion(self) -> float:
        """Deviation of a map condition's control points, as a share of its side."""
        return 0.0

    @property
    def starts_pretrained(self) -> bool:
        """Whether it starts from an unconditional denoiser that was trained on unlabelled images."""
        return False


class ClassTokens(FamilySettings):
    """`class`: width of the label's token."""

    label_dim: Count


class Maps(FamilySettings):
    """`semantic`: deviation of the control points of a map's distortion, as a share of its side."""

    map_distortion: Annotated[Number, Field(ge=0, le=0.2)]

    @property
    def distortion(self) -> float:
        """See FamilySettings."""
        return self.map_distortion


class Unet(FamilySettings):
    """`unet`: all that it needs stands in `generator`."""


class Dit(FamilySettings):
    """`dit`: patches of `patch_size` x `patch_size` latents, `depth` blocks of `heads` heads, each `head_dim` wide."""

    patch_size: Count
    depth: Count
    heads: Count
    head_dim: Count


class Gan(FamilySettings):
    """`gan`: a StyleGAN2 of images; `channels` from the lowest resolution to the image's, one a doubling of the side."""

    channels: Annotated[list[Count], Field(min_length=2)]
    latent_dim: Count
    mapping_layers: Count
    steps: Count
    batch_size: Count
    learning_rate: Rate
    r1_weight: Annotated[Number, Field(ge=0)]
    ada_target: Fraction
    ada_images: Count
    ema_decay: Annotated[Number, Field(ge=0, lt=1)]

    @property
    def growth(self) -> int:
        """Side of its images / side that synthesis starts from."""
        return 2 ** (len(self.channels) - 1)

    def drawing(self, sample: Sample) -> Drawing:
        """One pass through the network, unguided."""
        return Drawing("gan", 1, 1.0)


class Guided(FamilySettings):
    """`guided`: the classifier of noisy latents, and how strongly it guides."""

    classifier_steps: Count
    classifier_batch_size: Count
    classifier_learning_rate: Rate
    guidance_scale: Annotated[Number, Field(ge=0, le=50)]

    def drawing(self, sample: Sample) -> Drawing:
        """As `sample` says, guided by its own scale."""
        return Drawing(sample.sampler, sample.steps, self.guidance_scale)

    @property
    def starts_pretrained(self) -> bool:
        """See FamilySettings."""
        return True


# every kind of generator and the block of params.yaml that it has; generators/registry.py says what is behind it
SETTINGS: dict[str, type[FamilySettings]] = {
    "class": ClassTokens,
    "semantic": Maps,
    "unet": Unet,
    "dit": Dit,
    "gan": Gan,
    "guided": Guided,
}
KINDS = tuple(SETTINGS)

_fields: dict[str, Any] = {kind: (settings, ...) for kind, settings in SETTINGS.items()}
Families = create_model("Families", __base__=Block, **_fields)


def _known_kind(kind: str) -> str:
    if kind not in KINDS:
        raise ValueError(f"input should be one of {', '.join(KINDS)}")
    return kind


Kind = Annotated[str, AfterValidator(_known_kind)]


class Pretraining(Block):
    """Unlabelled images to pre-train on.

    `path` holds them: manifest.csv with a column `path`, or a folder a source. With `unused`, images of the study that no fold
    uses are among them.
    """

    path: str
    unused: bool


class LatentSpace(Block):
    """What one generator kind may have of its own: a checkpoint, or the shape of the autoencoder that is trained."""

    pretrained: str | None
    channels: Channels
    latent_channels: Count

    @property
    def factor(self) -> int:
        """Image side / latent side."""
        return 2 ** (len(self.channels) - 1)


class Tuning(Block):
    """How the decoder is fine-tuned on a fold (`autoencoder.mode: decoder`).

    `classifier_weight` is paper 3's lambda in Eq. 5: the weight of the cross-entropy of an auxiliary classifier of the
    reconstructions, which is trained first, for `classifier_steps`; 0: there is none.
    """

    steps: Count
    batch_size: Count
    learning_rate: Rate
    classifier_weight: Annotated[Number, Field(ge=0)]
    classifier_steps: Count
    classifier_batch_size: Count
    classifier_learning_rate: Rate


class Autoencoder(LatentSpace):
    """The latent space: taken pre-trained, its decoder fine-tuned, or trained from scratch on a fold's training images.

    One is shared by all generator kinds, except by those that `kinds` gives one of their own.
    """

    mode: Literal["pretrained", "decoder", "scratch"]
    kinds: dict[Kind, LatentSpace]
    layers_per_block: Count
    kl_weight: Annotated[Number, Field(ge=0)]
    perceptual: str | None
    perceptual_weight: Annotated[Number, Field(ge=0)]
    adversarial_weight: Annotated[Number, Field(ge=0)]
    adversarial_start: Natural
    steps: Count
    batch_size: Count
    learning_rate: Rate
    crop_scale: Rate
    tuning: Tuning

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
    """The generators of a study, one model a kind and fold, and the training of those that denoise latents."""

    kinds: Annotated[list[Kind], Field(min_length=1), Unrepeated]
    steps: Count
    batch_size: Count
    learning_rate: Rate
    weight_decay: Fraction
    warmup_steps: Natural
    ema_decay: Annotated[Number, Field(ge=0, lt=1)]
    condition_dropout: Fraction
    noise_schedule: Literal["scaled_linear", "cosine"]
    prediction_type: Literal["epsilon", "v_prediction"]
    crop_scale: Rate
    channels: Channels
    layers_per_block: Count
    attention_levels: Count
    balanced: bool
    latent_cache: Natural
    map_classes: Annotated[int, Field(ge=2, le=8, strict=True)]

    @model_validator(mode="after")
    def _levels(self) -> "Generator":
        if self.attention_levels > len(self.channels):
            raise ValueError(f"attention_levels is {self.attention_levels}, but channels has {len(self.channels)} levels")
        return self
