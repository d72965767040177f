"""A fold of toy images, bright ones of class 1, and parameters that train on it in seconds."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from synthtrace.classify.mixing import LabelledImages
from synthtrace.classify.recipes import Recipe
from synthtrace.classify.scenarios import FoldData
from synthtrace.params import Params, parse_params

ROOT = Path(__file__).parents[2]
CPU = torch.device("cpu")


def toy_params(**classifier: Any) -> Params:
    """The shipped parameters with a tiny backbone and few steps; `classifier` changes more."""
    tree: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text())
    tree["classifier"].update({"backbones": ["test_resnet"], "seeds": 2, "steps": 3, "batch_size": 8, **classifier})
    return parse_params(tree)


def some(count: int, name: str, seed: int) -> LabelledImages:
    """Noise, and as many bright images as dark ones."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    images = rng.integers(0, 100, (count, 1, 32, 32), dtype=np.uint8) + (labels * 120).astype(np.uint8)[:, None, None, None]
    return LabelledImages(images, labels, [f"{name}{n}" for n in range(count)])


def toy_fold(mixed: Callable[[str | None, int], LabelledImages] | None = None, different: int = 0) -> FoldData:
    """Ten images to train on, six to test, two a patient."""
    return FoldData(0, some(10, "train", 0), some(6, "test", 1), [f"P{n // 2}" for n in range(6)], mixed, different)


def recipe(**changes: Any) -> Recipe:
    """Two seeds of the tiny backbone on real images alone."""
    fields = {"name": "toy", "backbone": "test_resnet", "freezing": "none", "balanced": False, "seeds": 2, "rates": [0.0]}
    return Recipe(**(fields | {"augmentation": "flip"} | changes))
