"""A folder of images becomes one manifest, or one clear error."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synthtrace.errors import InputError
from synthtrace.images import pixel_hash, read_image, write_image
from synthtrace.params import Columns, Dataset
from synthtrace.scans import read_source
from synthtrace.scans.manifest import build_manifest, check_images, write_scans
from synthtrace.tables import read_manifest

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
COLUMNS = {"path": "file", "label": "label", "patient_id": "patient", "frame": "frame"}


def dataset(path: Path, patient_ids: str = "manifest", labels: tuple[str, ...] = ("healthy", "nafld"), **columns) -> Dataset:
    mapped = dict.fromkeys(Columns.model_fields) | COLUMNS | columns
    named = {"labels": list(labels), "patient_ids": patient_ids, "columns": Columns(**mapped), "baselines": []}
    return Dataset(kind="table", path=str(path), **named)


def ingest(data: Dataset, folder: Path) -> pd.DataFrame:
    source = read_source(data)
    manifest = check_images(source, build_manifest(source, data), lambda items, _: items)
    write_scans(source, manifest, folder, lambda items, _: items)
    return read_manifest(folder)


def image(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 255, (12, 16), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two patients of two frames each, with a column of their own (`probe`)."""
    root = tmp_path / "my scans"
    root.mkdir()
    rows = []
    for patient, label in (("007", "healthy"), ("8/a", "nafld")):
        for frame in range(2):
            file = f"{label}_{frame}.png"
            write_image(root / file, image(len(rows)))
            rows.append({"file": file, "label": label, "patient": patient, "frame": frame, "probe": "C5-1", "source": "ward 3"})
    pd.DataFrame(rows).to_csv(root / "manifest.csv", index=False)
    return root


def edit(folder: Path, change) -> None:
    table = pd.read_csv(folder / "manifest.csv", dtype=str)
    change(table).to_csv(folder / "manifest.csv", index=False)


def set_cell(row: int, column: str, value: str | None):
    def change(table: pd.DataFrame) -> pd.DataFrame:
        table.loc[row, column] = value
        return table

    return change


def test_rows_become_the_manifest_and_pixels_are_kept(folder: Path, tmp_path: Path) -> None:
    manifest = ingest(dataset(folder), tmp_path / "scans")
    assert manifest["patient_id"].tolist() == ["007", "007", "8/a", "8/a"]
    assert manifest["label"].tolist() == [0, 0, 1, 1]
    assert manifest["label_name"].tolist() == ["healthy", "healthy", "nafld", "nafld"]
    assert manifest["frame"].tolist() == [0, 1, 0, 1]
    assert manifest["source"].unique().tolist() == ["my_scans"]
    for row in range(4):
        pixels = read_image(tmp_path / "scans" / manifest["path"][row])
        assert np.array_equal(pixels, image(row))
        assert manifest["pixel_hash"][row] == pixel_hash(pixels)
    files = sorted(path.relative_to(tmp_path / "scans").as_posix() for path in (tmp_path / "scans").rglob("*.png"))
    assert files == sorted(manifest["path"])


def test_unmapped_columns_ride_along_and_never_shadow_ours(folder: Path, tmp_path: Path) -> None:
    manifest = ingest(dataset(folder), tmp_path / "scans")
    assert manifest["probe"].tolist() == ["C5-1"] * 4
    assert manifest["original_source"].tolist() == ["ward 3"] * 4
    assert manifest["original_path"].tolist()[0] == "healthy_0.png"


def test_image_ids_are_unique_safe_and_repeatable(folder: Path) -> None:
    first, second = (build_manifest(read_source(dataset(folder)), dataset(folder)) for _ in range(2))
    assert first["image_id"].is_unique
    assert first["image_id"].str.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*").all()
    assert first["image_id"].tolist() == second["image_id"].tolist()


def test_ids_that_look_alike_in_a_file_name_stay_apart(folder: Path) -> None:
    for row in (0, 1):
        edit(folder, set_cell(row, "patient", "8_a"))
    manifest = build_manifest(read_source(dataset(folder)), dataset(folder))
    assert manifest["image_id"].is_unique


