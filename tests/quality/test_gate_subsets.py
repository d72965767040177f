"""What the gate holds folds by `split.protocol: subsets` to."""

import numpy as np
import pandas as pd
import pytest
from quality_study import SPLIT, failed, found

from synthtrace.folds import split_folds
from synthtrace.params import Split
from synthtrace.quality.gate import judge
from synthtrace.quality.suites.folds import measure, suites
from synthtrace.seeds import Seeds

SUBSETS = Split.model_validate(
    SPLIT.model_dump() | {"protocol": "subsets", "folds": [0, 1, 2], "val_share": 0.1, "subset_share": 0.25}
)


@pytest.fixture
def manifest():
    """Patches without patients, two thirds of them of one class; images 0 to 9 are five pairs of near-duplicates."""
    names = [f"i{number:03d}" for number in range(150)]
    return pd.DataFrame(
        {
            "image_id": names,
            "pixel_hash": names,
            "scan_pixel_hash": names,
            "patient_id": names,
            "label": np.arange(150) % 3 // 2,
            "label_name": np.where(np.arange(150) % 3 == 2, "tumor", "normal"),
            "group_id": pd.Series(
                [f"pair{number % 6}" if number in (0, 6, 1, 7) else None for number in range(150)], dtype=object
            ),
        }
    )


def verdict(manifest, table, split=SUBSETS):
    return judge("folds", "digest", measure(manifest, table, split, "none"), suites(split, "none"))


def of(table, fold, role, number=0):
    """The image of a role in a fold, by its number."""
    return table[(table["fold"] == fold) & (table["role"] == role)]["image_id"].iloc[number]


def swapped(table, fold, one, other):
    """Two images change places in a fold."""
    at = [(table["fold"] == fold) & (table["image_id"] == image_id) for image_id in (one, other)]
    roles = [table.loc[place, "role"].iloc[0] for place in at]
    for place, role in zip(at, reversed(roles), strict=True):
        table.loc[place, "role"] = role


def alike(manifest, table, fold, role, image_id):
    """An image of that role and of the label of another image."""
    label_of = manifest.set_index("image_id")["label"]
    alone = set(manifest.loc[manifest["group_id"].isna(), "image_id"])
    images = table[(table["fold"] == fold) & (table["role"] == role)]["image_id"]
    return next(image for image in images if label_of[image] == label_of[image_id] and image in alone)


def other_test_image(manifest, table):
    test = alike(manifest, table, 1, "test", "i020")
    swapped(table, 1, test, alike(manifest, table, 1, "unused", test))


def other_val_image(manifest, table):
    val = alike(manifest, table, 2, "val", "i020")
    swapped(table, 2, val, alike(manifest, table, 2, "unused", val))


def shared_image(manifest, table):
    """Fold 1 trains on an image of fold 0's subset in place of one of its own."""
    mine = alike(manifest, table, 0, "train", "i020")
    swapped(table, 1, mine, alike(manifest, table, 1, "train", mine))


def torn_group(manifest, table):
    """One of a pair stays in its subset, the other is left unused."""
    for fold in range(3):
        here = table["fold"] == fold
        table.loc[here & (table["image_id"] == "i000"), "role"] = "train" if fold == 1 else "unused"
        table.loc[here & (table["image_id"] == "i006"), "role"] = "unused"


def one_sided(manifest, table):
    """Two tumours of a subset give way to two of the other class."""
    label_of = manifest.set_index("image_id")["label"]
    for _ in range(2):
        here = table[table["fold"] == 0]
        labels = here["image_id"].map(label_of)
        free = set(table["image_id"]) - set(table.loc[table["role"] != "unused", "image_id"])
        tumour = here[(here["role"] == "train") & (labels == 1)]["image_id"].iloc[0]
        swapped(table, 0, tumour, here[here["image_id"].isin(free) & (labels == 0)]["image_id"].iloc[-1])


BROKEN = {
    "test and validation images are the same in every fold": other_val_image,
    "training subsets have no image in common": shared_image,
    "no group of images is torn apart by subsets": torn_group,
    "subsets keep the balance of classes, within one group of images": one_sided,
}


def test_subsets_as_they_are_made_pass(manifest):
    for seed in range(5):
        assert failed(verdict(manifest, split_folds(manifest, SUBSETS, Seeds(seed), "none"))) == [
            "the data set has patient ids"
        ]


@pytest.mark.parametrize("name", BROKEN)
def test_subsets_broken_in_one_place_fail_one_expectation(manifest, name):
    table = split_folds(manifest, SUBSETS, Seeds(0), "none")
    BROKEN[name](manifest, table)
    assert failed(verdict(manifest, table)) == [name, "the data set has patient ids"]


def test_another_test_image_in_one_fold_is_named_with_its_folds(manifest):
    table = split_folds(manifest, SUBSETS, Seeds(0), "none")
    other_test_image(manifest, table)
    result = verdict(manifest, table)
    assert failed(result)[:2] == [
        "every test image is tested once a round",
        "test and validation images are the same in every fold",
    ]
    item = found(result, "test and validation images are the same in every fold")
    assert sorted(row["moves"] for row in item["failing_rows"]) == ["0:test, 1:unused, 2:test", "0:unused, 1:test, 2:unused"]


def test_a_training_image_that_is_tested_in_another_fold_is_no_common_test_image(manifest):
    table = split_folds(manifest, SUBSETS, Seeds(0), "none")
    swapped(table, 0, alike(manifest, table, 0, "train", "i020"), alike(manifest, table, 0, "test", "i020"))
    assert "test and validation images are the same in every fold" in failed(verdict(manifest, table))


def test_unused_images_are_on_no_side(manifest):
    table = split_folds(manifest, SUBSETS, Seeds(0), "none")
    twin = alike(manifest, table, 0, "test", "i020")
    manifest.loc[manifest["image_id"] == of(table, 0, "unused"), "scan_pixel_hash"] = twin
    sides = measure(manifest, table[table["fold"] == 0], SUBSETS, "none")["assignments"]["equal_scan_pixel_hash"]
    assert sides.isna().all()


def test_each_subset_needs_images_of_each_class(manifest):
    table = split_folds(manifest, SUBSETS, Seeds(0), "none")
    tumours = table["image_id"].isin(manifest.loc[manifest["label"] == 1, "image_id"])
    table.loc[(table["fold"] == 2) & tumours & (table["role"] == "train"), "role"] = "unused"
    item = found(verdict(manifest, table), "every class has a group of images in train and test")
    assert item["failing_rows"] == [{"fold": 2, "role": "train", "label_name": "tumor", "patients": 0}]
    assert item["todo"].startswith("Raise split.subset_share")
