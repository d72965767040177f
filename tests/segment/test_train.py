"""Honest small trainings: discs are learnt, the best weights are kept, and the same seed gives the same bytes."""

from pathlib import Path

import numpy as np
import pytest
import torch
from toy_pairs import discs, settings

from synthtrace.errors import InputError
from synthtrace.seeds import Seeds
from synthtrace.segment.mixing import Plan, plan
from synthtrace.segment.networks import load, predict, save
from synthtrace.segment.recipes import Recipe
from synthtrace.segment.scores import iou
from synthtrace.segment.train import Trained, train

CPU = torch.device("cpu")
REAL, TEST = discs(24, "real", 0), discs(16, "test", 1)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def of_real() -> Plan:
    return plan(Recipe("full", "real", False), REAL, None, 0.2, Seeds(3), 0)


def trained(plan_: Plan, seed: int = 0, altered: bool = False, **changes: object) -> Trained:
    return train(plan_, settings(**changes), altered=altered, seeds=Seeds(3), seed=seed, device=CPU, where="toy")


def test_discs_are_learnt() -> None:
    done = trained(of_real())
    scores = iou(predict(done.network, TEST.images, CPU) > 0.5, TEST.masks > 0)
    assert scores.mean() > 0.7
    assert np.mean(done.losses[-5:]) < 0.5 * np.mean(done.losses[:5])


def test_the_kept_weights_are_those_of_the_earliest_best_look(monkeypatch: pytest.MonkeyPatch) -> None:
    told = iter([0.1, 0.9, 0.9, 0.5])

    def validated(network: torch.nn.Module, *_: object) -> float:
        network.eval()
        return next(told)

    with monkeypatch.context() as patch:
        patch.setattr("synthtrace.segment.train.validation_iou", validated)
        kept = trained(of_real(), altered=True, steps=8, evaluations=4, falls_after=1.0)
    assert (kept.looks, kept.best_step) == ([2, 4, 6, 8], 4)
    last = trained(of_real(), altered=True, steps=4, evaluations=1, falls_after=1.0)
    assert all(torch.equal(value, last.network.state_dict()[name]) for name, value in kept.network.state_dict().items())
    assert len(kept.losses) == 8


def test_the_learning_rate_falls_once_and_what_was_drawn_is_told() -> None:
    done = trained(of_real(), steps=6, evaluations=1, falls_after=0.34, batch_size=2)
    assert done.learning_rates == [3e-3] * 2 + [1e-3] * 4
    assert len(done.seen) == 12
    assert set(done.seen) <= set(of_real().training.image_ids)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("first", 0), ("again", 0), ("other", 1)):
        torch.manual_seed(len(name))
        done = trained(of_real(), seed, altered=True, steps=4, evaluations=2)
        save(tmp_path / name, done.network, "unet", "tu-test_resnet")
    first, again, other = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("first", "again", "other"))
    assert first == again != other
    images = TEST.images
    read = load(tmp_path / "other", CPU)
    assert np.array_equal(predict(read, images, CPU), predict(done.network, images, CPU))


def test_a_loss_that_is_no_number_is_told_with_the_training() -> None:
    """Images that are no numbers stand for a training that has run away."""
    plan_ = of_real()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("synthtrace.backbones.normalise", lambda network, images: images.float() * float("nan"))
        with pytest.raises(InputError, match="toy: the loss is nan"):
            trained(plan_, steps=2, evaluations=1)