def test_labels_may_be_integers(folder: Path, tmp_path: Path) -> None:
    edit(folder, lambda table: table.assign(label=["0", "0", "1", "1"]))
    assert ingest(dataset(folder), tmp_path / "scans")["label_name"].tolist() == ["healthy", "healthy", "nafld", "nafld"]


def test_without_a_frame_column_frames_follow_the_rows_of_a_patient(folder: Path, tmp_path: Path) -> None:
    assert ingest(dataset(folder, frame=None), tmp_path / "scans")["frame"].tolist() == [0, 1, 0, 1]


def test_without_patient_ids_a_patient_is_the_group_or_the_image(folder: Path, tmp_path: Path) -> None:
    edit(folder, lambda table: table.assign(twin=["G1", "G1", None, None]))
    manifest = ingest(dataset(folder, "none", patient_id=None, group_id="twin"), tmp_path / "scans")
    assert manifest["patient_id"].tolist() == ["G1", "G1", *manifest["image_id"][2:]]


def test_masks_are_copied_and_rewritten(folder: Path, tmp_path: Path) -> None:
    (folder / "masks").mkdir()
    mask = np.where(image(9) > 128, np.uint8(255), np.uint8(0))
    write_image(folder / "masks" / "m.png", mask)
    edit(folder, lambda table: table.assign(mask=["masks/m.png", None, None, None]))
    manifest = ingest(dataset(folder, mask_path="mask"), tmp_path / "scans")
    assert manifest["mask_path"][0] == f"masks/{manifest['image_id'][0]}.png"
    assert manifest["mask_path"].isna().tolist() == [False, True, True, True]
    assert np.array_equal(read_image(tmp_path / "scans" / manifest["mask_path"][0]), mask)


def test_a_folder_a_class_needs_no_manifest(tmp_path: Path) -> None:
    for number, name in enumerate(("nafld/a.png", "healthy/b/c.PNG", "nafld/d.png")):
        (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        write_image(tmp_path / "set" / name, image(number))
    manifest = ingest(dataset(tmp_path / "set", "none"), tmp_path / "scans")
    assert manifest["original_path"].tolist() == ["healthy/b/c.PNG", "nafld/a.png", "nafld/d.png"]
    assert manifest["label"].tolist() == [0, 1, 1]
    assert manifest["patient_id"].tolist() == manifest["image_id"].tolist()


def truncate(folder: Path) -> None:
    file = folder / "nafld_0.png"
    file.write_bytes(file.read_bytes()[:100])


BAD_INPUT = {
    "truncated image": (truncate, {}, ["nafld_0.png", "not a readable image"]),
    "empty image": (lambda f: (f / "nafld_0.png").write_bytes(b""), {}, ["nafld_0.png", "not a readable image"]),
    "row without a file": (lambda f: (f / "nafld_0.png").unlink(), {}, ["manifest.csv", "row 4", "nafld_0.png"]),
    "row without a path": (lambda f: edit(f, set_cell(1, "file", None)), {}, ["manifest.csv", "row 3", "names no image"]),
    "path outside": (lambda f: edit(f, set_cell(0, "file", "../x.png")), {}, ["manifest.csv", "row 2", "../x.png"]),
    "missing column": (lambda f: None, {"group_id": "twin"}, ["manifest.csv", "'twin'", "dataset.columns.group_id"]),
    "unknown label": (lambda f: edit(f, set_cell(2, "label", "naflt")), {}, ["row 4", "'naflt'", "healthy, nafld"]),
    "label out of range": (lambda f: edit(f, set_cell(2, "label", "2")), {}, ["row 4", "'2'"]),
    "patient with two labels": (
        lambda f: edit(f, set_cell(1, "label", "nafld")),
        {},
        ["patient '007'", "two labels", "row 2", "row 3"],
    ),
    "patient without id": (lambda f: edit(f, set_cell(3, "patient", None)), {}, ["row 5", "no patient id"]),
    "duplicate path": (lambda f: edit(f, set_cell(1, "file", "healthy_0.png")), {}, ["row 3", "healthy_0.png", "second time"]),
    "frame that is no integer": (lambda f: edit(f, set_cell(1, "frame", "F1")), {}, ["row 3", "'F1'"]),
    "no rows": (lambda f: edit(f, lambda table: table[:0]), {}, ["manifest.csv", "empty"]),
    "empty manifest": (lambda f: (f / "manifest.csv").write_text(""), {}, ["manifest.csv", "not a readable CSV"]),
    "no patient ids": (lambda f: None, {"patient_id": None}, ["dataset.patient_ids"]),
}


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_named_before_anything_is_written(folder: Path, tmp_path: Path, case: str) -> None:
    damage, columns, words = BAD_INPUT[case]
    (folder.parent / "x.png").write_bytes((folder / "healthy_0.png").read_bytes())
    damage(folder)
    with pytest.raises(InputError) as error:
        ingest(dataset(folder, **columns), tmp_path / "scans")
    message = str(error.value)
    assert all(word in message for word in words), message
    assert "\n" not in message
    assert not (tmp_path / "scans").exists()


def test_two_labels_are_no_error_where_patient_ids_do_not_count(folder: Path, tmp_path: Path) -> None:
    edit(folder, set_cell(1, "label", "nafld"))
    assert len(ingest(dataset(folder, "none"), tmp_path / "scans")) == 4


def test_a_missing_path_and_an_empty_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"dataset\.path: .*nowhere does not exist"):
        read_source(dataset(tmp_path / "nowhere"))
    (tmp_path / "bare").mkdir()
    with pytest.raises(InputError, match="bare: the data set is empty"):
        ingest(dataset(tmp_path / "bare", "none"), tmp_path / "scans")


