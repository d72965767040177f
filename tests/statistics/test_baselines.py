from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synthtrace.compare.summary import compare
from synthtrace.errors import InputError
from synthtrace.params import Dataset
from synthtrace.preprocess.crops import write_crops
from synthtrace.scans import read_source
from synthtrace.scans.manifest import build_manifest, check_images, write_scans
from synthtrace.tables import read_manifest

BYRA = Path(__file__).parents[2].parent / "shared" / "data" / "byra_liver_us_full"
COLUMNS = {"path": "file", "label": "label", "patient_id": "patient_id", "frame": "frame"}
COLUMNS |= {"grade": None, "mask_path": None, "group_id": None}


@pytest.fixture
def real(predict):
    return predict({0: 17, 1: 38}, seeds=2).assign(round=0)


@pytest.fixture
def manifest(real):
    once = real[real["seed"] == 0]
    return once[["image_id", "patient_id", "label"]].assign(ratio=1 + once["p1"], row=range(len(once))).reset_index(drop=True)


def of(settings, real, manifest, *names, **blocks):
    params = settings(dataset={"baselines": list(names)}, **blocks)
    return compare({"real": real, "class": real}, params, manifest).summary


def test_a_baseline_that_ranks_as_the_classifier_does_has_its_figures_and_no_spread_over_seeds(settings, real, manifest):
    alone = real[real["seed"] == 0]
    summary = of(settings, alone, manifest, "ratio")
    found, expected = summary["baselines"]["ratio"], summary["scenarios"]["real"]
    assert list(found) == ["auc_image", "auc_patient", "versus_real", "versus_real_patient"]
    for level, versus in (("auc_image", "versus_real"), ("auc_patient", "versus_real_patient")):
        assert found[level]["mean"] == pytest.approx(expected[level]["mean"])
        assert found[level]["ci95"] == pytest.approx(expected[level]["ci95"])
        assert found[level]["sd"] is None
        assert found[versus] == {"difference": pytest.approx(0, abs=1e-12), "ci95": pytest.approx([0, 0], abs=1e-12)}


def test_the_difference_is_baseline_less_the_mean_over_seeds_on_real_images(settings, real, manifest):
    summary = of(settings, real, manifest, "row", "ratio")
    assert list(summary["baselines"]) == ["row", "ratio"]
    row = summary["baselines"]["row"]  # ascending with the label: it ranks without an error
    assert row["auc_image"] == {"mean": 1.0, "sd": None, "ci95": [1.0, 1.0]}
    for level, versus in (("auc_image", "versus_real"), ("auc_patient", "versus_real_patient")):
        of_real = summary["scenarios"]["real"][level]
        assert row[versus]["difference"] == pytest.approx(1 - of_real["mean"])
        assert row[versus]["ci95"] == pytest.approx([1 - bound for bound in of_real["ci95"][::-1]])


def test_the_order_of_the_manifest_does_not_matter(settings, real, manifest):
    shuffled = manifest.sample(frac=1, random_state=0)
    assert of(settings, real, shuffled, "ratio")["baselines"] == of(settings, real, manifest, "ratio")["baselines"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda m: m.drop(columns="ratio"),
            "missing column 'ratio', which dataset.baselines names; it has image_id, patient_id",
        ),
        (lambda m: m.assign(ratio=m["ratio"].where(m.index != 4)), "row 6, image '0-1-1', has nothing in 'ratio'"),
        (lambda m: m.assign(ratio=m["ratio"].astype(object).where(m.index != 4, "n/a")), "row 6, .* has 'n/a' in 'ratio'"),
        (lambda m: m.assign(ratio=np.inf), "row 2, image '0-0-0', has .*inf.* in 'ratio'"),
        (lambda m: m.drop(index=4), "has no image '0-1-1', which `real` predicts"),
    ],
    ids=["no column", "an empty cell", "a word", "infinite", "an image missing"],
)
def test_a_column_that_cannot_be_judged_is_named_with_file_and_row(settings, real, manifest, change, message):
    with pytest.raises(InputError, match=f"data/crops/manifest.csv: {message}"):
        of(settings, real, change(manifest), "ratio")


def test_one_score_is_refused_where_there_are_three_classes(settings, predict, manifest):
    real = predict({0: 6, 1: 8, 2: 7}).assign(round=0)
    labels = {"labels": ["a", "b", "c"], "baselines": ["ratio"]}
    params = settings(dataset=labels, turing={"real": [1, 1, 1], "synthetic": [1, 1, 1]})
    with pytest.raises(InputError, match=r"dataset.baselines: 'ratio' is one score, .*dataset.labels has 3"):
        compare({"real": real}, params, manifest)


@pytest.fixture
def hepatorenal():
    """The fatty-liver set's manifest, as predictions of a classifier that knows nothing, with the index beside it."""
    if not BYRA.exists():
        pytest.skip("the fatty-liver set is not beside this checkout")
    rows = pd.read_csv(BYRA / "manifest.csv")
    manifest = rows.assign(image_id=rows["file"], label=rows["label_id"])
    return manifest, manifest[["image_id", "patient_id", "label"]].assign(
        backbone="net", mixing_rate=0.0, seed=0, fold=0, round=0, p0=0.5, p1=0.5
    )


def test_the_hepatorenal_index_reaches_0_961_by_image_and_0_977_by_patient(settings, hepatorenal):
    manifest, real = hepatorenal
    summary = of(settings, real, manifest, "hi")
    index = summary["baselines"]["hi"]
    assert round(index["auc_image"]["mean"], 3) == 0.961
    assert round(index["auc_patient"]["mean"], 3) == 0.977
    assert index["versus_real"]["difference"] == pytest.approx(index["auc_image"]["mean"] - 0.5)
    low, high = index["auc_patient"]["ci95"]
    assert 0.9 < low < 0.977 < high <= 1


def test_a_column_of_numbers_rides_along_to_the_crops_manifest(tmp_path, settings):
    if not BYRA.exists():
        pytest.skip("the fatty-liver set is not beside this checkout")
    (tmp_path / "images").symlink_to(BYRA / "images")
    pd.read_csv(BYRA / "manifest.csv", dtype=str).iloc[[0, 1, 300]].to_csv(tmp_path / "manifest.csv", index=False)
    base = settings()
    dataset = Dataset(**base.dataset.model_dump() | {"kind": "table", "path": str(tmp_path), "columns": COLUMNS})
    source = read_source(dataset)
    scans = check_images(source, build_manifest(source, dataset), lambda items, _: items)
    write_scans(source, scans, tmp_path / "scans", lambda items, _: items)
    (tmp_path / "crops").mkdir()
    write_crops(
        tmp_path / "scans", read_manifest(tmp_path / "scans"), tmp_path / "crops", base.preprocess, 5, lambda items, _: items
    )
    crops = read_manifest(tmp_path / "crops")
    expected = pd.read_csv(BYRA / "manifest.csv")["hi"].iloc[[0, 1, 300]]
    assert crops["hi"].to_numpy() == pytest.approx(expected.to_numpy())
