"""The phantom: what it looks like, how it varies, what its classes mean."""

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage
from sklearn.metrics import roc_auc_score

from synthtrace.errors import InputError
from synthtrace.images import read_image
from synthtrace.params import Columns, Dataset, Simulate
from synthtrace.preprocess.region import region_of_interest
from synthtrace.scans import read_source
from synthtrace.scans.anatomy import draw_fat_percent
from synthtrace.scans.bmode import FLOOR, HEIGHT, WIDTH, Sector, echo_intensity, scatterers
from synthtrace.scans.manifest import build_manifest
from synthtrace.scans.phantom import SECTOR, STUDY, UNLABELLED, simulate_patient, write_study, write_unlabelled
from synthtrace.seeds import Seeds

SIMULATE = Simulate(patients=5, frames=2, prevalence=0.6, unlabelled_patients=2, unlabelled_frames=1)
LABELS = ["healthy", "nafld"]


def silent(items, _):
    return items


@pytest.fixture(scope="module")
def frames() -> list[np.ndarray]:
    return simulate_patient(Seeds(1), "P00", 30.0, 3)[0]


def test_a_frame_is_an_8_bit_grey_sector_on_black(frames: list[np.ndarray]) -> None:
    for frame in frames:
        assert frame.shape == (434, 636) == (HEIGHT, WIDTH)
        assert frame.dtype == np.uint8
        assert frame[SECTOR.mask].min() >= FLOOR
        assert (frame[~SECTOR.mask] == 0).mean() > 0.95
        assert 60 < np.median(frame[SECTOR.mask]) < 120


def test_annotations_do_not_touch_the_sector(frames: list[np.ndarray]) -> None:
    parts, number = ndimage.label(frames[0] > 0, structure=np.ones((3, 3)))
    assert number > 15  # text, ticks, grey bar, trace
    assert np.array_equal(parts == parts[200, 318], SECTOR.mask)


