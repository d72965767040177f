"""Every parameter is checked before any work, and an error names it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from synthtrace.errors import InputError
from synthtrace.params import KINDS, Params, known_keys, load_params, parse_params

ROOT = Path(__file__).parents[2]


@pytest.fixture
def tree() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "params.yaml").read_text())


def test_the_shipped_parameters_are_valid() -> None:
    assert load_params(ROOT / "params.yaml").mixing_rate == 1.0


@pytest.mark.parametrize("value", [-0.1, 10.5, float("nan"), float("inf"), "much", None, ".nan", True, "1_0"])
def test_a_mixing_rate_outside_0_to_10_is_refused_by_name(tree: dict[str, Any], value: object) -> None:
    with pytest.raises(InputError, match=r"^params.yaml: mixing_rate: "):
        parse_params(tree | {"mixing_rate": value})


@pytest.mark.parametrize("value", [0, 0.5, 10])
def test_a_mixing_rate_from_0_to_10_is_taken(tree: dict[str, Any], value: float) -> None:
    assert parse_params(tree | {"mixing_rate": value}).mixing_rate == value


def test_an_unknown_parameter_is_answered_with_the_nearest_known_one(tree: dict[str, Any]) -> None:
    tree["classifier"]["step"] = 3
    with pytest.raises(InputError, match=r"unknown parameter 'classifier.step'; the nearest known one is 'classifier.steps'"):
        parse_params(tree)


def test_a_missing_parameter_is_named(tree: dict[str, Any]) -> None:
    del tree["sample"]["steps"]
    with pytest.raises(InputError, match=r"'sample\.steps' is missing"):
        parse_params(tree)


def test_an_image_size_that_the_networks_cannot_halve_is_refused(tree: dict[str, Any]) -> None:
    tree["preprocess"]["image_size"] = 36
    with pytest.raises(InputError, match="image_size must be a multiple of 8"):
        parse_params(tree)


def test_folds_are_consecutive(tree: dict[str, Any]) -> None:
    tree["split"]["folds"] = [0, 2]
    with pytest.raises(InputError, match="split: lists the folds 0, 1"):
        parse_params(tree)


def test_real_data_without_pretrained_weights_trains_from_scratch(tree: dict[str, Any]) -> None:
    tree["dataset"]["kind"] = "table"
    with pytest.raises(InputError, match=r"needs autoencoder\.pretrained"):
        parse_params(tree)
    tree["autoencoder"]["mode"] = "scratch"
    assert parse_params(tree).dataset.kind == "table"


def test_a_file_that_is_no_yaml_or_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        load_params(tmp_path / "params.yaml")
    (tmp_path / "params.yaml").write_text("a: [1\n")
    with pytest.raises(InputError, match="not valid YAML"):
        load_params(tmp_path / "params.yaml")


def test_every_parameter_is_declared_by_some_stage(tree: dict[str, Any]) -> None:
    """A parameter that no stage depends on could be changed without anything running again."""
    pipeline = yaml.safe_load((ROOT / "dvc.yaml").read_text())
    declared = {
        name.replace("${item.kind}", kind)
        for stage in pipeline["stages"].values()
        for name in stage.get("params", [])
        if isinstance(name, str)
        for kind in KINDS
    }
    leaves = [key for key in known_keys(Params) if not any(other.startswith(f"{key}.") for other in known_keys(Params))]
    covered = [key for key in leaves if any(key == name or key.startswith(f"{name}.") for name in declared)]
    assert {key for key in set(leaves) - set(covered) if not key.startswith("turing.")} == set()  # of a command


@pytest.mark.parametrize(
    ("block", "key", "value"),
    [
        ("generator", "kinds", ["nope"]),
        ("generator", "kinds", ["real"]),
        ("generator", "kinds", ["class", "class"]),
        ("generator", "channels", [24, 40]),
        ("generator", "attention_levels", 9),
        ("autoencoder", "channels", [16]),
        ("autoencoder", "kl_weight", float("inf")),
        ("sample", "steps", 5000),
        ("dataset", "labels", ["a", "a"]),
        ("classifier", "backbones", ["resnet10t", "resnet10t"]),
        ("features", "learning_rate", True),
        ("split", "folds", []),
        ("compute", "threads", 1.5),
    ],
)
def test_what_would_fail_only_after_hours_is_refused_at_once(tree: dict[str, Any], block: str, key: str, value: object) -> None:
    tree[block][key] = value
    with pytest.raises(InputError, match=rf"^params.yaml: {block}"):
        parse_params(tree)


def test_a_small_number_without_a_point_is_a_number(tree: dict[str, Any]) -> None:
    """YAML 1.1 reads 1e-3 as a word."""
    tree["classifier"]["learning_rate"] = "1e-3"
    assert parse_params(tree).classifier.learning_rate == 0.001


def test_kinds_are_those_of_the_registry() -> None:
    from synthtrace.generators.registry import FAMILIES

    assert sorted(FAMILIES) == sorted(KINDS)
