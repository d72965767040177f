from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from synthtrace.params import Params, parse_params

FOLDS = 5  # a repeat


@pytest.fixture
def settings():
    """Make parameters: the project's own, at mixing rate 1.5 and with few resamples; a block is merged, a value replaced."""

    def make(**blocks) -> Params:
        tree = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())
        for name, value in {"mixing_rate": 1.5, "compare": {"bootstrap": 200}, **blocks}.items():
            tree[name] = {**tree[name], **value} if isinstance(value, dict) else value
        return parse_params(tree)

    return make


@pytest.fixture
def predict():
    """Make a predictions table: patients with frames, scores that carry `signal` about the label, rounded so that some tie."""

    def make(
        patients: dict[int, int],
        signal: float = 1.0,
        frames: int = 3,
        seeds: int = 2,
        noise_seed: int = 0,
        backbone="net",
        rate=0.0,
        repeats=1,
    ) -> pd.DataFrame:
        rng = np.random.default_rng(noise_seed)
        classes = max(len(patients), 2)
        who = [(label, index) for label, count in patients.items() for index in range(count)]
        rows = []
        for seed, repeat in ((seed, repeat) for seed in range(seeds) for repeat in range(repeats)):
            for label, index in who:
                habit = rng.normal(size=classes)
                for frame in range(frames):
                    logits = habit + rng.normal(size=classes) + signal * (np.arange(classes) == label)
                    shares = np.round(np.exp(logits) / np.exp(logits).sum(), 2)
                    rows.append(
                        {
                            "backbone": backbone,
                            "mixing_rate": rate,
                            "seed": seed,
                            "fold": repeat * FOLDS + (index + repeat * label) % FOLDS,
                            "image_id": f"{label}-{index}-{frame}",
                            "patient_id": f"{label}-{index}",
                            "label": label,
                            **{f"p{c}": share for c, share in enumerate(shares)},
                        }
                    )
        return pd.DataFrame(rows)

    return make
