"""Geometry of the plots."""

import numpy as np
import pandas as pd
import pytest

from synthtrace.report.figures import Row, Scale, interval_plot, roc_plot, ticks


@pytest.mark.parametrize(("low", "high"), [(0.77, 0.94), (-0.052, 0.05), (0.0, 1.0), (0.4999, 0.5001), (-3.0, 40.0)])
def test_ticks_are_round_and_enclose_the_data(low, high):
    marks = ticks(low, high)
    assert marks[0] <= low
    assert marks[-1] >= high
    assert 2 <= len(marks) <= 7
    steps = np.diff(marks)
    assert np.allclose(steps, steps[0])
    assert f"{steps[0]:.3e}"[0] in "125"


def test_a_scale_maps_its_ends():
    scale = Scale(-1, 1, 10, 110)
    assert (scale(-1), scale(0), scale(1)) == (10, 60, 110)


def test_bars_dots_and_reference_share_one_axis():
    plot = interval_plot([Row("a", 0, "", 0.1, (-0.1, 0.3), [(0.1, "seed 0")]), Row("b", 9, "", None, None)], 0)
    first, second = plot["rows"]
    assert first["dots"] == [(first["centre"], "seed 0")]
    assert first["bar"][0] < plot["reference"] < first["centre"] < first["bar"][1]
    assert first["centre"] == pytest.approx(sum(first["bar"]) / 2, abs=0.11)
    assert second["bar"] is second["centre"] is None
    assert second["style"] == 1


def test_a_plot_without_any_number_is_still_drawn():
    assert interval_plot([Row("a", 0, "n/a", None, None)], None)["reference"] is None


def test_equal_values_have_an_axis():
    plot = interval_plot([Row("a", 0, "", 1.0, (1.0, 1.0))], 1.0)
    assert plot["ticks"][0][0] < plot["reference"] < plot["ticks"][-1][0]


def test_roc_curves_run_from_corner_to_corner_and_unknown_scenarios_are_left_out():
    curves = pd.DataFrame({"scenario": ["real"] * 3, "fpr": [0, 0.5, 1], "tpr": [0, 0.75, 1]})
    plot = roc_plot(curves, [("real", 0, "0.75"), ("absent", 1, "n/a")])
    assert [curve["name"] for curve in plot["curves"]] == ["real"]
    x0, y0, x1, y1 = plot["chance"]
    path = plot["curves"][0]["path"]
    assert path.startswith(f"M{x0} {y0}L")
    assert path.endswith(f"L{x1} {y1}")
