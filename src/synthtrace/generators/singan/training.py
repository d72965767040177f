"""Training a pyramid of GANs on one pair, scale after scale (Shaham et al. 2019, section 2.2).

The step of SinGAN-Seg that gives a drawn image the style of the real one is not here.
"""

import math

import torch

from synthtrace import compute
from synthtrace.generators import health
from synthtrace.generators.protocol import Fitted
from synthtrace.generators.singan.network import PairGenerator, convolutions, initialise
from synthtrace.generators.singan.pyramid import pyramid
from synthtrace.generators.singan.scale import ScaleTraining
from synthtrace.params.singan import SinGan
from synthtrace.seeds import Seeds
from synthtrace.tracking import Tracker


def train(
    pair: torch.Tensor,
    image_id: str,
    settings: SinGan,
    seeds: Seeds,
    names: tuple[str | int, ...],
    device: torch.device,
    tracker: Tracker,
) -> tuple[PairGenerator, Fitted]:
    """A model of one pair (C + 1, S, S) in [-1, 1], ready to draw from on `device`, and what its training saw and lost.

    Its noise depends on the seed, the names and the image's id alone. The loss `reconstruction` is the root mean squared error
    of the pair drawn from z*.

    Raises:
        InputError: min_side is larger than the pair's side, or a loss is no number or has exploded.
    """
    channels, sides = len(pair), settings.sides(pair.shape[-1])
    widths = settings.widths(len(sides))
    stream = compute.generator(seeds.integer(*names, image_id))
    model = PairGenerator(channels, sides, widths, settings.layers)
    initialise(model, stream)
    model.fixed_noise.copy_(torch.randn(model.fixed_noise.shape, generator=stream))
    model.to(device)
    losses: list[float] = []
    rates: list[float] = []
    for scale, real in enumerate(pyramid(pair.to(device), sides)):
        if scale and widths[scale] == widths[scale - 1]:
            model.generators[scale].load_state_dict(model.generators[scale - 1].state_dict())
        else:
            judge = convolutions(channels, 1, widths[scale], settings.layers)
            initialise(judge, stream)
            judge.to(device)
        training = ScaleTraining(model, scale, real, judge, settings, stream)
        where = " ".join(map(str, (*names, image_id, "scale", scale)))
        own: list[float] = []
        for _ in range(settings.steps):
            rates.append(training.learning_rate)
            loss, error = training.step()
            own.append(loss)
            health.check_loss(own, where)
        losses += own
    tracker.curve(image_id, losses, rates)
    fitted = Fitted({image_id}, len(losses), {"reconstruction": math.sqrt(error)}, {"sides": sides})
    return model.eval().requires_grad_(False), fitted
