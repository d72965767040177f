"""The phantom's patients: where liver, kidney, vessels and diaphragm lie, and how strongly they echo.

Lengths in cm, lateral positions to the right of the probe, depths below it; echogenicity in dB over the kidney cortex.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

from synthtrace.scans.steatosis import FATTY_FROM

TEXTURE_SIDE, TEXTURE_CM = 160, 24.0


@dataclass(frozen=True)
class Vessel:
    """A dark lumen; the walls of a portal branch are bright."""

    lateral: float
    depth: float
    long: float
    short: float
    angle: float
    portal: bool


@dataclass(frozen=True)
class Patient:
    """One patient's anatomy, and the state of the scanner on the day."""

    fat_percent: float
    liver: float  # echogenicity
    attenuation: float  # dB/cm left after the scanner's depth compensation
    blur: float  # cm by which borders of vessels and diaphragm are smeared
    kidney: tuple[float, float]  # centre
    kidney_axes: tuple[float, float]
    kidney_angle: float
    sinus: float
    wall: float  # thickness of skin, fat and muscle under the probe
    diaphragm: tuple[float, float, float]  # centre and radius
    diaphragm_echo: float
    diaphragm_span: tuple[float, float]  # angle from straight down, and half-width, of the part that is seen
    behind: float  # echogenicity behind the kidney
    shadow: tuple[float, float]  # where a shadow starts, as lateral / depth, and dB
    streaks: np.ndarray  # (4, 3): frequency over the sector's angle, phase, dB
    vessels: tuple[Vessel, ...]
    bend: np.ndarray  # (6, 4): waves that make shapes irregular
    texture: np.ndarray  # (TEXTURE_SIDE, TEXTURE_SIDE), unit variance, some millimetres coarse
    gain: float  # grey level of the kidney cortex
    dynamic_range: float  # dB over the grey scale
    axial: float  # point-spread function: samples
    lateral: float  # point-spread function: scan lines


def draw_fat_percent(rng: np.random.Generator, fatty: bool) -> float:
    """Fat percentage of a biopsy: below 5 for a healthy liver, 5 to 85 with a long tail for a fatty one."""
    if not fatty:
        return float(rng.uniform(0, FATTY_FROM - 0.1))
    return float(FATTY_FROM + 80 * rng.beta(1.3, 1.7))


def draw_patient(rng: np.random.Generator, fat_percent: float) -> Patient:
    """A patient with this fat percentage; everything else varies from patient to patient and hides part of its effect."""
    fat = float(np.sqrt(fat_percent / 85))  # the liver's brightness grows fastest in mild steatosis
    normal, uniform = rng.normal, rng.uniform
    texture = gaussian_filter(rng.standard_normal((TEXTURE_SIDE, TEXTURE_SIDE)), (1.2, 2.0), mode="wrap")
    return Patient(
        fat_percent=fat_percent,
        liver=normal(-1.2, 1.0) + 10.0 * fat,
        attenuation=float(np.clip(normal(-0.02, 0.13) + 0.42 * fat, -0.25, 0.8)),
        blur=0.05 + 0.35 * fat * uniform(0.5, 1.5),
        kidney=(normal(-4.0, 0.6), normal(9.2, 0.8)),
        kidney_axes=(normal(5.0, 0.4), normal(2.4, 0.2)),
        kidney_angle=normal(0.50, 0.15),
        sinus=normal(8.5, 1.5),
        wall=uniform(1.4, 2.6),
        diaphragm=(normal(0.3, 0.8), normal(6.0, 0.8), normal(8.2, 0.6)),
        diaphragm_echo=uniform(5, 17),
        diaphragm_span=(uniform(0.4, 1.1), uniform(0.3, 0.8)),
        behind=normal(7.5, 2.5),
        shadow=(uniform(0.35, 1.1), -uniform(0, 7)),
        streaks=np.column_stack([uniform(2, 14, 4), uniform(0, 6.28, 4), normal(0, 0.5, 4)]),
        vessels=tuple(_draw_vessel(rng) for _ in range(rng.integers(4, 11))),
        bend=np.column_stack([uniform(0.3, 1.3, (6, 2)), uniform(0, 6.28, 6), normal(0, 0.12, 6)]),
        texture=(texture / texture.std()).astype(np.float32),
        gain=normal(64, 5),
        dynamic_range=uniform(42, 54),
        axial=uniform(0.55, 0.8),
        lateral=uniform(1.1, 1.9),
    )


def _draw_vessel(rng: np.random.Generator) -> Vessel:
    short = rng.uniform(0.06, 0.24)
    return Vessel(
        lateral=rng.uniform(-1.0, 5.5),
        depth=rng.uniform(3.5, 11.5),
        long=short * rng.uniform(1.0, 6.0),
        short=short,
        angle=rng.uniform(-1.2, 1.2),
        portal=bool(rng.random() < 0.45),
    )


def _step(distance: np.ndarray, width: float) -> np.ndarray:
    """1 where the distance in cm is well below 0, 0 where it is well above, smooth over `width`."""
    return 1 / (1 + np.exp(np.clip(distance / (0.35 * width), -30, 30)))


def _ellipse(lateral: np.ndarray, depth: np.ndarray, axes: tuple[float, float], angle: float) -> np.ndarray:
    """Elliptic radius (1 on the border) around the origin, its long axis turned down to the right by `angle`."""
    along = lateral * np.cos(angle) + depth * np.sin(angle)
    across = depth * np.cos(angle) - lateral * np.sin(angle)
    return np.hypot(along / axes[0], across / axes[1])


