"""Masks become part of the manifest, or one clear error."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from synthtrace.errors import InputError
from synthtrace.images import pixel_hash, read_image, write_image
from synthtrace.params import Columns, Dataset
from synthtrace.params.masks import Masks
from synthtrace.preprocess.pairs import squashed_mask
from synthtrace.scans import read_source
from synthtrace.scans.manifest import build_manifest, check_images, write_scans
from synthtrace.scans.masks import binary_masks, check_masks
from synthtrace.tables import read_manifest

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
SIZE = (12, 16)
COLUMNS = {"path": "file", "label": "centre", "mask_path": "mask", "group_id": "centre"}


def dataset(path: Path, labels: tuple[str, ...] = ("C1", "C2"), /, **columns: str | None) -> Dataset:
    mapped = Columns(**dict.fromkeys(Columns.model_fields) | COLUMNS | columns)
    named = {"labels": list(labels), "patient_ids": "none", "columns": mapped, "baselines": []}
    return Dataset(kind="table", path=str(path), **named)


def at_once(items, _):
    return items


def checked(data: Dataset) -> tuple:
    source = binary_masks(read_source(data))
    return source, check_masks(source, check_images(source, build_manifest(source, data), at_once), at_once)


def ingest(data: Dataset, folder: Path) -> pd.DataFrame:
    source, manifest = checked(data)
    write_scans(source, manifest, folder, at_once)
    return read_manifest(folder)


def blob(rows: int, high: int = 255) -> np.ndarray:
    mask = np.zeros(SIZE, np.uint8)
    mask[:rows, :8] = high
    return mask


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two centres of two images, both numbered from 0; the last shows no lesion, the third's mask is 0 and 1."""
    root = tmp_path / "set"
    rows = []
    for number, place in enumerate(("C1/0", "C1/1", "C2/0", "C2/1")):
        image, mask = f"images/{place}.png", f"masks/{place}_mask.png"
        for path in (image, mask):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
        write_image(root / image, np.random.default_rng(number).integers(1, 255, (*SIZE, 3), dtype=np.uint8))
        write_image(root / mask, blob((3, 6, 12, 0)[number], 1 if number == 2 else 255))
        rows.append({"file": image, "mask": mask, "centre": place[:2], "mask_area": "big"})
    pd.DataFrame(rows).to_csv(root / "manifest.csv", index=False)
    return root


def set_mask(folder: Path, row: int, value: str | None) -> None:
    table = pd.read_csv(folder / "manifest.csv", dtype=str)
    table.loc[row, "mask"] = value
    table.to_csv(folder / "manifest.csv", index=False)


def test_masks_of_0_and_255_or_of_0_and_1_are_written_as_0_and_255(folder: Path, tmp_path: Path) -> None:
    manifest = ingest(dataset(folder), tmp_path / "scans")
    assert manifest["mask_area"].tolist() == [3 / 24, 6 / 24, 12 / 24, 0]
    assert manifest["original_mask_area"].tolist() == ["big"] * 4
    for row, rows in enumerate((3, 6, 12, 0)):
        mask = read_image(tmp_path / "scans" / manifest["mask_path"][row])
        assert np.array_equal(mask, blob(rows))
        assert manifest["mask_hash"][row] == pixel_hash(mask)


def test_one_bit_masks_are_taken(folder: Path, tmp_path: Path) -> None:
    Image.fromarray(blob(3)).convert("1").save(folder / "masks/C1/0_mask.png")
    assert ingest(dataset(folder), tmp_path / "scans")["mask_area"][0] == 3 / 24


def three_values(folder: Path) -> None:
    mask = blob(3)
    mask[8, :4] = [128, 7, 9, 11]
    write_image(folder / "masks/C1/1_mask.png", mask)


def soft_edges(folder: Path) -> None:
    """As JPEG leaves them."""
    write_image(folder / "masks/C1/1_mask.png", np.arange(192, dtype=np.uint8).reshape(SIZE))


def another_pair_of_values(folder: Path) -> None:
    write_image(folder / "masks/C1/1_mask.png", blob(3, 200))


def one_of_each_pair(folder: Path) -> None:
    write_image(folder / "masks/C1/1_mask.png", np.where(blob(3) > 0, np.uint8(255), np.uint8(1)))


def another_size(folder: Path) -> None:
    write_image(folder / "masks/C1/1_mask.png", np.zeros((16, 12), np.uint8))


def copied_to(name: str):
    def change(folder: Path) -> None:
        (folder / name).write_bytes((folder / "masks/C1/1_mask.png").read_bytes())
        set_mask(folder, 1, name)

    return change


def swapped(folder: Path) -> None:
    set_mask(folder, 0, "masks/C1/1_mask.png")
    set_mask(folder, 1, "masks/C1/0_mask.png")


def broken(folder: Path) -> None:
    (folder / "masks/C1/1_mask.png").write_bytes(b"\x89PNG")


