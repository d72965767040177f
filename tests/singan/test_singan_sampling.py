import json
from pathlib import Path

import pytest
import torch

from synthtrace.errors import InputError
from synthtrace.generators.singan.network import PairGenerator
from synthtrace.generators.singan.sampling import load, sample, save

CPU = torch.device("cpu")


def test_pairs_are_in_range_and_their_masks_are_of_two_values(model: PairGenerator) -> None:
    pairs = sample(model, range(6))
    assert pairs.shape == (6, 2, 16, 16)
    assert pairs.abs().max() <= 1
    assert set(pairs[:, -1].unique().tolist()) == {-1.0, 1.0}


def test_masks_are_cut_at_nought(model: PairGenerator) -> None:
    noise = torch.randn(1, model.noise_size, generator=torch.Generator().manual_seed(4))
    assert torch.equal(sample(model, [4])[0, -1] > 0, model(noise)[0, -1] > 0)


def test_pairs_of_different_seeds_differ_and_those_of_one_seed_do_not(model: PairGenerator, pair: torch.Tensor) -> None:
    pairs = sample(model, [1, 2, 3, 1])
    assert torch.equal(pairs[0], pairs[3])
    for first, second in [(0, 1), (0, 2), (1, 2)]:
        assert (pairs[first] - pairs[second]).abs().mean() > 0.05
    assert pairs[:3].std(dim=0).mean() > 0.1 * pair.std()


def test_a_pair_depends_on_its_seed_alone_whatever_else_is_drawn(model: PairGenerator) -> None:
    many = sample(model, range(10, 17))
    assert torch.equal(sample(model, [13])[0], many[3])
    assert torch.equal(sample(model, [16, 13])[1], many[3])


def test_a_model_from_its_folder_draws_the_same_pairs_and_writes_the_same_bytes(model: PairGenerator, tmp_path: Path) -> None:
    save(model, tmp_path / "one")
    again = load(tmp_path / "one", CPU)
    assert torch.equal(sample(again, [1, 2]), sample(model, [1, 2]))
    assert torch.equal(again.fixed_noise, model.fixed_noise)
    save(again, tmp_path / "two")
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == ["config.json", "diffusion_pytorch_model.safetensors"]
    weights = [(tmp_path / folder / names[1]).read_bytes() for folder in ("one", "two")]
    assert weights[0] == weights[1]
    assert json.loads((tmp_path / "one" / "config.json").read_text())["sides"] == [8, 11, 16]


def test_a_model_that_draws_no_numbers_is_refused(model: PairGenerator) -> None:
    broken = PairGenerator(2, [8, 11, 16], [8, 8, 8], 3)
    broken.load_state_dict(model.state_dict())
    broken.amplitudes[2] = torch.nan
    with pytest.raises(InputError, match="pixels that are no numbers"):
        sample(broken, [1])
