"""`phantom`: a seeded B-mode phantom of liver and kidney, so that everything runs without a download.

Physics of a fatty liver: it echoes more than the kidney cortex, attenuates with depth, and blurs the borders of vessels and the
diaphragm (Byra et al., IJCARS 13, 2018; paper 0). A latent fat percentage drives all three; patient and scanner vary besides.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from synthtrace.errors import InputError
from synthtrace.images import write_image
from synthtrace.params import Columns, Dataset, Simulate
from synthtrace.scans.anatomy import Patient, cortex_and_liver, draw_fat_percent, draw_patient, echogenicity
from synthtrace.scans.annotations import draw_annotations
from synthtrace.scans.bmode import Sector, echo_intensity, log_compress, scatterers
from synthtrace.scans.manifest import Source
from synthtrace.scans.steatosis import steatosis_grade
from synthtrace.scans.table import existing_path, read_table
from synthtrace.seeds import Seeds

COLUMNS = Columns(
    path="path", label="label", patient_id="patient_id", frame="frame", grade="grade", mask_path=None, group_id=None
)
STUDY = ["path", "patient_id", "frame", "label", "grade", "fat_percent", "hi"]
UNLABELLED = ["path", "patient_id", "frame"]

SECTOR = Sector()
BOX = 10  # half the side, in pixels, of the boxes that the hepatorenal index is measured in
FRAME_CORRELATION = 0.9  # of the scatterers in consecutive frames

Progress = Callable[[Iterable[int], str], Iterable[int]]


def read(dataset: Dataset) -> Source:
    """The study's phantom scans as `simulate` wrote them."""
    folder = existing_path(dataset)
    if not (folder / "manifest.csv").exists():
        raise InputError(f"{folder / 'manifest.csv'}: no such file; expected the output of `simulate`")
    return read_table(folder, COLUMNS, "phantom")


def hepatorenal_index(frame: np.ndarray, patient: Patient, shift: tuple[float, float]) -> float:
    """Mean grey of a box in the liver over that of one in the kidney cortex: the classical baseline."""
    means = []
    for lateral, depth in cortex_and_liver(patient):
        row, column = SECTOR.to_pixel(lateral + shift[0], depth + shift[1])
        means.append(float(frame[row - BOX : row + BOX, column - BOX : column + BOX].mean()))
    return means[1] / means[0]


def simulate_patient(seeds: Seeds, patient_id: str, fat_percent: float, frames: int) -> tuple[list[np.ndarray], list[float]]:
    """Consecutive frames of one patient, uint8 (434, 636), and the hepatorenal index of each.

    Organs move with the breath, the probe drifts, and the scatterers of a frame are partly those of the frame before.
    """
    rng = seeds.stream("phantom", patient_id)
    patient = draw_patient(rng, fat_percent)
    annotations = draw_annotations(SECTOR, patient_id, rng)
    annotations[SECTOR.mask] = 0
    lateral, depth = SECTOR.scan_lines
    field = scatterers(rng, SECTOR.depth)
    phase, drift = rng.uniform(0, 6.28), np.zeros(2)
    images, indices = [], []
    for number in range(frames):
        breath = 0.35 * np.sin(phase + 0.45 * number)
        drift = drift + rng.normal(0, 0.05, 2)
        shift = float(drift[0] + 0.5 * breath), float(drift[1] + breath)
        if number:
            fresh = scatterers(rng, SECTOR.depth)
            field = np.float32(FRAME_CORRELATION) * field + np.float32(np.sqrt(1 - FRAME_CORRELATION**2)) * fresh
        echo = echogenicity(patient, lateral, depth, shift)
        decibel = log_compress(echo_intensity(field, echo, patient.axial, patient.lateral))
        frame = SECTOR.scan_convert(patient.gain + (decibel + 2.5) * (255 / patient.dynamic_range)) + annotations
        images.append(frame)
        indices.append(hepatorenal_index(frame, patient, shift))
    return images, indices


def write_study(folder: Path, seeds: Seeds, simulate: Simulate, labels: list[str], progress: Progress) -> pd.DataFrame:
    """Write the study's patients (P00, ...) below `folder`, `round(prevalence * patients)` of them fatty; returns the manifest.

    Raises:
        InputError: `labels` does not name two classes (healthy and fatty).
    """
    if len(labels) != 2:
        raise InputError(f"dataset.labels: the phantom has two classes, healthy and fatty; found {len(labels)} names")
    fatty = np.arange(simulate.patients) < round(simulate.prevalence * simulate.patients)
    fatty = seeds.stream("phantom", "classes").permutation(fatty)
    rows: list[dict[str, Any]] = []
    for number in progress(range(simulate.patients), "simulating"):
        patient_id = f"P{number:02d}"
        fat_percent = draw_fat_percent(seeds.stream("phantom", "fat", patient_id), bool(fatty[number]))
        known = {
            "label": labels[int(fatty[number])],
            "grade": steatosis_grade(fat_percent),
            "fat_percent": round(fat_percent, 1),
        }
        images, indices = simulate_patient(seeds, patient_id, fat_percent, simulate.frames)
        paths = _write_frames(folder, patient_id, images)
        rows += [
            {"path": path, "patient_id": patient_id, "frame": frame, **known, "hi": round(index, 4)}
            for frame, (path, index) in enumerate(zip(paths, indices, strict=True))
        ]
    return write_table(folder, rows, STUDY)


def write_unlabelled(folder: Path, seeds: Seeds, simulate: Simulate, progress: Progress) -> pd.DataFrame:
    """Write other patients (U00, ...) without label or fat percentage below `folder`; returns the manifest."""
    rows: list[dict[str, Any]] = []
    for number in progress(range(simulate.unlabelled_patients), "simulating"):
        patient_id = f"U{number:02d}"
        rng = seeds.stream("phantom", "fat", patient_id)
        fat_percent = draw_fat_percent(rng, bool(rng.random() < simulate.prevalence))
        images, _ = simulate_patient(seeds, patient_id, fat_percent, simulate.unlabelled_frames)
        paths = _write_frames(folder, patient_id, images)
        rows += [{"path": path, "patient_id": patient_id, "frame": frame} for frame, path in enumerate(paths)]
    return write_table(folder, rows, UNLABELLED)


def write_table(folder: Path, rows: list[dict[str, Any]], columns: list[str]) -> pd.DataFrame:
    """Write `manifest.csv` below `folder`; without rows, its header only."""
    folder.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame(rows, columns=columns)
    table.to_csv(folder / "manifest.csv", index=False, lineterminator="\n")
    return table


def _write_frames(folder: Path, patient_id: str, images: list[np.ndarray]) -> list[str]:
    (folder / "images").mkdir(parents=True, exist_ok=True)
    paths = [f"images/{patient_id}_F{frame}.png" for frame in range(len(images))]
    for path, pixels in zip(paths, images, strict=True):
        write_image(folder / path, pixels)
    return paths
