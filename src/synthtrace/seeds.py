"""One root seed, independent named streams.

A stream is keyed by its names, never by the order of calls: adding a fold, a kind or a stage shifts nobody's noise.
"""

import hashlib
import json

import numpy as np


class Seeds:
    """Named randomness below one root seed (``params.seed``).

    >>> seeds = Seeds(7)
    >>> seeds.stream("sample", "class", 0, 12)      # numpy Generator of image 12
    >>> seeds.integer("init", 3)                    # a seed to write down or to give to torch
    """

    def __init__(self, root: int) -> None:
        self.root = root

    def _sequence(self, names: tuple[str | int | float, ...]) -> np.random.SeedSequence:
        digest = hashlib.sha256(json.dumps([self.root, *names]).encode()).digest()
        return np.random.SeedSequence(list(np.frombuffer(digest, dtype="<u4")))

    def stream(self, *names: str | int | float) -> np.random.Generator:
        """A numpy generator of its own for these names."""
        return np.random.Generator(np.random.PCG64(self._sequence(names)))

    def integer(self, *names: str | int | float) -> int:
        """A seed in [0, 2**63) for these names; it fits a torch generator and a signed table column."""
        return int(self._sequence(names).generate_state(1, np.uint64)[0] >> 1)
