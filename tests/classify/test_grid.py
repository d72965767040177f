"""The grid: paired by seed, equal steps at every rate, nothing read of the test images but their pixels."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from toy_fold import CPU, recipe, some, toy_fold, toy_params

from synthtrace.cards import read_card
from synthtrace.classify.augment import flip
from synthtrace.classify.grid import Collected, Trained, train_grid
from synthtrace.classify.kept import save_kept
from synthtrace.classify.recipes import Recipe
from synthtrace.classify.scenarios import FoldData

MIXED = toy_fold(lambda _, seed: some(20, f"seed{seed}-", 10 + seed), 40)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def run(data: FoldData, *recipes: Recipe, **classifier: Any) -> list[Trained]:
    return list(train_grid([data], list(recipes), toy_params(**classifier), CPU))


@pytest.mark.parametrize("freezing", ["none", "partial"])
def test_the_same_data_and_seed_give_the_same_predictions(freezing: str) -> None:
    first, second = (run(toy_fold(), recipe(freezing=freezing)) for _ in range(2))
    assert all(a.predictions.equals(b.predictions) for a, b in zip(first, second, strict=True))
    assert not first[0].predictions["p1"].equals(first[1].predictions["p1"])


def test_scenarios_and_rates_start_from_the_same_weights_and_take_equal_steps() -> None:
    """At a learning rate of nothing, each model ends with the weights that it started from."""
    still = {"learning_rate": 1e-30}
    (real,) = run(toy_fold(), recipe(seeds=1), **still)
    mixed = run(MIXED, recipe(seeds=1, rates=[1.0, 2.0]), **still)
    assert [trained.mixing_rate for trained in mixed] == [1.0, 2.0]
    for trained in mixed:
        assert len(trained.losses) == len(real.losses) == 3
        for name, weight in real.model.named_parameters():
            assert torch.allclose(weight, trained.model.get_parameter(name), atol=1e-12)


def test_a_rate_does_not_depend_on_the_rates_and_recipes_beside_it() -> None:
    alone = run(MIXED, recipe(seeds=1, rates=[2.0]))
    beside = run(MIXED, recipe(seeds=1, freezing="partial"), recipe(seeds=1, rates=[1.0, 2.0]))
    assert alone[0].predictions.equals(beside[2].predictions)


def test_what_a_model_saw_is_what_its_loop_drew() -> None:
    trained = run(MIXED, recipe(rates=[2.0]))
    for one in trained:
        seen = set(one.training["image_id"])
        assert len(seen) == 24, "3 steps of 8 out of 30, no image twice"
        assert not any(image_id.startswith("test") for image_id in seen)
        assert not any(image_id.startswith(f"seed{1 - one.seed}-") for image_id in seen)


@pytest.mark.parametrize("freezing", ["none", "partial", "all"])
def test_a_smaller_rate_takes_the_first_images_of_the_largest(freezing: str) -> None:
    (small, large) = run(MIXED, recipe(seeds=1, rates=[0.5, 2.0], freezing=freezing), steps=20)
    assert set(small.training["image_id"]) == {f"train{n}" for n in range(10)} | {f"seed0-{n}" for n in range(5)}
    assert len(large.training) == 30


def test_balanced_training_draws_the_rarer_class_as_often_and_mixes_in_by_the_number_of_different_images() -> None:
    rare = toy_fold(lambda _, seed: some(20, "mixed", seed), 20)
    rows = [0, 2, 4, 6, 8, 1]  # five of class 0, one of class 1
    rare = FoldData(0, rare.train.take(rows), rare.test, rare.test_patients, rare.mixed, rare.different)
    (plain, balanced) = (run(rare, recipe(seeds=1, rates=[1.0], balanced=flag), steps=30)[0] for flag in (False, True))
    for trained in (plain, balanced):
        assert len(trained.training) == 12, "each image once, six real and six mixed in"
    assert not plain.predictions["p1"].equals(balanced.predictions["p1"])


def test_predictions_are_probabilities_of_every_test_image() -> None:
    (first, _) = run(toy_fold(), recipe())
    assert first.predictions["image_id"].tolist() == [f"test{n}" for n in range(6)]
    assert np.allclose(first.predictions[["p0", "p1"]].sum(axis=1), 1)


@pytest.mark.parametrize(("freezing", "rate"), [("none", 1e-3), ("partial", 1e-3), ("all", 1e-1)])
def test_enough_steps_learn_an_easy_task(freezing: str, rate: float) -> None:
    (trained,) = run(toy_fold(), recipe(seeds=1, freezing=freezing), steps=60, learning_rate=rate)
    assert trained.losses[-1] < trained.losses[0]
    predicted = trained.predictions
    assert ((predicted["p1"] > 0.5) == (predicted["label"] == 1)).all()


def test_the_kept_model_is_the_first_and_names_the_patients_it_saw(tmp_path: Path) -> None:
    done = Collected()
    for trained in run(toy_fold(), recipe()):
        done.add(trained)
    manifest = pd.DataFrame({"image_id": [f"train{n}" for n in range(10)], "patient_id": [f"P{n}" for n in range(10)]})
    save_kept(tmp_path / "kept", "real", done, manifest, toy_params())
    card = read_card(tmp_path / "kept")
    assert card["seed_index"] == 0
    assert card["mode"] == "augment"
    others = {"augmentation", "traditional", "traditional_scale", "traditional_degrees", "traditional_rotated"}
    assert not others & set(card["params"]), "a card says nothing that did not concern its classifier"
    assert card["params"]["baseline_augmentation"] == "flip"
    assert card["patient_ids"] == [f"P{n}" for n in range(10)]
    assert set(pd.read_parquet(tmp_path / "kept" / "training.parquet")["seed"]) == {0, 1}


def test_flips_mirror_about_half_of_a_batch() -> None:
    batch = torch.arange(2.0).expand(400, 1, 1, 2)
    flipped = (flip(batch, torch.Generator().manual_seed(0))[:, 0, 0, 0] == 1).float().mean().item()
    assert 0.4 < flipped < 0.6
