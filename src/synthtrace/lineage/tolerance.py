"""How near an image that was drawn again must come to its file.

The same weights, conditions, noise, batch, device class, threads and library versions give the same bits: then nothing but
equality counts. Elsewhere sums are rounded in another order, and the difference is held against `LEVELS` and `SHARE`
(docs/decisions.md tells what was measured).
"""

import importlib.metadata
import platform
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthtrace.lineage.machine import Machine
from synthtrace.lineage.requirements import named

LEVELS, SHARE = 2, 0.05
DRAWS_WITH = ("diffusers", "numpy", "scipy", "torch")


@dataclass(frozen=True)
class Replayed:
    """An image drawn again, held against its file.

    Attributes:
        image_id: of the ledger row.
        path: the file, relative to the study.
        elsewhere: why equality cannot be asked for, in words; empty where it can.
        levels: largest difference of a pixel, grey levels.
        share: share of pixels that differ.
        problem: why the file could not be compared, in words; empty where it could.
    """

    image_id: str
    path: str
    elsewhere: str = ""
    levels: int = 0
    share: float = 0.0
    problem: str = ""

    @property
    def equal(self) -> bool:
        """To the bit."""
        return not self.problem and self.levels == 0

    @property
    def reproduced(self) -> bool:
        """Equal, or within the tolerance where equality cannot be asked for."""
        within = bool(self.elsewhere) and self.levels <= LEVELS and self.share <= SHARE
        return self.equal or (not self.problem and within)

    def sentence(self) -> str:
        """What was found, and what was expected."""
        if self.problem:
            return self.problem
        if self.equal:
            return "equal to the bit"
        found = f"{self.share:.2%} of its pixels differ from what its ledger row draws, by up to {self.levels} grey levels"
        allowed = f"at most {LEVELS} in {SHARE:.0%} of them ({self.elsewhere})" if self.elsewhere else "equality"
        return f"{found}; {'within the tolerance of' if self.reproduced else 'expected'} {allowed}"


def compared(image_id: str, path: str, elsewhere: str, pixels: np.ndarray, drawn: np.ndarray) -> Replayed:
    """Pixels of a file against those drawn again, both uint8 (H, W) or (H, W, 3)."""
    if pixels.shape != drawn.shape:
        return Replayed(image_id, path, problem=f"its shape is {pixels.shape}; its ledger row draws {drawn.shape}")
    levels = np.abs(pixels.astype(np.int16) - drawn.astype(np.int16))
    by_pixel = levels.reshape(*levels.shape[:2], -1).max(axis=2)
    return Replayed(image_id, path, elsewhere, int(by_pixel.max()), float(np.mean(by_pixel > 0)))


def differing(machine: Machine) -> str:
    """What is not here as it was where a stage ran, of all that can change bits; empty when it is the same.

    Threads are set as recorded and never differ.
    """
    record = machine.record
    if record is None:
        return "no record tells where it was drawn"
    packages = named(record.get("packages"))
    here = {name: importlib.metadata.version(name) for name in DRAWS_WITH}
    facts: list[tuple[str, Any, Any]] = [
        ("device", machine.here, record.get("device")),
        ("platform", f"{platform.system()} {platform.machine()}", record.get("platform")),
        *((name, version, packages.get(name)) for name, version in here.items()),
    ]
    return ", ".join(f"{name} {now} here, {then or 'not recorded'} there" for name, now, then in facts if now != then)
