"""One test set of whole groups (studies/segmentation), and the gate that judges it."""

import pandas as pd
import pytest

from synthtrace.errors import InputError
from synthtrace.folds.holdout import holdout
from synthtrace.params.segmentation import Holdout
from synthtrace.quality.gate import judge
from synthtrace.quality.suites import holdout_folds
from synthtrace.seeds import Seeds
from synthtrace.tables import FOLDS

NAMED = Holdout(column="label_name", test=["C3"], test_share=0.5)
DRAWN = Holdout(column=None, test=None, test_share=0.25)


def pairs(centres: int = 3, each: int = 8, group: int = 2) -> pd.DataFrame:
    """`each` pairs of each centre, without patients, in groups of `group`."""
    rows = [
        {"label": centre, "label_name": f"C{centre + 1}", "image_id": f"c{centre}i{number}", "group_id": f"G{number // group}"}
        for centre in range(centres)
        for number in range(each)
    ]
    table = pd.DataFrame(rows).assign(year=[2000.0 + row // 4 for row in range(len(rows))])
    table["group_id"] = table["label_name"] + table["group_id"]
    table["pixel_hash"] = table["scan_pixel_hash"] = table["image_id"]
    return table.assign(patient_id=table["group_id"])


def ids_tested(folds: pd.DataFrame) -> set[str]:
    return set(folds.loc[folds["role"] == "test", "image_id"])


def failed(manifest: pd.DataFrame, folds: pd.DataFrame, split: Holdout) -> list[str]:
    tables = holdout_folds.measure(manifest, folds, split, "none")
    verdict = judge("folds", "", tables, holdout_folds.suites(split, "none"))
    return [item["name"] for item in verdict["expectations"] if not item["pass"] and item["severity"] == "error"]


def test_named_images_test_and_all_others_train() -> None:
    manifest = pairs()
    folds = holdout(manifest, NAMED, Seeds(1), "none")
    assert list(folds.columns) == FOLDS
    assert folds["image_id"].tolist() == manifest["image_id"].tolist()
    assert set(folds["fold"]) == {0}
    assert set(folds["role"]) == {"train", "test"}
    assert ids_tested(folds) == {f"c2i{number}" for number in range(8)}


def test_several_values_may_be_named_and_whole_numbers_are_named_as_they_stand() -> None:
    manifest = pairs().assign(year=lambda table: table["year"].where(table.index > 0))
    both = Holdout(column="year", test=["2001", "2005"], test_share=0.5)
    assert ids_tested(holdout(manifest, both, Seeds(1), "none")) == {f"c0i{number}" for number in range(4, 8)} | {
        f"c2i{number}" for number in range(4, 8)
    }


def test_a_drawn_share_is_of_whole_groups_of_every_label_and_follows_the_seed() -> None:
    manifest = pairs()
    folds = holdout(manifest, DRAWN, Seeds(1), "none")
    roles = folds.assign(group=manifest["group_id"], label=manifest["label"])
    assert set(roles.groupby("group")["role"].nunique()) == {1}
    assert roles[roles["role"] == "test"].groupby("label")["group"].nunique().tolist() == [1, 1, 1]
    assert folds.equals(holdout(manifest, DRAWN, Seeds(1), "none"))
    assert any(ids_tested(holdout(manifest, DRAWN, Seeds(seed), "none")) != ids_tested(folds) for seed in range(2, 6))


@pytest.mark.parametrize("column", ["group_id", "pixel_hash"])
def test_a_group_or_equal_pixels_on_both_sides_are_refused(column: str) -> None:
    manifest = pairs()
    manifest.loc[20, column] = manifest.loc[3, column]
    with pytest.raises(
        InputError, match=r"'c0i\d' \(row \d, 'C1'\) and .*'c2i\d' \(row \d+, 'C3'\).* one patient or group, or equal"
    ):
        holdout(manifest, NAMED, Seeds(1), "none")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"column": "center"}, "missing column 'center', which split.column names; it has label, label_name"),
        ({"test": ["C3", "C9"]}, r"no image has 'C9', which split.test names, in column 'label_name'; there are 'C1' \(8\)"),
        ({"test": ["C1", "C2", "C3"]}, "split.test names every value of column 'label_name'; expected images to train on"),
    ],
)
def test_what_cannot_be_split_is_one_sentence(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        holdout(pairs(), NAMED.model_copy(update=changes), Seeds(1), "none")


@pytest.mark.parametrize("split", [NAMED, DRAWN])
def test_the_gate_lets_a_split_pass(split: Holdout) -> None:
    manifest = pairs()
    assert failed(manifest, holdout(manifest, split, Seeds(1), "none"), split) == []


@pytest.mark.parametrize(
    ("row", "role", "expected"),
    [
        (0, "test", ["no group of images is on two sides of a fold", "test images are those whose label_name is C3"]),
        ([0, 1], "test", ["test images are those whose label_name is C3"]),
        ([0, 1], "val", ["an image trains or tests"]),
        (slice(16, 24), "train", ["test images are those whose label_name is C3", "images train, and images test"]),
    ],
)
def test_the_gate_stops_a_split_that_was_tampered_with(row: object, role: str, expected: list[str]) -> None:
    manifest = pairs()
    folds = holdout(manifest, NAMED, Seeds(1), "none")
    folds.iloc[row, folds.columns.get_loc("role")] = role  # type: ignore[index]
    assert failed(manifest, folds, NAMED) == expected


def test_the_gate_stops_a_split_without_an_image() -> None:
    manifest = pairs()
    assert failed(manifest, holdout(manifest, NAMED, Seeds(1), "none")[1:], NAMED) == ["every image has one role a fold"]
