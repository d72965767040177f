"""What each selection keeps: rules on known scores, and scores of known features."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from synthtrace.params import load_params
from synthtrace.selection import rules
from synthtrace.selection.scores import Seen, scores

ROOT = Path(__file__).parents[2]
CPU = torch.device("cpu")


@pytest.fixture
def settings():
    own = {"neighbours": 1, "threshold": 1.0, "prune": False, "centroid_share": 0.5, "confidence": 0.8}
    return load_params(ROOT / "params.yaml").selection.model_copy(update=own)


def table(**columns: Any) -> pd.DataFrame:
    count = len(next(iter(columns.values())))
    plain = {"copy": [False] * count, "label": [0] * count}
    return pd.DataFrame(plain | {name: [np.nan] * count for name in rules.SCORES} | columns)


def test_none_keeps_all_but_copies(settings):
    assert rules.kept(table(copy=[False, True, False]), "none", settings).tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("method", "column", "values"),
    [
        ("realism", "realism", [0.99, 1.0, 1.5, np.nan, 2.0]),
        ("class_realism", "class_realism", [0.99, 1.0, 1.5, np.nan, 2.0]),
        ("confidence", "confidence", [0.79, 0.8, 0.9, np.nan, 1.0]),
    ],
)
def test_what_reaches_the_threshold_is_kept_but_no_copy_and_nothing_unscored(settings, method, column, values):
    rows = table(**{column: values, "copy": [False, False, False, False, True]})
    assert rules.kept(rows, method, settings).tolist() == [False, True, True, False, False]


def test_centroid_keeps_the_nearest_share_of_each_class(settings):
    rows = table(label=[0, 0, 0, 0, 1, 1, 1], centroid_distance=[4.0, 1.0, 3.0, 2.0, 50.0, 10.0, np.nan])
    assert rules.kept(rows, "centroid", settings).tolist() == [False, True, False, True, False, True, False]
    whole = settings.model_copy(update={"centroid_share": 1.0})
    assert rules.kept(rows, "centroid", whole).tolist() == [True] * 6 + [False]


def test_a_copy_takes_no_place_among_the_nearest(settings):
    rows = table(centroid_distance=[1.0, 2.0, 3.0, 4.0], copy=[True, True, False, False])
    assert rules.kept(rows, "centroid", settings).tolist() == [False, False, True, False]


def test_a_list_is_applied_in_its_order(settings):
    rows = table(centroid_distance=[1.0, 2.0, 3.0, 4.0], confidence=[0.1, 0.9, 0.9, 0.9])
    # the nearest two of all, then the sure ones of them; the sure ones, then the nearest half of those three (rounded to even)
    assert rules.kept(rows, "centroid+confidence", settings).tolist() == [False, True, False, False]
    assert rules.kept(rows, "confidence+centroid", settings).tolist() == [False, True, True, False]


def test_the_stored_column_is_not_asked(settings):
    rows = table(realism=[2.0, 0.5]).assign(kept=[False, True])
    assert rules.kept(rows, "realism", settings).tolist() == [True, False]


def seen(features: list[list[float]], labels: list[int], probabilities: list[list[float]] | None = None) -> Seen:
    sure = np.full((len(labels), 2), 0.5) if probabilities is None else np.array(probabilities)
    return Seen(np.array(features, dtype=np.float32), sure, np.array(labels))


REAL = seen([[0.0], [1.0], [2.0], [10.0], [11.0], [12.0]], [0, 0, 0, 1, 1, 1])


def test_scores_of_known_features(settings):
    found = scores(seen([[1.5], [11.5], [20.0]], [0, 1, 1], [[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]]), REAL, settings, CPU)
    # each real image's nearest other one is 1 away, and the nearest real images are 0.5, 0.5 and 8 away
    assert found["realism"].tolist() == pytest.approx([2.0, 2.0, 1 / 8])
    assert found["class_realism"].tolist() == pytest.approx([2.0, 2.0, 1 / 8])
    assert found["centroid_distance"].tolist() == pytest.approx([0.5, 0.5, 9.0])
    assert found["confidence"].tolist() == pytest.approx([0.9, 0.8, 0.3])


def test_by_class_a_look_alike_of_the_other_class_is_not_realistic(settings):
    found = scores(seen([[11.5]], [0]), REAL, settings, CPU)
    assert found["realism"].tolist() == pytest.approx([2.0])
    assert found["class_realism"].tolist() == pytest.approx([1 / 9.5])
    rows = pd.concat([pd.DataFrame({"copy": [False], "label": [0]}), found], axis=1)
    assert rules.kept(rows, "realism", settings).all()
    assert not rules.kept(rows, "class_realism", settings).any()


def test_pruning_leaves_out_real_images_that_stand_alone(settings):
    real = seen([[0.0], [1.0], [2.0], [30.0]], [0, 0, 0, 0])
    lonely = seen([[40.0]], [0])
    assert scores(lonely, real, settings, CPU)["realism"].tolist() == pytest.approx([2.8])
    pruned = settings.model_copy(update={"prune": True})
    assert scores(lonely, real, pruned, CPU)["realism"].tolist() == pytest.approx([1 / 38])


def test_a_class_with_too_few_real_images_has_no_class_realism(settings):
    real = seen([[0.0], [1.0], [5.0]], [0, 0, 1])
    found = scores(seen([[0.5], [5.5]], [0, 1]), real, settings, CPU)
    assert found["class_realism"].tolist() == pytest.approx([2.0, np.nan], nan_ok=True)
    assert found["centroid_distance"].tolist() == pytest.approx([0.0, 0.5])
    without = seen([[0.0], [1.0]], [0, 0])
    assert scores(seen([[5.5]], [1]), without, settings, CPU)["centroid_distance"].isna().all()
