"""The published .mat file, by a file of its structure."""

from pathlib import Path

import numpy as np
import pytest
import scipy.io

from synthtrace.errors import InputError
from synthtrace.params import Columns, Dataset
from synthtrace.scans import read_source
from synthtrace.scans.manifest import build_manifest, check_images

FRAMES, SHAPE = 3, (434, 636)


def dataset(path: Path) -> Dataset:
    columns = Columns(**(dict.fromkeys(Columns.model_fields) | {"path": "path", "label": "label"}))
    return Dataset(
        kind="byra", path=str(path), labels=["healthy", "nafld"], patient_ids="manifest", columns=columns, baselines=[]
    )


def patients(fields=("id", "class", "fat", "images"), images=None) -> np.ndarray:
    """A 1 x 2 struct array: a healthy patient with 3 % fat and a fatty one with 40 %."""
    data = np.empty((1, 2), dtype=[(field, object) for field in fields])
    for number, (label, fat) in enumerate([(0, 3), (1, 40)]):
        frames = np.zeros((FRAMES, *SHAPE), dtype=np.uint8)
        frames[:, 10, :] = np.arange(FRAMES)[:, None] + 100 * number + 1
        values = {"id": number + 1, "class": label, "fat": fat, "images": frames if images is None else images}
        for field in fields:
            data[0, number][field] = values[field]
    return data


def save(path: Path, **content) -> Path:
    scipy.io.savemat(path, content, do_compression=True)
    return path


def test_frames_patients_classes_and_fat_are_read(tmp_path: Path) -> None:
    data = dataset(save(tmp_path / "set.mat", data=patients()))
    source = read_source(data)
    manifest = check_images(source, build_manifest(source, data), lambda items, _: items)
    assert manifest["patient_id"].tolist() == ["1"] * FRAMES + ["2"] * FRAMES
    assert manifest["label_name"].tolist() == ["healthy"] * FRAMES + ["nafld"] * FRAMES
    assert manifest["frame"].tolist() == [*range(FRAMES)] * 2
    assert manifest["fat_percent"].tolist() == [3.0] * FRAMES + [40.0] * FRAMES
    assert manifest["grade"].tolist() == [0] * FRAMES + [2] * FRAMES
    assert manifest["image_id"].is_unique
    assert source.image(4).shape == SHAPE
    assert source.image(4)[10, 0] == 102


def test_a_folder_with_one_mat_file_will_do(tmp_path: Path) -> None:
    save(tmp_path / "set.mat", data=patients())
    assert len(read_source(dataset(tmp_path)).table) == 2 * FRAMES
    save(tmp_path / "second.mat", data=patients())
    with pytest.raises(InputError, match=r"holds 2 \.mat files; expected exactly one"):
        read_source(dataset(tmp_path))


OTHER_STRUCTURES = {
    "no data": ({"frames": patients()}, "missing variable 'data'; it has frames"),
    "no field": ({"data": patients(fields=("id", "class", "images"))}, "'data' has no field 'fat'"),
    "no struct": ({"data": np.zeros((3, 3))}, "'data' has no field 'id'"),
    "transposed": ({"data": patients(images=np.zeros((*SHAPE, 3), np.uint8))}, r"data\(1\)\.images is uint8 \(434, 636, 3\)"),
    "floats": ({"data": patients(images=np.zeros((2, *SHAPE)))}, r"data\(1\)\.images is float64"),
}


@pytest.mark.parametrize("case", OTHER_STRUCTURES)
def test_a_mat_of_another_structure_is_named(tmp_path: Path, case: str) -> None:
    content, message = OTHER_STRUCTURES[case]
    with pytest.raises(InputError, match=message) as error:
        read_source(dataset(save(tmp_path / "set.mat", **content)))
    assert "set.mat" in str(error.value)


@pytest.mark.parametrize("content", [b"", b"not a MATLAB file at all" * 20], ids=["empty", "foreign"])
def test_a_file_that_is_no_mat_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "set.mat").write_bytes(content)
    with pytest.raises(InputError, match=r"set\.mat: not a readable MATLAB file"):
        read_source(dataset(tmp_path / "set.mat"))


def test_a_truncated_mat_is_named(tmp_path: Path) -> None:
    path = save(tmp_path / "set.mat", data=patients())
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(InputError, match=r"set\.mat: not a readable MATLAB file"):
        read_source(dataset(path))


def test_an_hdf5_mat_is_named(tmp_path: Path) -> None:
    header = b"MATLAB 7.3 MAT-file".ljust(124, b" ") + (0x0200).to_bytes(2, "little") + b"IM"
    (tmp_path / "set.mat").write_bytes(header + b"\x89HDF\r\n\x1a\n" + bytes(512))
    with pytest.raises(InputError, match=r"v7\.3 \(HDF5\) file"):
        read_source(dataset(tmp_path / "set.mat"))


def test_a_class_that_is_not_declared_is_named(tmp_path: Path) -> None:
    data = patients()
    data[0, 1]["class"] = 7
    declared = dataset(save(tmp_path / "set.mat", data=data))
    with pytest.raises(InputError, match=r"data\(2\)\.images\(1\) has label '7'"):
        build_manifest(read_source(declared), declared)
