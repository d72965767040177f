"""Training modes: which images each phase draws, from which weights, and what stays paired."""

import copy
from typing import Any

import pytest
import torch
from toy_fold import CPU, recipe, some, toy_fold, toy_params

from synthtrace import backbones
from synthtrace.classify.augment import flip
from synthtrace.classify.grid import Trained, train_grid
from synthtrace.classify.recipes import Recipe, of_classifier, of_curve
from synthtrace.params import Mode, Params, parse_params
from synthtrace.seeds import Seeds

MIXED = toy_fold(lambda _, seed: some(20, "other", 10 + seed), 20)
REAL_IDS, OTHER_IDS = {f"train{n}" for n in range(10)}, {f"other{n}" for n in range(10)}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def trained(mode: Mode, freezing: str = "none", **classifier: Any) -> Trained:
    """One seed at rate 1: ten images of each origin."""
    wanted = recipe(mode=mode, freezing=freezing, seeds=1, rates=[1.0])
    return next(iter(train_grid([MIXED], [wanted], toy_params(**classifier), CPU)))


@pytest.mark.parametrize("freezing", ["none", "partial", "all"])
@pytest.mark.parametrize(
    ("mode", "ids"), [("augment", REAL_IDS | OTHER_IDS), ("transfer", REAL_IDS | OTHER_IDS), ("synthetic", OTHER_IDS)]
)
def test_a_mode_draws_all_of_its_images_and_no_others(mode: Mode, ids: set[str], freezing: str) -> None:
    assert set(trained(mode, freezing, steps=10).training["image_id"]) == ids


def test_transfer_takes_the_steps_of_a_training_in_each_phase_and_its_rate_starts_anew() -> None:
    plain, transfer = trained("augment"), trained("transfer")
    assert len(trained("synthetic").losses) == len(plain.losses) == 3
    assert transfer.learning_rates == plain.learning_rates * 2


@pytest.mark.parametrize("freezing", ["none", "partial"])
def test_transfer_begins_as_a_training_on_synthetic_images_alone(freezing: str) -> None:
    assert trained("transfer", freezing).losses[:3] == trained("synthetic", freezing).losses


def test_transfer_goes_on_from_there_with_the_batches_of_real_images() -> None:
    params = toy_params()
    model = copy.deepcopy(trained("synthetic").model)
    settings = params.classifier
    images, labels = torch.from_numpy(MIXED.train.images), torch.from_numpy(MIXED.train.labels)
    fitted = backbones.fit(
        model,
        backbones.altered(model, images, flip),
        labels,
        steps=settings.steps,
        batch_size=settings.batch_size,
        optimizer=settings.optimizer,
        schedule=settings.schedule,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        seeds=Seeds(params.seed),
        names=("classify", "test_resnet", 0, 0),
        device=CPU,
    )
    transfer = trained("transfer")
    assert transfer.losses[3:] == fitted["losses"]
    expected = backbones.predict(model, torch.from_numpy(MIXED.test.images))
    assert (transfer.predictions[["p0", "p1"]].to_numpy() == expected).all()


def test_every_mode_starts_from_the_network_of_real_images_and_their_statistics() -> None:
    """At a learning rate of nothing, each model ends with the weights that it started from."""
    still = {"learning_rate": 1e-30}
    real = next(iter(train_grid([toy_fold()], [recipe(seeds=1)], toy_params(**still), CPU)))
    modes: list[Mode] = ["augment", "transfer", "synthetic"]
    for mode in modes:
        model = trained(mode, **still).model
        for name, weight in real.model.named_parameters():
            assert torch.allclose(weight, model.get_parameter(name), atol=1e-12)
        for name in ("image_mean", "image_std"):
            assert torch.equal(real.model.get_buffer(name), model.get_buffer(name))


def changed(**classifier: Any) -> Params:
    tree = toy_params(**classifier).model_dump()
    run = tree["curve"]["runs"][0]
    run |= {"selections": ["none", ["realism", "centroid"]], "modes": ["transfer", "synthetic"]}
    tree["training"]["mode"] = "transfer"
    return parse_params(tree)


def of(recipes: list[Recipe]) -> list[tuple]:
    return [(one.selection, one.mode, one.rates, one.augmentation) for one in recipes]


def test_generator_kinds_alone_have_selections_and_modes() -> None:
    params = changed(augmentation="full", baseline_augmentation="none")
    assert of(of_classifier("class", params)) == [(None, "transfer", [1.0], "full")]
    assert of(of_curve("class", params)) == [
        (selection, mode, [0.5, 1.5], "full")
        for selection in ("none", "realism+centroid")
        for mode in ("transfer", "synthetic")
    ]
    for scenario, rates, rate, augmentation in (("real", [0.0], 0.0, "none"), ("traditional", [0.5, 1.5], 1.0, "full")):
        assert of(of_classifier(scenario, params)) == [("none", "augment", [rate], augmentation)]
        assert of(of_curve(scenario, params)) == [("none", "augment", rates, augmentation)]


def test_traditional_on_the_fly_is_real_images_alone_under_the_augmentation_of_the_others() -> None:
    params = changed(traditional="on_the_fly", augmentation="full", baseline_augmentation="none")
    for recipes in (of_classifier("traditional", params), of_curve("traditional", params)):
        assert of(recipes) == [("none", "augment", [0.0], "full")]