def test_a_mask_of_another_size_is_named(folder: Path, tmp_path: Path) -> None:
    write_image(folder / "m.png", np.zeros((5, 5), dtype=np.uint8))
    edit(folder, set_cell(2, "mask", "m.png"))
    with pytest.raises(InputError, match=r"mask of row 4 has size \(5, 5\)"):
        ingest(dataset(folder, mask_path="mask"), tmp_path / "scans")


def real(name: str) -> Path:
    if not (SHARED / name).is_dir():
        pytest.skip(f"the real set {name} is not beside this repository")
    return SHARED / name


def test_the_real_liver_set_is_read() -> None:
    data = dataset(real("byra_liver_us_full"), patient_id="patient_id")
    manifest = build_manifest(read_source(data), data)
    assert manifest["label_name"].value_counts().to_dict() == {"nafld": 380, "healthy": 170}
    assert manifest["patient_id"].nunique() == 55
    assert manifest["image_id"].is_unique
    assert "hi" in manifest
    assert read_source(data).image(0).shape == (434, 636)


def test_the_real_breast_set_is_read_with_its_masks() -> None:
    labels = ("normal", "benign", "malignant")
    columns = {"patient_id": None, "frame": None, "mask_path": "mask_file", "group_id": "near_dup_group"}
    data = dataset(real("busi_256"), "none", labels, **columns)
    source = read_source(data)
    manifest = build_manifest(source, data)
    assert manifest["label"].value_counts().to_dict() == {0: 56, 1: 175, 2: 85}
    assert manifest["patient_id"].tolist() == manifest["group_id"].tolist()
    assert source.mask is not None
    assert source.mask(0).shape == source.image(0).shape


def test_the_real_pathology_set_is_read_in_colour() -> None:
    data = dataset(real("pcam_96_subset"), "none", ("normal", "tumor"), patient_id=None, frame=None)
    source = read_source(data)
    manifest = build_manifest(source, data)
    assert manifest["label"].value_counts().to_dict() == {0: 1400, 1: 1400}
    assert source.image(0).shape == (96, 96, 3)