def test_the_region_of_interest_is_the_sector(frames: list[np.ndarray]) -> None:
    rows, columns = np.flatnonzero(SECTOR.mask.any(axis=1)), np.flatnonzero(SECTOR.mask.any(axis=0))
    assert region_of_interest(frames[0]).shape == (rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(frames: list[np.ndarray]) -> None:
    again, _ = simulate_patient(Seeds(1), "P00", 30.0, 3)
    other, _ = simulate_patient(Seeds(2), "P00", 30.0, 1)
    assert all(np.array_equal(a, b) for a, b in zip(frames, again, strict=True))
    assert not np.array_equal(frames[0], other[0])


def test_more_frames_leave_the_first_ones_as_they_were(frames: list[np.ndarray]) -> None:
    assert np.array_equal(simulate_patient(Seeds(1), "P00", 30.0, 1)[0][0], frames[0])


def test_consecutive_frames_are_correlated_but_no_copies(frames: list[np.ndarray]) -> None:
    other = simulate_patient(Seeds(1), "P01", 30.0, 1)[0][0]
    fine = [frame - ndimage.gaussian_filter(frame.astype(float), 6) for frame in (*frames, other)]
    speckle = np.corrcoef([image[100:330, 200:420].ravel() for image in fine])
    assert 0.5 < speckle[0, 1] < 0.95
    assert speckle[0, 2] < speckle[0, 1]
    assert abs(speckle[0, 3]) < 0.2


def test_speckle_is_fully_developed() -> None:
    field = scatterers(np.random.default_rng(0), SECTOR.depth)
    amplitude = np.sqrt(echo_intensity(field, np.zeros(field.shape[1:]), 0.7, 1.8))
    assert (amplitude**2).mean() == pytest.approx(1, abs=0.05)
    assert amplitude.mean() / amplitude.std() == pytest.approx(1.913, abs=0.05)  # of a Rayleigh distribution


def test_speckle_widens_with_depth() -> None:
    sector = Sector()
    field = scatterers(np.random.default_rng(0), sector.depth)
    frame = sector.scan_convert(60 * np.sqrt(echo_intensity(field, np.zeros(field.shape[1:]), 0.7, 1.8))).astype(float)

    def correlation(row: int) -> float:  # with the pixel four to the side
        patch = frame[row : row + 60, 278:358]
        return float(np.corrcoef(patch[:, :-4].ravel(), patch[:, 4:].ravel())[0, 1])

    assert correlation(290) > correlation(180) + 0.1 > correlation(70) + 0.2


def test_fat_brightens_the_liver_and_darkens_the_depth() -> None:
    """The same patients, lean and fat: only the latent percentage differs."""
    index, fall = [], []
    for number in range(4):
        lean, fat = (simulate_patient(Seeds(3), f"P{number}", percent, 1) for percent in (2.0, 70.0))
        index.append(fat[1][0] / lean[1][0])
        ratio = [image[0][280:340, 300:400].mean() / image[0][90:130, 280:360].mean() for image, _ in (lean, fat)]
        fall.append(ratio[1] / ratio[0])
    assert min(index) > 1.1
    assert np.mean(fall) < 0.9


def test_fat_blurs_the_vessels() -> None:
    def vessel_contrast(percent: float) -> float:
        frame = simulate_patient(Seeds(4), "P2", percent, 1)[0][0]
        smooth = ndimage.gaussian_filter(frame.astype(float), 2.5)
        detail = smooth - ndimage.gaussian_filter(smooth, 12)
        return float(detail[100:260, 300:430].min())

    assert vessel_contrast(1.0) < vessel_contrast(80.0) < 0


def test_fat_percentages_lie_in_their_class() -> None:
    rng = np.random.default_rng(0)
    healthy = [draw_fat_percent(rng, False) for _ in range(200)]
    fatty = [draw_fat_percent(rng, True) for _ in range(200)]
    assert 0 <= min(healthy) < max(healthy) < 5 <= min(fatty) < max(fatty) <= 85


def test_classes_overlap_but_can_be_told_apart() -> None:
    """The hepatorenal index, one frame a patient: informative, and far from perfect."""
    scores = []
    for number in range(40):
        percent = draw_fat_percent(np.random.default_rng(number), number % 2 == 1)
        scores.append(simulate_patient(Seeds(5), f"P{number}", percent, 1)[1][0])
    assert 0.75 < roc_auc_score(np.arange(40) % 2, scores) < 0.99


def test_the_study_and_the_unlabelled_corpus_share_no_patient(tmp_path: Path) -> None:
    study = write_study(tmp_path / "study", Seeds(1), SIMULATE, LABELS, silent)
    unlabelled = write_unlabelled(tmp_path / "unlabelled", Seeds(1), SIMULATE, silent)
    assert study.columns.tolist() == STUDY
    assert unlabelled.columns.tolist() == UNLABELLED
    assert study.groupby("patient_id")["label"].first().tolist().count("nafld") == 3
    assert (study["label"] == "nafld").equals(study["fat_percent"] >= 5)
    assert not set(study["patient_id"]) & set(unlabelled["patient_id"])
    for folder, table in (("study", study), ("unlabelled", unlabelled)):
        assert all(read_image(tmp_path / folder / path).shape == (434, 636) for path in table["path"])


def test_the_study_is_read_back_as_a_source(tmp_path: Path) -> None:
    study = write_study(tmp_path, Seeds(1), SIMULATE, LABELS, silent)
    columns = Columns(**(dict.fromkeys(Columns.model_fields) | {"path": "file", "label": "class"}))  # not the phantom's
    dataset = Dataset(kind="phantom", path=str(tmp_path), labels=LABELS, patient_ids="manifest", columns=columns, baselines=[])
    manifest = build_manifest(read_source(dataset), dataset)
    assert manifest["label_name"].tolist() == study["label"].tolist()
    assert manifest["source"].unique().tolist() == ["phantom"]
    assert manifest["hi"].astype(float).tolist() == study["hi"].tolist()


def test_a_phantom_of_three_classes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"dataset\.labels: the phantom has two classes"):
        write_study(tmp_path, Seeds(1), SIMULATE, ["a", "b", "c"], silent)
    assert not any(tmp_path.iterdir())