def _wavy(lateral: np.ndarray, depth: np.ndarray, bend: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    waves = [size * np.sin(kx * lateral + kz * depth + phase) for kx, kz, phase, size in bend]
    return lateral + sum(waves[:3]), depth + sum(waves[3:])


def _texture(patient: Patient, lateral: np.ndarray, depth: np.ndarray) -> np.ndarray:
    scale = TEXTURE_SIDE / TEXTURE_CM
    places = [depth * scale, (lateral + TEXTURE_CM / 2) * scale]
    return map_coordinates(patient.texture, places, order=1, mode="grid-wrap")


def cortex_and_liver(patient: Patient) -> tuple[tuple[float, float], tuple[float, float]]:
    """A place in the kidney cortex facing the probe, and one in the liver at the same depth."""
    across = 0.74 * patient.kidney_axes[1]
    along = 0.15 * patient.kidney_axes[0]
    cos, sin = np.cos(patient.kidney_angle), np.sin(patient.kidney_angle)
    cortex = patient.kidney[0] + along * cos + across * sin, patient.kidney[1] + along * sin - across * cos
    return cortex, (cortex[0] + 4.0, cortex[1])


def echogenicity(patient: Patient, lateral: np.ndarray, depth: np.ndarray, shift: tuple[float, float]) -> np.ndarray:
    """Echogenicity in dB at places under the probe, organs being moved by `shift` (lateral, depth) in cm with the breath."""
    x, z = _wavy(lateral - shift[0], depth - shift[1], patient.bend)
    texture = _texture(patient, x, z)
    echo = patient.liver + 0.5 * texture

    for vessel in patient.vessels:
        radius = _ellipse(x - vessel.lateral, z - vessel.depth, (vessel.long, vessel.short), vessel.angle)
        distance = (radius - 1) * vessel.short
        if vessel.portal:
            echo = echo + 7.0 * np.exp(-((distance / (0.10 + 0.5 * patient.blur)) ** 2)) * 0.1 / (0.1 + 0.3 * patient.blur)
        contrast = 18.0 * vessel.short / (vessel.short + 0.7 * patient.blur)
        echo = echo - contrast * _step(distance, 0.06 + patient.blur)

    # behind the diaphragm: lung and mirrored liver
    dx, dz = x - patient.diaphragm[0], z - patient.diaphragm[1]
    beyond = np.hypot(dx, dz) - patient.diaphragm[2]
    side = _step(-(x - 0.5), 1.5)
    echo = echo + (1.0 - patient.liver * 0.6) * _step(-beyond, 0.3) * side
    thickness = 0.22 + 0.7 * patient.blur
    middle, half = patient.diaphragm_span
    seen = _step(np.abs(np.arctan2(dx, dz) - middle) - half, 0.4)
    line = np.exp(-((beyond / thickness) ** 2)) * seen * np.clip(0.8 + 0.35 * texture, 0, 1.5)
    echo = echo + patient.diaphragm_echo * line * 0.27 / (0.05 + thickness)

    return _wall(patient, lateral, depth, _kidney(patient, x, z, echo, texture))


def _kidney(patient: Patient, x: np.ndarray, z: np.ndarray, echo: np.ndarray, texture: np.ndarray) -> np.ndarray:
    dx, dz = x - patient.kidney[0], z - patient.kidney[1]
    cos, sin = np.cos(patient.kidney_angle), np.sin(patient.kidney_angle)
    below = dz * cos - dx * sin  # distance from the kidney's long axis, positive away from the probe
    radius = _ellipse(dx, dz, patient.kidney_axes, patient.kidney_angle)
    distance = (radius - 1) * patient.kidney_axes[1]
    # fat and muscle behind and beside the kidney
    along = dx * cos + dz * sin
    outside = _step(-(below - 0.3), 1.5) * _step(along - patient.kidney_axes[0] - 1, 2.5)
    echo = echo + (patient.behind + 2.5 * texture - echo) * outside
    inside = _step(distance, 0.25)
    cortex = 0.6 * texture
    core = _ellipse(dx, dz, (0.7 * patient.kidney_axes[0], 0.36 * patient.kidney_axes[1]), patient.kidney_angle)
    sinus = (patient.sinus + 3.5 * texture) * _step(core - 1 - 0.35 * texture, 0.5)
    echo = echo + (cortex + sinus - echo) * inside
    capsule = np.exp(-(((distance - 0.1) / 0.16) ** 2)) * np.clip(0.8 + 0.5 * texture, 0, 2)
    return echo + 9.0 * capsule * _step(below, 1.5)


def _wall(patient: Patient, lateral: np.ndarray, depth: np.ndarray, echo: np.ndarray) -> np.ndarray:
    """Skin, fat and muscle under the probe, attenuation with depth, and a shadow on one side."""
    place = depth / patient.wall + 0.02 * lateral**2
    layers = 4.0 * np.sin(8.0 * place + 0.6 * np.sin(1.7 * lateral)) + 4.0 * np.cos(21.0 * place + np.sin(2.3 * lateral))
    echo = echo + (layers + 2.5 - echo) * _step(place - 1, 0.5)
    echo = echo - patient.attenuation * (depth - 6.0)
    angle = lateral / (depth + 0.8)
    start, decibel = patient.shadow
    echo = echo + decibel * _step(start - angle, 0.6)
    for frequency, phase, size in patient.streaks:
        echo = echo + size * np.sin(frequency * angle[-1:] + phase)
    return echo
