from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synthtrace.errors import InputError
from synthtrace.folds import kfold
from synthtrace.seeds import Seeds
from synthtrace.tables import FOLDS, read_folds, write_folds

SHARED = Path(__file__).parents[2].parent / "shared" / "data"


def manifest_of(patients: dict[int, int], frames: int = 3) -> pd.DataFrame:
    """A manifest with `patients[label]` patients of each label."""
    rows = [
        {
            "image_id": f"c{label}p{patient:03d}f{frame}",
            "pixel_hash": f"{label}-{patient}-{frame}",
            "patient_id": f"{label}{patient:03d}",
            "label": label,
            "label_name": f"class{label}",
        }
        for label, count in patients.items()
        for patient in range(count)
        for frame in range(frames)
    ]
    return pd.DataFrame(rows)


def patients_tested(manifest: pd.DataFrame, folds: pd.DataFrame) -> pd.DataFrame:
    """Patients tested, by fold and label."""
    test = folds[folds["role"] == "test"].merge(manifest[["image_id", "label"]], on="image_id")
    return test.drop_duplicates(["fold", "patient_id"]).pivot_table(
        index="fold", columns="label", values="patient_id", aggfunc="count", fill_value=0
    )


def assert_on_one_side(folds: pd.DataFrame, unit: str) -> None:
    """All images of a unit have the same role in a fold."""
    assert not folds[["fold", unit, "role"]].drop_duplicates().duplicated(["fold", unit]).any()


