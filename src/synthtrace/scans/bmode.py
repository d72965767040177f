"""B-mode imaging of a tissue model: sector geometry, speckle, log compression, scan conversion."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

HEIGHT, WIDTH = 434, 636
LINES = 288  # scan lines across the sector
# the scanner's reject level: inside the sector nothing is black, so that its surround alone is exactly 0
FLOOR, CEILING = 12, 240
PERSISTENCE = (
    0.5,
    1.1,
)  # deviation of the smoothing of intensities, samples and scan lines: what compounding leaves of speckle


@dataclass(frozen=True)
class Sector:
    """The field of view of a convex probe, in pixels of the frame; angles in radians from straight down."""

    column: float = 318.0
    top: float = 9.0
    face: float = 8.0  # radius of the probe's face
    depth: int = 358  # from the face, along every scan line
    half_angle: float = 0.92
    pixels_per_cm: float = 21.0

    @property
    def centre_row(self) -> float:
        """Row of the centre of curvature, above the face."""
        return self.top - self.face

    @cached_property
    def scan_lines(self) -> tuple[np.ndarray, np.ndarray]:
        """Lateral position and depth in cm below the face's middle, each (depth, LINES)."""
        radius = self.face + np.arange(self.depth, dtype=np.float32)[:, None]
        angle = np.linspace(-self.half_angle, self.half_angle, LINES, dtype=np.float32)[None]
        lateral = radius * np.sin(angle) / self.pixels_per_cm
        return lateral, (radius * np.cos(angle) - self.face) / self.pixels_per_cm

    @cached_property
    def _polar(self) -> tuple[np.ndarray, np.ndarray]:
        rows, columns = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
        down, across = rows - np.float32(self.centre_row), columns - np.float32(self.column)
        sample = np.hypot(down, across) - np.float32(self.face)
        line = (np.arctan2(across, down) / np.float32(self.half_angle) + 1) * np.float32((LINES - 1) / 2)
        return sample, line

    @cached_property
    def mask(self) -> np.ndarray:
        """Boolean (HEIGHT, WIDTH): the pixels of the sector."""
        sample, line = self._polar
        return (sample >= 0) & (sample <= self.depth - 1) & (line >= 0) & (line <= LINES - 1)

    def to_pixel(self, lateral: float, depth: float) -> tuple[int, int]:
        """Row and column of a place in cm."""
        row = self.top + depth * self.pixels_per_cm
        return round(row), round(self.column + lateral * self.pixels_per_cm)

    def scan_convert(self, samples: np.ndarray) -> np.ndarray:
        """Grey levels (depth, LINES) to a uint8 frame, 0 outside the sector and within [FLOOR, CEILING] inside it."""
        frame = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
        sample, line = self._polar
        inside = map_coordinates(samples, [sample[self.mask], line[self.mask]], order=1, mode="nearest")
        frame[self.mask] = np.clip(np.rint(inside), FLOOR, CEILING).astype(np.uint8)
        return frame


def scatterers(rng: np.random.Generator, depth: int) -> np.ndarray:
    """Complex circular Gaussian scatterers, (2, depth, LINES) float32: real and imaginary part."""
    return rng.standard_normal((2, depth, LINES), dtype=np.float32)


def echo_intensity(field: np.ndarray, echo_decibel: np.ndarray, axial: float, lateral: float) -> np.ndarray:
    """Intensity of the echo, (depth, LINES), of scatterers under tissue of the given echogenicity; 1 on average at 0 dB.

    Many unresolved scatterers a resolution cell give fully developed speckle: amplitudes are Rayleigh-distributed (Wagner et
    al., IEEE Trans. Son. Ultrason. 30, 1983). The point-spread function is Gaussian, `axial` samples deep and `lateral` scan
    lines wide; a scan line's width in pixels grows with depth, and so does the speckle. Echogenicity modulates the scatterers
    before the point-spread function, hence its edges are as sharp as the probe resolves them.
    """
    amplitude = np.power(np.float32(10), echo_decibel.astype(np.float32) / 20)
    received = gaussian_filter(field * amplitude, sigma=(0, axial, lateral), truncate=3)
    power = _kernel_energy(axial) * _kernel_energy(lateral)
    return (received**2).sum(axis=0) / np.float32(2 * power)


def _kernel_energy(sigma: float) -> float:
    """Sum of squares of the filter's weights."""
    impulse = np.zeros(1 + 2 * int(3 * sigma + 0.5))
    impulse[len(impulse) // 2] = 1
    return float((gaussian_filter(impulse, sigma, truncate=3, mode="constant") ** 2).sum())


def log_compress(intensity: np.ndarray) -> np.ndarray:
    """Decibels of an intensity whose speckle is smoothed as compounding and persistence do."""
    return 10 * np.log10(gaussian_filter(intensity, PERSISTENCE, truncate=2.5) + np.float32(1e-4))
