"""Disjoint training subsets with one test set (papers 3 and 4)."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synthtrace.errors import InputError
from synthtrace.folds import kfold, split_folds
from synthtrace.params import Split, load_params
from synthtrace.seeds import Seeds
from synthtrace.tables import FOLDS

PCAM = Path(__file__).parents[2].parent / "shared" / "data" / "pcam_96_subset"
DEFAULTS = load_params(Path(__file__).parents[2] / "params.yaml").split


def settings(folds: int = 3, **changes: object) -> Split:
    return Split.model_validate(DEFAULTS.model_dump() | {"protocol": "subsets", "folds": list(range(folds))} | changes)


def patches(counts: dict[int, int]) -> pd.DataFrame:
    """Images without patients, `counts[label]` of each label; every fourth is a test image by the column `part`."""
    labels = np.repeat(list(counts), list(counts.values()))
    names = [f"i{number:04d}" for number in range(len(labels))]
    part = np.where(np.arange(len(labels)) % 4 == 0, "exam", "study")
    return pd.DataFrame(
        {
            "image_id": names,
            "pixel_hash": names,
            "patient_id": names,
            "label": labels,
            "label_name": [f"class{label}" for label in labels],
            "part": part,
        }
    )


def dealt(manifest: pd.DataFrame, split: Split, seed: int = 3, patient_ids: str = "none") -> pd.DataFrame:
    return split_folds(manifest, split, Seeds(seed), patient_ids)


def by_role(manifest: pd.DataFrame, folds: pd.DataFrame) -> pd.DataFrame:
    """Images by fold and role (rows) and label (columns)."""
    of_images = folds.merge(manifest[["image_id", "label"]])
    return of_images.pivot_table(index=["fold", "role"], columns="label", values="image_id", aggfunc="count", fill_value=0)


def images(folds: pd.DataFrame, fold: int, role: str) -> set[str]:
    return set(folds.loc[(folds["fold"] == fold) & (folds["role"] == role), "image_id"])


def test_every_fold_has_a_subset_of_its_own_and_the_same_test_and_validation_images():
    manifest = patches({0: 60, 1: 60})
    folds = dealt(manifest, settings(column="part", test="exam", val_share=0.2, subset_share=0.25))
    assert list(folds.columns) == FOLDS
    assert (folds.groupby("fold")["image_id"].agg(set).map(len) == 120).all()
    assert not folds.duplicated(["fold", "image_id"]).any()
    assert images(folds, 0, "test") == set(manifest.loc[manifest["part"] == "exam", "image_id"])
    for fold in (1, 2):
        assert images(folds, fold, "test") == images(folds, 0, "test")
        assert images(folds, fold, "val") == images(folds, 0, "val")
    subsets = [images(folds, fold, "train") for fold in range(3)]
    assert len(set.union(*subsets)) == sum(map(len, subsets)) == 3 * 18
    counts = by_role(manifest, folds)
    for fold in range(3):
        assert counts.loc[fold].loc[["test", "val", "train", "unused"]].to_numpy().tolist() == [
            [15] * 2,
            [9] * 2,
            [9] * 2,
            [27] * 2,
        ]


@pytest.mark.parametrize("counts", [{0: 61, 1: 37}, {0: 300, 1: 30}, {0: 23, 1: 24, 2: 90}])
@pytest.mark.parametrize("share", [0.1, 0.13, 0.2])
def test_a_subset_holds_the_floor_or_the_ceiling_of_its_share_of_each_class(counts, share):
    manifest = patches(counts)
    split = settings(folds=5, test_share=0.15, val_share=0.1, subset_share=share)
    counted = by_role(manifest, dealt(manifest, split))
    for label, count in counts.items():
        test, val, *train = (
            counted.loc[at, label] for at in [(0, "test"), (0, "val"), *((fold, "train") for fold in range(5))]
        )
        assert abs(test - 0.15 * count) < 1
        assert abs(val - 0.1 * (count - test)) < 1
        assert np.abs(np.array(train) - share * (count - test - val)).max() < 1


def test_subsets_may_use_up_all_images():
    manifest = patches({0: 31, 1: 22})
    folds = dealt(manifest, settings(folds=5, val_share=0.0, subset_share=0.2))
    subsets = [images(folds, fold, "train") for fold in range(5)]
    assert sum(map(len, subsets)) == len(set.union(*subsets)) == 53 - len(images(folds, 0, "test"))


def test_another_number_of_folds_leaves_the_subsets_as_they_are():
    manifest = patches({0: 47, 1: 63})
    few, many = (dealt(manifest, settings(folds=count, subset_share=0.17)) for count in (2, 5))
    assert few.equals(many[many["fold"] < 2])


def test_the_order_of_the_manifest_changes_nothing_and_the_seed_does():
    manifest = patches({0: 40, 1: 50})
    split = settings(subset_share=0.2)
    ordered = dealt(manifest, split).sort_values(["fold", "image_id"], ignore_index=True)
    shuffled = dealt(manifest.sample(frac=1, random_state=1).reset_index(drop=True), split)
    assert ordered.equals(shuffled.sort_values(["fold", "image_id"], ignore_index=True))
    for role in ("train", "val", "test"):
        assert images(dealt(manifest, split, seed=4), 0, role) != images(ordered, 0, role)


@pytest.mark.parametrize("unit", ["patient_id", "group_id"])
def test_patients_and_groups_stay_whole(unit):
    manifest = patches({0: 90, 1: 90})
    manifest[unit] = [f"u{number // 3}" for number in range(180)]
    folds = dealt(manifest, settings(subset_share=0.2), patient_ids="manifest" if unit == "patient_id" else "none")
    roles = folds.drop(columns="patient_id").merge(manifest[["image_id", unit]])
    assert not roles[["fold", unit, "role"]].drop_duplicates().duplicated(["fold", unit]).any()
    assert roles[roles["role"] == "train"].groupby(unit)["fold"].nunique().max() == 1


def test_pixel_identical_images_stay_together():
    manifest = patches({0: 40, 1: 40})
    manifest["pixel_hash"] = manifest["pixel_hash"].to_numpy()[np.arange(80) // 2 * 2]
    roles = dealt(manifest, settings(subset_share=0.2)).merge(manifest[["image_id", "pixel_hash"]])
    assert not roles[["fold", "pixel_hash", "role"]].drop_duplicates().duplicated(["fold", "pixel_hash"]).any()


def test_groups_of_several_labels_are_shared_out_as_a_class_of_their_own():
    manifest = patches({0: 60, 1: 60})
    manifest["group_id"] = [f"slide{number % 60}" if number % 60 < 20 else None for number in range(120)]
    folds = dealt(manifest, settings(test_share=0.2, val_share=0.1, subset_share=0.25))
    mixed = folds.merge(manifest[manifest["group_id"].notna()][["image_id", "group_id"]])
    assert mixed[mixed["role"] == "train"].groupby("fold")["group_id"].nunique().isin([3, 4]).all()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"column": "split", "test": "exam"}, r"missing column 'split', which split.column names; it has image_id, .*, part"),
        (
            {"column": "part", "test": "valid"},
            r"no image has 'valid', .* in column 'part'; there are 'exam' \(15\), 'study' \(45\)",
        ),
        (
            {"column": "label", "test": "1"},
            r"class 'class0' .* has 30 groups of images, of which split.column 'label' puts none",
        ),
        (
            {"subset_share": 0.01},
            r"class 'class0' \(label 0\) has 22 groups of images to train on, .* fold 0 none; expected at least 100",
        ),
        ({"test_share": 0.01}, r"of which split.test_share 0.01 puts none into the test"),
    ],
)
def test_a_split_that_cannot_be_made_is_refused_in_words(changes, said):
    with pytest.raises(InputError, match=said):
        dealt(patches({0: 30, 1: 30}), settings(**changes))


@pytest.mark.parametrize("equal", ["pixel_hash", "group_id"])
def test_a_given_test_image_with_a_twin_elsewhere_is_refused_naming_both(equal):
    manifest = patches({0: 30, 1: 30})
    if equal == "group_id":
        manifest["group_id"] = None
        manifest = manifest.astype({"group_id": object})
    manifest.loc[[8, 13], equal] = "same"
    with pytest.raises(
        InputError, match=r"image 'i0008' \(row 10, part 'exam'\) and image 'i0013' \(row 15, part 'study'\) have one"
    ):
        dealt(manifest, settings(column="part", test="exam"))


def test_a_mark_may_be_a_number_in_a_column_with_gaps():
    manifest = patches({0: 30, 1: 30})
    manifest["part"] = [1.0 if part == "exam" else np.nan for part in manifest["part"]]
    assert len(images(dealt(manifest, settings(column="part", test="1")), 0, "test")) == 15


def test_one_entry_makes_folds_by_either_protocol():
    manifest = patches({0: 30, 1: 30})
    split = DEFAULTS.model_copy(update={"folds": [0, 1, 2, 3], "repeats": 2})
    assert split_folds(manifest, split, Seeds(3), "none").equals(kfold(manifest, 4, Seeds(3), "none", 2))


def test_two_tenths_of_the_real_patches_are_balanced_and_tested_on_the_official_part():
    if not PCAM.is_dir():
        pytest.skip("the PatchCamelyon subset is not beside this repository")
    table = pd.read_csv(PCAM / "manifest.csv")
    manifest = pd.DataFrame(
        {
            "image_id": table["file"],
            "pixel_hash": table["pixels_sha256"],
            "patient_id": table["file"],
            "label": table["label_id"],
            "label_name": table["label"],
            "pcam_split": table["pcam_split"],
        }
    )
    counts = by_role(manifest, dealt(manifest, settings(folds=2, column="pcam_split", test="valid", val_share=0.1)))
    for fold in (0, 1):
        assert counts.loc[fold].to_numpy().tolist() == [[200, 200], [108, 108], [972, 972], [120, 120]]