@pytest.mark.parametrize("patients", [{0: 17, 1: 38}, {0: 16, 1: 24}, {0: 5, 1: 5}, {0: 9, 1: 9, 2: 8}])
@pytest.mark.parametrize("count", [2, 5])
def test_every_fold_tests_its_share_of_each_class_and_sizes_differ_by_one_at_most(patients, count):
    manifest = manifest_of(patients)
    tested = patients_tested(manifest, kfold(manifest, count, Seeds(3)))
    for label, total in patients.items():
        assert set(tested[label]) <= {total // count, -(-total // count)}
    assert tested.sum(axis=1).max() - tested.sum(axis=1).min() <= 1


def test_every_image_is_once_a_fold_and_tested_exactly_once():
    manifest = manifest_of({0: 7, 1: 9})
    folds = kfold(manifest, 5, Seeds(3))
    assert list(folds.columns) == FOLDS
    assert set(folds["role"]) == {"train", "test"}
    assert not folds.duplicated(["fold", "image_id"]).any()
    assert len(folds) == 5 * len(manifest)
    assert (folds[folds["role"] == "test"]["image_id"].value_counts() == 1).all()
    assert set(folds[folds["role"] == "test"]["image_id"]) == set(manifest["image_id"])


def test_no_patient_is_on_two_sides():
    folds = kfold(manifest_of({0: 7, 1: 9}), 5, Seeds(3))
    assert_on_one_side(folds, "patient_id")


def test_order_of_rows_does_not_matter_and_the_seed_does():
    manifest = manifest_of({0: 20, 1: 30})

    def folds_of(table: pd.DataFrame, seed: int) -> pd.DataFrame:
        return kfold(table, 5, Seeds(seed)).sort_values(["fold", "image_id"], ignore_index=True)

    first = folds_of(manifest, 3)
    assert folds_of(manifest.sample(frac=1, random_state=0), 3).equals(first)
    assert not folds_of(manifest, 4).equals(first)


def test_a_patient_with_two_labels_is_named():
    manifest = manifest_of({0: 6, 1: 6})
    manifest.loc[0, ["label", "label_name"]] = [1, "class1"]
    with pytest.raises(InputError, match=r"patient '0000' has the labels \[0, 1\]"):
        kfold(manifest, 5, Seeds(3))


def test_a_class_with_fewer_patients_than_folds_is_named_with_both_counts():
    with pytest.raises(InputError, match=r"class 'class1' \(label 1\) has 4 patients, fewer than the 5 folds"):
        kfold(manifest_of({0: 6, 1: 4}), 5, Seeds(3))


def test_an_image_without_a_patient_is_named():
    manifest = manifest_of({0: 6, 1: 6})
    manifest.loc[2, "patient_id"] = None
    with pytest.raises(InputError, match="image 'c0p000f2' has no patient_id"):
        kfold(manifest, 5, Seeds(3))


def test_without_patient_ids_groups_stay_together():
    manifest = manifest_of({0: 20, 1: 20}, frames=2).assign(patient_id=pd.NA)
    manifest["group_id"] = [f"group{row // 4}" for row in range(len(manifest))]
    folds = kfold(manifest, 5, Seeds(3), patient_ids="none").merge(manifest[["image_id", "group_id"]], on="image_id")
    assert_on_one_side(folds, "group_id")


def test_without_patient_ids_and_groups_an_image_stays_with_its_exact_copies():
    manifest = manifest_of({0: 10, 1: 10}, frames=1).assign(patient_id=pd.NA)
    manifest["pixel_hash"] = np.repeat(manifest["pixel_hash"].to_numpy()[::2], 2)
    folds = kfold(manifest, 5, Seeds(3), patient_ids="none").merge(manifest[["image_id", "pixel_hash"]], on="image_id")
    assert_on_one_side(folds, "pixel_hash")
    assert folds[folds["role"] == "test"].groupby("fold").size().eq(4).all()


def test_rows_without_a_group_id_stand_alone():
    manifest = manifest_of({0: 10, 1: 10}, frames=1).assign(patient_id=pd.NA, group_id=pd.NA)
    folds = kfold(manifest, 5, Seeds(3), patient_ids="none")
    assert folds[folds["role"] == "test"].groupby("fold").size().eq(4).all()


def test_groups_of_mixed_labels_stay_whole_and_do_not_depend_on_row_order():
    rng = np.random.default_rng(0)
    manifest = manifest_of({0: 60, 1: 60}, frames=1).assign(patient_id=pd.NA)
    manifest["group_id"] = rng.integers(0, 30, len(manifest)).astype(str)
    folds = kfold(manifest, 5, Seeds(3), patient_ids="none")
    both = folds.merge(manifest[["image_id", "group_id", "label"]], on="image_id")
    assert_on_one_side(both, "group_id")
    test = both[both["role"] == "test"]
    assert len(test) == len(manifest)
    assert test.groupby("fold")["label"].mean().between(0.3, 0.7).all()
    shuffled = kfold(manifest.sample(frac=1, random_state=1), 5, Seeds(3), patient_ids="none")
    keys = ["fold", "image_id"]
    assert shuffled.sort_values(keys, ignore_index=True).equals(folds.sort_values(keys, ignore_index=True))


@pytest.mark.parametrize("mixed", [False, True], ids=["patients", "mixed groups"])
def test_each_repeat_deals_all_images_anew_and_the_first_deal_is_that_of_a_study_without_repeats(tmp_path, mixed):
    manifest = manifest_of({0: 17, 1: 38}, frames=2)
    patient_ids = "none" if mixed else "manifest"
    if mixed:
        groups = np.random.default_rng(0).integers(0, 30, len(manifest)).astype(str)
        manifest = manifest.assign(patient_id=groups, group_id=groups)
    once, thrice = (kfold(manifest, 5 * repeats, Seeds(3), patient_ids, repeats) for repeats in (1, 3))
    write_folds(tmp_path / "once.csv", once)
    write_folds(tmp_path / "thrice.csv", thrice)
    assert (tmp_path / "thrice.csv").read_bytes().startswith((tmp_path / "once.csv").read_bytes())
    assert_on_one_side(thrice, "patient_id")
    test = thrice[thrice["role"] == "test"]
    deals = [test[test["fold"] // 5 == repeat].set_index("image_id")["fold"] % 5 for repeat in range(3)]
    for deal in deals:
        assert sorted(deal.index) == sorted(manifest["image_id"])
        assert sorted(deal.unique()) == [0, 1, 2, 3, 4]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert (deals[one] == deals[other].reindex(deals[one].index)).mean() < 0.5


def test_a_class_needs_a_patient_for_each_fold_of_a_repeat_and_no_more():
    manifest = manifest_of({0: 6, 1: 4})
    assert kfold(manifest, 8, Seeds(3), repeats=2)["fold"].nunique() == 8
    with pytest.raises(
        InputError, match=r"has 4 patients, fewer than the 5 folds that split.folds has in each of split.repeats, 2"
    ):
        kfold(manifest, 10, Seeds(3), repeats=2)


def test_the_same_seed_writes_the_same_bytes(tmp_path):
    manifest = manifest_of({0: 7, 1: 9})
    for name in ("a.csv", "b.csv"):
        write_folds(tmp_path / name, kfold(manifest, 5, Seeds(3)))
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert read_folds(tmp_path / "a.csv")["patient_id"].tolist()[0] == "0000"


def test_the_fatty_liver_set_splits_44_to_11_as_in_paper_0():
    path = SHARED / "byra_liver_us_full" / "manifest.csv"
    if not path.exists():
        pytest.skip("the fatty-liver set is not beside this checkout")
    rows = pd.read_csv(path)
    manifest = rows.assign(
        image_id=rows["file"], pixel_hash=rows["pixels_sha256"], label_name=rows["label"], label=rows["label_id"]
    )
    tested = patients_tested(manifest, kfold(manifest, 5, Seeds(20231116)))
    assert tested.sum(axis=1).tolist() == [11] * 5
    assert set(tested[0]) == {3, 4}
    assert set(tested[1]) == {7, 8}
