"""metrics/explain.json follows from data/explanations alone."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synthtrace.errors import InputError
from synthtrace.explain.figures import from_explanations, write_explanations


def written(folder: Path, sums: tuple[float, float] = (1.5, -0.75), margin: float = 2.0) -> Path:
    """Two images whose values add up to `sums`, where 1.0 and -0.75 are wanted with the usual margin."""
    values = np.zeros((2, 1, 4, 4), dtype=np.float32)
    values[:, 0, 1, 2] = sums
    table = pd.DataFrame(
        {
            "image_id": ["a", "b"],
            "source": ["real", "class"],
            "label": [1, 0],
            "label_name": ["nafld", "healthy"],
            "explained": 1,
            "probability": [0.75, 0.25],
            "margin": [margin, 0.25],
            "expected": 1.0,
            "scenario": "class",
            "backbone": "test_resnet",
            "fold": 0,
            "seed_index": 0,
            "background": 3,
            "samples": 6,
        }
    )
    write_explanations(folder, table, values, np.zeros((2, 1, 4, 4), dtype=np.uint8))
    return folder


def test_sums_and_errors_are_those_of_the_stored_values(tmp_path: Path) -> None:
    figures = from_explanations(written(tmp_path / "explanations"))
    assert [image["sum"] for image in figures["images"]] == [1.5, -0.75]
    assert [image["additivity_error"] for image in figures["images"]] == [0.5, 0.0]
    assert figures["additivity_error"] == {"mean": 0.25, "max": 0.5}
    assert figures["relative_error"] == {"mean": 0.5 / 1.75, "max": 0.5}


def test_the_figures_are_plain_json_with_the_settings_on_top(tmp_path: Path) -> None:
    figures = json.loads(json.dumps(from_explanations(written(tmp_path / "explanations")), allow_nan=False))
    assert list(figures) == [
        "scenario",
        "backbone",
        "fold",
        "seed_index",
        "background",
        "samples",
        "images",
        "additivity_error",
        "relative_error",
    ]
    assert figures["images"][0] == {
        "image_id": "a",
        "source": "real",
        "label": 1,
        "label_name": "nafld",
        "explained": 1,
        "probability": 0.75,
        "margin": 2.0,
        "expected": 1.0,
        "sum": 1.5,
        "additivity_error": 0.5,
    }


def test_an_image_with_nothing_to_divide_up_has_no_relative_error(tmp_path: Path) -> None:
    figures = from_explanations(written(tmp_path / "explanations", margin=1.0))
    assert figures["relative_error"] == {"mean": 2.0, "max": None}


def test_missing_or_foreign_files_are_errors_that_name_them(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"explanations\.parquet: no such file; run the stage explain"):
        from_explanations(tmp_path)
    folder = written(tmp_path / "explanations")
    np.save(folder / "values.npy", np.zeros((3, 1, 4, 4), dtype=np.float32))
    with pytest.raises(InputError, match=r"values\.npy: expected the values of the 2 images of explanations\.parquet, found 3"):
        from_explanations(folder)
    (folder / "values.npy").write_bytes(b"no array")
    with pytest.raises(InputError, match="not readable explanations"):
        from_explanations(folder)