BAD_INPUT = {
    "another size": (another_size, ["row 3", "(16, 12)", "(12, 16)"]),
    "three values": (three_values, ["row 3", "masks/C1/1_mask.png", "0, 7, 9, 11, 128, ...", "0 and 255"]),
    "soft edges": (soft_edges, ["row 3", "masks/C1/1_mask.png", "0, 1, 2, 3, 4, ..."]),
    "another pair of values": (another_pair_of_values, ["row 3", "masks/C1/1_mask.png", "0, 200;"]),
    "1 and 255": (one_of_each_pair, ["row 3", "masks/C1/1_mask.png", "1, 255;"]),
    "no file": (lambda folder: (folder / "masks/C1/1_mask.png").unlink(), ["row 3", "masks/C1/1_mask.png", "no such file"]),
    "no mask in a row": (lambda folder: set_mask(folder, 1, None), ["row 3", "names no mask", "all black"]),
    "not readable": (broken, ["1_mask.png", "not a readable image"]),
    "another row's mask": (lambda folder: set_mask(folder, 1, "masks/C1/0_mask.png"), ["row 3", "0_mask.png", "row 2"]),
    "its own image": (lambda folder: set_mask(folder, 1, "images/C1/1.png"), ["row 3", "which is the image of row 3"]),
    "another image": (lambda folder: set_mask(folder, 1, "images/C2/1.png"), ["row 3", "which is the image of row 5"]),
    "two rows swapped": (swapped, ["row 2", "'masks/C1/1_mask.png'", "by its name it is that of 'images/C1/1.png'"]),
    "named for another": (copied_to("masks/C1/mask-0.png"), ["row 3", "'masks/C1/mask-0.png'", "'images/C1/0.png'"]),
    "of another folder": (copied_to("masks/C2/1_b.png"), ["row 3", "'masks/C2/1_b.png'", "'images/C2/1.png'"]),
}


@pytest.mark.parametrize("case", BAD_INPUT)
def test_a_bad_mask_is_named_before_anything_is_written(folder: Path, tmp_path: Path, case: str) -> None:
    damage, words = BAD_INPUT[case]
    damage(folder)
    with pytest.raises(InputError) as error:
        ingest(dataset(folder), tmp_path / "scans")
    message = str(error.value)
    assert all(word in message for word in ["set", *words]), message
    assert "\n" not in message
    assert not (tmp_path / "scans").exists()


def test_a_data_set_without_masks_is_named(folder: Path) -> None:
    with pytest.raises(InputError, match=r"manifest\.csv: the data set has no masks; .* dataset\.columns\.mask_path"):
        checked(dataset(folder, mask_path=None))


@pytest.mark.parametrize("name", ["masks/a.png", "masks/1_mask_0.png", "masks/11.png", "masks/C2/m.png", "masks/x1.png"])
def test_names_that_tell_nothing_or_tell_the_own_image_pass(folder: Path, name: str) -> None:
    copied_to(name)(folder)
    assert len(checked(dataset(folder))[1]) == 4


def real(name: str) -> Path:
    if not (SHARED / name).is_dir():
        pytest.skip(f"the real set {name} is not beside this repository")
    return SHARED / name


REAL = {"path": "file", "mask_path": "mask_file"}


def all_legal(source, manifest: pd.DataFrame) -> bool:
    """As they came, and squashed to 64 x 64."""
    legal = Masks(empty=True, least_area=0.0005, most_area=0.8)
    squashed = [(squashed_mask(source.mask(row), 64) > 0).mean() for row in range(len(manifest))]
    lost = (np.array(squashed) == 0) & (manifest["mask_area"] > 0)
    return all(map(legal.allows, [*manifest["mask_area"], *squashed])) and not lost.any()


def test_the_real_polyp_set_is_read_by_centre() -> None:
    labels = ("C1", "C2", "C3", "C4", "C5")
    source, manifest = checked(dataset(real("polypgen_c1_c5_512"), labels, **REAL))
    assert manifest["label_name"].value_counts().to_dict() == dict.fromkeys(labels, 25)
    assert manifest["group_id"].tolist() == manifest["patient_id"].tolist() == manifest["label_name"].tolist()
    assert (manifest["mask_area"] == 0).sum() == 10
    assert (manifest["mask_area"] - manifest["mask_area_frac"].astype(float)).abs().max() < 0.001
    assert all_legal(source, manifest)


def test_the_real_breast_set_is_another_data_set_and_nothing_else() -> None:
    columns = REAL | {"label": "label", "group_id": "near_dup_group"}
    source, manifest = checked(dataset(real("busi_256"), ("normal", "benign", "malignant"), **columns))
    assert (manifest["mask_area"] == 0).tolist() == (manifest["label_name"] == "normal").tolist()
    assert (manifest["mask_area"] - manifest["mask_area_frac"].astype(float)).abs().max() < 0.001
    assert all_legal(source, manifest)
