"""What must hold between parameters is checked before any work, and an error says what to change."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from synthtrace.errors import InputError
from synthtrace.params import parse_params

ROOT = Path(__file__).parents[2]

SUBSETS = {"protocol": "subsets", "subset_share": 0.1}
SPACE = {"pretrained": None, "channels": [16, 32, 32, 32], "latent_channels": 4}


@pytest.fixture
def tree() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "params.yaml").read_text())


def with_run(tree: dict[str, Any], **changes: object) -> dict[str, Any]:
    """The tree with another first run of the curve."""
    tree["curve"]["runs"] = [tree["curve"]["runs"][0] | changes]
    return tree


@pytest.mark.parametrize(
    ("split", "said"),
    [
        (SUBSETS | {"repeats": 2}, "split: repeats must be 1 with protocol 'subsets'; found 2"),
        (SUBSETS | {"column": "part"}, "split: column and test go together"),
        (SUBSETS | {"test": "valid"}, "split: column and test go together"),
        (
            SUBSETS | {"subset_share": 0.21},
            "split: subset_share is 0.21, too much for 5 disjoint subsets; expected at most 0.2",
        ),
        (SUBSETS | {"val_share": 1.0}, "split.val_share"),
        (SUBSETS | {"test_share": 0.0}, "split.test_share"),
        ({"folds": [0]}, "split: repeats is 1, but the 1 folds are not that many times an equal number, at least 2"),
        ({"folds": [0, 1, 2, 3], "repeats": 3}, "split: repeats is 3"),
        ({"protocol": "holdout"}, "split.protocol"),
    ],
)
def test_folds_that_cannot_be_made_are_refused(tree: dict[str, Any], split: dict[str, Any], said: str) -> None:
    tree["split"] |= split
    with pytest.raises(InputError, match=rf"^params\.yaml: {said}"):
        parse_params(tree)


@pytest.mark.parametrize(
    ("split", "rounds", "folds_a_round"),
    [
        ({}, 1, 5),
        ({"folds": list(range(10)), "repeats": 2}, 2, 5),
        (SUBSETS, 5, 1),
        (SUBSETS | {"folds": [0]}, 1, 1),
        (SUBSETS | {"subset_share": 0.2}, 5, 1),
    ],
)
def test_a_round_tests_each_test_image_once(
    tree: dict[str, Any], split: dict[str, Any], rounds: int, folds_a_round: int
) -> None:
    tree["split"] |= split
    found = parse_params(tree).split
    assert (found.rounds, found.folds_a_round) == (rounds, folds_a_round)


def test_images_that_no_fold_uses_are_there_with_subsets_alone(tree: dict[str, Any]) -> None:
    tree["pretraining"]["unused"] = True
    with pytest.raises(InputError, match=r"pretraining\.unused .* with split\.protocol 'kfold' there are none"):
        parse_params(tree)
    tree["split"] |= SUBSETS
    assert parse_params(tree).pretraining.unused


@pytest.mark.parametrize("corpus", [{"unused": True}, {"path": "data/raw/histology"}])
def test_a_mode_that_pretrains_needs_images_or_a_checkpoint(tree: dict[str, Any], corpus: dict[str, Any]) -> None:
    tree["dataset"]["kind"] = "table"
    tree["split"] |= SUBSETS
    tree["autoencoder"]["mode"] = "decoder"
    with pytest.raises(InputError, match=r"autoencoder\.mode 'decoder' needs autoencoder\.pretrained, or images"):
        parse_params(tree)
    tree["pretraining"] |= corpus
    assert parse_params(tree).autoencoder.mode == "decoder"


def test_a_latent_space_of_a_kind_of_its_own_must_fit_the_image_too(tree: dict[str, Any]) -> None:
    tree["preprocess"]["image_size"] = 40
    assert parse_params(tree).preprocess.image_size == 40
    tree["autoencoder"]["kinds"] = {"class": SPACE}
    with pytest.raises(InputError, match=r"image_size must be a multiple of 16, the autoencoder's factor 8 times"):
        parse_params(tree)


@pytest.mark.parametrize(("channels", "starts"), [([64, 32], "16"), ([64, 64, 64, 64, 32], "2"), ([64] * 7, "0.5")])
def test_a_gan_whose_doublings_do_not_fit_the_image_is_refused(tree: dict[str, Any], channels: list[int], starts: str) -> None:
    tree["families"]["gan"]["channels"] = channels
    assert parse_params(tree).generator.kinds == ["semantic", "class"]
    tree["generator"]["kinds"] = ["gan"]
    with_run(tree, scenarios=["gan"])
    with pytest.raises(InputError, match=rf"families\.gan\.channels .* it starts at {starts}; expected a whole number from 3"):
        parse_params(tree)


def test_patches_of_a_transformer_tile_its_latents(tree: dict[str, Any]) -> None:
    tree["generator"]["kinds"] = ["dit"]
    with_run(tree, scenarios=["dit"])
    tree["families"]["dit"]["patch_size"] = 3
    with pytest.raises(InputError, match=r"families\.dit\.patch_size is 3; expected a divisor of the latents' side, 8"):
        parse_params(tree)
    tree["autoencoder"]["kinds"] = {"dit": SPACE}
    tree["families"]["dit"]["patch_size"] = 8
    with pytest.raises(InputError, match=r"patch_size is 8; expected a divisor of the latents' side, 4"):
        parse_params(tree)


@pytest.mark.parametrize("name", ["augmentation", "baseline_augmentation"])
@pytest.mark.parametrize("frozen", ["classifier", "curve"])
def test_a_frozen_trunk_is_not_altered_in_more_ways_than_can_be_kept(tree: dict[str, Any], name: str, frozen: str) -> None:
    tree["classifier"][name] = "full"
    assert getattr(parse_params(tree).classifier, name) == "full"
    if frozen == "curve":
        with_run(tree, freezing="partial")
    else:
        tree["classifier"]["freezing"] = "all"
    where = r"resnet10t partial" if frozen == "curve" else r"classifier\.freezing"
    with pytest.raises(
        InputError, match=rf"classifier\.{name} 'full' .* \({where}\); expected none or flip, or nothing frozen"
    ):
        parse_params(tree)


@pytest.mark.parametrize("scenario", ["gan", "real", "nothing"])
def test_a_run_of_the_curve_draws_from_kinds_of_the_study(tree: dict[str, Any], scenario: str) -> None:
    with_run(tree, scenarios=[scenario])
    with pytest.raises(
        InputError, match=rf"resnet10t none has the scenario '{scenario}'; expected traditional or one of .*class"
    ):
        parse_params(tree)


def test_two_runs_of_one_name_are_refused(tree: dict[str, Any]) -> None:
    tree["curve"]["runs"] *= 2
    with pytest.raises(InputError, match=r"curve: two runs are 'resnet10t none'"):
        parse_params(tree)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("none", "none"),
        ("realism", "realism"),
        (["realism", "centroid"], "realism+centroid"),
        (["centroid", "realism"], "centroid+realism"),
        ("class_realism+confidence", "class_realism+confidence"),
    ],
)
def test_a_list_of_selections_is_one_name_in_its_order(tree: dict[str, Any], given: object, kept: str) -> None:
    tree["selection"]["method"] = given
    with_run(tree, selections=["none", given] if given != "none" else ["none"])
    params = parse_params(tree)
    assert params.selection.method == kept
    assert params.curve.runs[0].selections[-1] == kept


@pytest.mark.parametrize("given", ["best", ["none", "realism"], ["realism", "realism"], [], "realism+", 3])
def test_an_unknown_selection_is_refused(tree: dict[str, Any], given: object) -> None:
    tree["selection"]["method"] = given
    with pytest.raises(InputError, match=r"^params\.yaml: selection\.method: "):
        parse_params(tree)


@pytest.mark.parametrize(
    "run",
    [
        {"selections": []},
        {"selections": [["realism", "centroid"], "realism+centroid"]},
        {"modes": []},
        {"modes": ["augment", "augment"]},
        {"modes": ["distil"]},
        {"rates": []},
        {"rates": [0.0]},
    ],
)
def test_a_run_names_each_selection_mode_and_rate_once(tree: dict[str, Any], run: dict[str, Any]) -> None:
    (key,) = run
    with pytest.raises(InputError, match=rf"^params\.yaml: curve\.runs\.0\.{key}"):
        parse_params(with_run(tree, **run))


def test_on_the_fly_augmentation_mixes_nothing_in_and_the_baseline_has_its_own(tree: dict[str, Any]) -> None:
    tree["classifier"] |= {"augmentation": "full", "baseline_augmentation": "none"}
    crops = parse_params(tree).classifier
    assert [crops.mixes(name) for name in ("real", "traditional", "class")] == [False, True, True]
    assert [crops.augmentation_of(name) for name in ("real", "traditional", "class")] == ["none", "full", "full"]
    tree["classifier"]["traditional"] = "on_the_fly"
    assert [parse_params(tree).classifier.mixes(name) for name in ("real", "traditional", "class")] == [False, False, True]
