"""A small denoiser of pairs, trained for seconds, and networks that see them."""

import pytest
import torch
from disc_pairs import CPU, discs, extractor, settings, untrained

from synthtrace import compute
from synthtrace.generators.pairs.network import Denoiser
from synthtrace.generators.style.networks import Networks, load_networks


@pytest.fixture(scope="session")
def model() -> Denoiser:
    model = untrained()
    model.unet.train()
    optimiser = torch.optim.AdamW(model.unet.parameters(), 1e-2)
    pairs, draw = discs(256, 1), compute.generator(2)
    for _ in range(80):
        batch = pairs[torch.randint(256, (8,), generator=draw)]
        timesteps, noise = torch.randint(1000, (8,), generator=draw), torch.randn(batch.shape, generator=draw)
        loss = (model.unet(model.scheduler.add_noise(batch, noise, timesteps), timesteps).sample - noise).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss < 0.3
    model.unet.eval()
    return model


@pytest.fixture(scope="session")
def networks() -> Networks:
    return load_networks(settings(), extractor(), "test_resnet", CPU)
