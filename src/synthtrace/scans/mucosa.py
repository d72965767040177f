"""What the phantom of lesions shows: mucosa, a lesion on it, and the device that looks at both.

Places in pixels of a SHAPE image; brightness in [0, 1] before the device's contrast; tints are shares of red, green and blue.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

SHAPE = (96, 120)
GOLDEN = 0.6180339887  # multiples of it, modulo 1, spread evenly however many there are
ROWS, COLUMNS = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(float)


@dataclass(frozen=True)
class Outline:
    """A lesion's border around its centre: an ellipse, its radius bent by waves."""

    centre: tuple[float, float]  # row, column
    radius: float
    stretch: float
    waves: np.ndarray  # (4, 2): share of the radius and phase of 2, 3, 4 and 5 lobes


@dataclass(frozen=True)
class Device:
    """How a centre's device renders colours."""

    tint: np.ndarray  # (3,)
    contrast: float
    brightness: float
    vignette: float
    noise: float


def draw_device(rng: np.random.Generator, centre: int) -> Device:
    """The device of a centre, counted from 0: neighbours in number differ the most in tint and contrast."""
    turn = (GOLDEN * centre) % 1
    phase = 2 * np.pi * (turn + np.array([0, 1 / 3, 2 / 3]))
    return Device(
        tint=np.array([1.05, 0.72, 0.60]) * (1 + 0.12 * np.cos(phase)),
        contrast=0.75 + 0.6 * ((2 * GOLDEN * centre + 0.3) % 1),
        brightness=rng.uniform(-0.06, 0.06),
        vignette=rng.uniform(0.1, 0.45),
        noise=rng.uniform(0.01, 0.03),
    )


def draw_outline(rng: np.random.Generator) -> Outline:
    """A lesion of some 1 to 30 % of the image, its centre well inside."""
    return Outline(
        centre=(rng.uniform(0.2, 0.8) * SHAPE[0], rng.uniform(0.2, 0.8) * SHAPE[1]),
        radius=float(np.exp(rng.uniform(np.log(0.09), np.log(0.32)))) * SHAPE[0],
        stretch=rng.uniform(0.75, 1.35),
        waves=np.column_stack([rng.normal(0, 0.09, 4), rng.uniform(0, 2 * np.pi, 4)]),
    )


def depth_inside(outline: Outline) -> np.ndarray:
    """SHAPE, distance from the centre over that of the border in the same direction: below 1 inside."""
    down = (ROWS - outline.centre[0]) * outline.stretch
    right = (COLUMNS - outline.centre[1]) / outline.stretch
    angle = np.arctan2(down, right)
    bend = sum(size * np.cos(lobes * angle + phase) for lobes, (size, phase) in enumerate(outline.waves, start=2))
    return np.hypot(down, right) / (outline.radius * np.clip(1 + bend, 0.4, None))


def lesion_mask(outline: Outline) -> np.ndarray:
    """Boolean SHAPE, True inside the lesion."""
    return depth_inside(outline) < 1


def cloud(rng: np.random.Generator, scale: float) -> np.ndarray:
    """SHAPE, smooth noise of unit variance, some `scale` pixels coarse."""
    noise = gaussian_filter(rng.standard_normal(SHAPE), scale, mode="wrap")
    return noise / noise.std()


def mucosa(rng: np.random.Generator, patient: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Brightness, SHAPE, and tint, (3, *SHAPE), of a wall without lesion; `patient` gives what a patient's images share."""
    tone, redness = patient.uniform(0.50, 0.64), patient.normal(0, 0.03)
    place = rng.uniform(0, SHAPE[0]), rng.uniform(0, SHAPE[1])
    away = np.hypot(ROWS - place[0], COLUMNS - place[1]) * (1 + 0.06 * cloud(rng, 9))
    surface = tone + 0.06 * cloud(rng, 10) + 0.02 * cloud(rng, 1.2)
    for distance in rng.uniform(25, 130, rng.integers(2, 5)):  # folds: a dark furrow behind a bright ridge
        surface = surface - 0.14 * np.exp(-(((away - distance) / 3) ** 2)) + 0.08 * np.exp(-(((away - distance - 6) / 4) ** 2))
    surface = surface - 0.45 * np.exp(-((away / rng.uniform(10, 24)) ** 2))  # the lumen
    stains = np.zeros(SHAPE)
    for _ in range(rng.integers(1, 4)):
        spot = np.hypot(ROWS - rng.uniform(0, SHAPE[0]), COLUMNS - rng.uniform(0, SHAPE[1])) / rng.uniform(6, 22)
        stains = stains + rng.choice([-1, 1]) * np.exp(-(spot**2)) * np.clip(1 + 0.3 * cloud(rng, 3), 0, None)
    red = redness + 0.10 * stains + 0.02 * cloud(rng, 8)
    return surface + 0.05 * np.abs(stains), np.stack([1 + 0.4 * red, 1 - red, 1 - 0.7 * red])


def raise_lesion(
    rng: np.random.Generator, surface: np.ndarray, tint: np.ndarray, outline: Outline
) -> tuple[np.ndarray, np.ndarray]:
    """Brightness and tint with a lesion: a lit dome with a shaded rim, its surface coarser than the wall's, a little redder."""
    depth = depth_inside(outline)
    inside = np.clip((1.04 - depth) / 0.08, 0, 1)
    light = rng.uniform(0, 2 * np.pi)
    slope = ((ROWS - outline.centre[0]) * np.sin(light) + (COLUMNS - outline.centre[1]) * np.cos(light)) / outline.radius
    dome = rng.uniform(0.04, 0.14) + 0.10 * np.clip(slope, -1, 1) + 0.05 * cloud(rng, 2.2)
    shadow = 0.13 * np.exp(-(((depth - 1.0) * outline.radius / 2.2) ** 2)) * np.clip(0.6 - slope, 0.3, 1.4)
    flat = surface.mean() + 0.45 * (surface - surface.mean())  # what lay there shows through
    red = (rng.uniform(0.04, 0.10) + 0.02 * cloud(rng, 2.2)) * inside
    return (
        surface + (flat + dome - surface) * inside - shadow,
        tint * np.stack([1 + 0.4 * red, 1 - red, 1 - 0.7 * red]),
    )


def photograph(rng: np.random.Generator, surface: np.ndarray, tint: np.ndarray, device: Device) -> np.ndarray:
    """Uint8 (*SHAPE, 3): the device's picture of brightness and tint, with glare and noise."""
    for _ in range(rng.integers(2, 7)):  # glare of the wet wall
        place = rng.uniform(0, SHAPE[0]), rng.uniform(0, SHAPE[1])
        spot = np.hypot(ROWS - place[0], (COLUMNS - place[1]) * rng.uniform(0.5, 1.2)) / rng.uniform(1, 3)
        surface = surface + 0.6 * np.exp(-(spot**2))
    corner = np.hypot(ROWS / SHAPE[0] - 0.5, COLUMNS / SHAPE[1] - 0.5)
    lit = (surface - 0.5) * device.contrast + 0.5 + device.brightness - device.vignette * corner**2
    colours = lit * tint * device.tint[:, None, None] + device.noise * rng.standard_normal((3, *SHAPE))
    return np.ascontiguousarray(np.round(255 * np.clip(colours, 0, 1)).astype(np.uint8).transpose(1, 2, 0))
