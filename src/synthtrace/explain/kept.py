"""The kept classifier of a scenario explained: a row and a map of values an image."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from synthtrace import backbones
from synthtrace.cards import read_card
from synthtrace.explain.shap_values import Margin, explain, samples_each
from synthtrace.explain.subjects import Subjects
from synthtrace.params import Params
from synthtrace.seeds import Seeds
from synthtrace.stage import progress


def explain_kept(
    folder: Path, scenario: str, subjects: Subjects, params: Params, device: torch.device
) -> tuple[pd.DataFrame, np.ndarray]:
    """Rows (figures.SETTINGS and COLUMNS) and values float32 (N, C, H, W) of the subjects by the classifier in `folder`.

    Of two classes the margin of class 1 is explained for every image, of more the margin of the image's own class. An image's
    noise is named by its id: what else is explained does not matter to it.
    """
    card, model, seeds = read_card(folder), backbones.load(folder, device), Seeds(params.seed)
    probabilities = backbones.predict(model, torch.from_numpy(subjects.images).to(device))
    rows, values = [], []
    subject = zip(subjects.table.to_dict(orient="records"), subjects.images, probabilities, strict=True)
    for row, image, probability in progress(subject, "explain", total=len(subjects.images)):
        explained = 1 if len(probability) == 2 else row["label"]
        seed = seeds.integer("explain", "noise", row["image_id"])
        explanation = explain(Margin(model, explained), image, subjects.background, params.explain.samples, seed)
        values.append(explanation.values)
        rows.append(
            row
            | {
                "explained": explained,
                "probability": float(probability[explained]),
                "margin": explanation.margin,
                "expected": explanation.expected,
            }
        )
    background = len(subjects.background)
    table = pd.DataFrame(rows).assign(
        scenario=scenario,
        backbone=card["backbone"],
        fold=card["fold"],
        seed_index=card["seed_index"],
        background=background,
        samples=background * samples_each(params.explain.samples, background),
    )
    return table, np.stack(values)
