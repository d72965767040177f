"""AUC against mixing rate: what is drawn, what it is called, where each point comes from."""

import json
import re
from itertools import pairwise

import pandas as pd
import pytest
from paper_figures import make_run, write_curve
from paper_figures import point as curve_point

from synthtrace.report.curve import curves, figure_of
from synthtrace.report.curve_plot import DODGE, Point, curve_plot

NAMES = ["real", "traditional", "semantic", "class"]


@pytest.fixture
def runs(pristine):
    return curves(pristine, json.loads((pristine / "metrics/curve.json").read_text()), NAMES, 1.0)


def test_every_point_names_the_command_that_traces_it(pristine, runs):
    tree = json.loads((pristine / "metrics/curve.json").read_text())
    notes = [point["note"] for plot in runs[1]["plots"] for one in plot["plot"]["series"] for point in one["points"]]
    assert len(notes) == 3 * 13
    for note in notes:
        said, value, key = re.fullmatch(r"(.+): AUC (\S+) .*synthtrace trace metrics/curve\.json:(\S+)", note).groups()
        place = tree
        for part in key.split("."):
            place = place[int(part) if part.isdigit() else part]
        assert f"{place:.3f}" == value
        run, index = (tree["runs"][int(key.split(".")[1])], int(key.split(".")[3]))
        assert said == f"{run['points'][index]['scenario']} at rate {run['points'][index]['mixing_rate']:g}"


def test_a_point_has_its_own_seeds_and_no_others(pristine, runs):
    table = pd.read_csv(pristine / "plots/curve.csv")
    for run in runs:
        drawn = [point["dots"].count("M") for one in run["plots"][0]["plot"]["series"] for point in one["points"]]
        assert sum(drawn) == len(table[table["run"] == run["name"]])
        assert set(drawn) == {len(table[table["run"] == run["name"]]["seed"].unique())}


@pytest.mark.parametrize(
    ("backbone", "freezing", "balanced", "level", "figure"),
    [
        ("resnet50", "partial", False, "auc_image", "Figure 5A"),
        ("resnet50", "partial", False, "auc_patient", "Figure S6A"),
        ("resnet50", "partial", False, "auc_fold", "Figure S3"),
        ("resnet50", "all", False, "auc_image", "Figure S4"),
        ("resnet50", "none", False, "auc_image", "Figure S5"),
        ("resnet50", "partial", True, "auc_image", "Figure S7"),
        ("resnet50", "none", True, "auc_image", None),
        ("resnet50", "all", False, "auc_patient", None),
        ("tf_efficientnet_b0", "partial", False, "auc_image", None),
    ],
)
def test_a_run_is_called_the_figure_that_it_repeats_and_no_other(backbone, freezing, balanced, level, figure):
    assert figure_of({"backbone": backbone, "freezing": freezing, "balanced": balanced}, level) == figure


def test_roc_curves_are_of_the_rate_nearest_to_the_studys(pristine, runs):
    assert {roc["rate"] for run in runs[:3] for roc in run["rocs"]} == {1.0}
    assert {roc["rate"] for roc in runs[3]["rocs"]} == {1.5}
    assert [roc["figure"] for run in runs for roc in run["rocs"]] == [
        *("Figure 5B", "Figure S6B"),
        *[None] * 4,
        *("Figure 5B", "Figure S6B") * 2,
        *[None] * 2,
    ]
    assert [curve["name"] for curve in runs[0]["rocs"][0]["plot"]["curves"]] == NAMES
    assert [curve["name"] for curve in runs[3]["rocs"][0]["plot"]["curves"]] == ["real", "semantic"]


def test_of_two_rates_as_near_the_larger_is_drawn(workspace):
    found = [make_run("resnet10t", "none", 2, ("semantic",), (0.5, 1.5))]
    write_curve(workspace, found)
    assert curves(workspace, {"runs": found}, NAMES, 1.0)[0]["rocs"][0]["rate"] == 1.5


def test_settings_are_counted_by_their_intervals(workspace):
    run = make_run("resnet10t", "none", 2, ("semantic",), (0.5, 1.0, 1.5))
    for point, ci95 in zip(run["points"][1:], ([0.01, 0.02], [-0.02, 0.01], [-0.04, -0.01]), strict=True):
        point["versus_real"]["ci95"] = ci95
    write_curve(workspace, [run])
    said = curves(workspace, {"runs": [run]}, NAMES, 1.0)[0]["count"]
    assert said.startswith("Of 3 settings beside real images alone")
    assert said.endswith(": 1 helped, 1 hurt, 1 with no evidence either way.")


def test_a_run_of_real_images_alone_is_drawn_and_compares_nothing(workspace):
    run = make_run("resnet10t", "none", 2, ())
    write_curve(workspace, [run])
    found = curves(workspace, {"runs": [run]}, NAMES, 1.0)[0]
    assert found["rocs"] == []
    assert "nothing to compare" in found["count"]
    assert len(found["plots"][0]["plot"]["series"]) == 1


def test_a_fold_average_that_is_undefined_is_left_out(workspace):
    run = make_run("resnet10t", "none", 2, ("semantic",), (1.0,))
    for point in run["points"]:
        point["auc_fold"] = None
    write_curve(workspace, [{**run, "points": [{**point, "auc_fold": {"mean": float("nan")}} for point in run["points"]]}])
    fold = curves(workspace, {"runs": [run]}, NAMES, 1.0)[0]["plots"][2]["plot"]
    assert [(point["y"], point["dots"]) for one in fold["series"] for point in one["points"]] == [(None, "")] * 2


def test_lines_start_at_real_images_and_scenarios_of_a_rate_do_not_cover_each_other():
    points = [Point("real", 0, 0.0, 0.8, (0.7, 0.9), [0.79, 0.81], "")]
    points += [
        Point(name, style, rate, 0.8 + 0.01 * style, (0.7, 0.9), [0.8], "")
        for style, name in enumerate(NAMES[1:], 1)
        for rate in (0.5, 1.0)
    ]
    plot = curve_plot(points)
    real, *others = plot["series"]
    start = real["points"][0]
    assert start["y"] == plot["reference"]
    assert real["path"] == ""
    for one in others:
        assert one["path"].startswith(f"M{start['x']} {start['y']}L")
        assert one["path"].count("L") == 2
    places = sorted(point["x"] for one in others for point in one["points"])
    assert all(after - before >= DODGE - 0.1 for before, after in pairwise(places))
    assert len({one["shape"] for one in plot["series"]}) == 4
    assert all(plot["left"] < point["x"] < plot["right"] for one in plot["series"] for point in one["points"])


def test_close_rates_stay_in_their_order():
    points = [Point("real", 0, 0.0, 0.8, None, [], "")]
    points += [Point(name, 1, rate, 0.8, None, [], "") for name in ("a", "b", "c") for rate in (0.1, 0.2, 2.0)]
    series = curve_plot(points)["series"][1:]
    assert max(one["points"][0]["x"] for one in series) < min(one["points"][1]["x"] for one in series)


def test_a_larger_auc_is_drawn_higher():
    points = [Point("real", 0, 0.0, 0.8, None, [], ""), Point("a", 1, 1.0, 0.9, (0.85, 0.95), [], "")]
    real, other = (one["points"][0] for one in curve_plot(points)["series"])
    assert other["y"] < real["y"]
    assert other["bar"][1] < other["y"] < other["bar"][0]


def test_every_selection_and_mode_has_a_panel_and_unfilled_points_are_left_out(workspace):
    run = make_run("resnet18", "none", 2, scenarios=(), rates=())
    cells = [(selection, mode) for selection in ("none", "realism") for mode in ("augment", "transfer")]
    run["points"] += [curve_point("semantic", 1.0, 0.01, *cell) for cell in cells[:-1]]
    unfilled = {"fold": 0, "kept": 3, "candidates": 40, "needed": 9, "label_name": "tumor"}
    run["points"].append(
        dict(zip(("selection", "mode"), cells[-1], strict=True)) | {"scenario": "semantic", "mixing_rate": 1.0}
    )
    run["points"][-1]["unfilled"] = unfilled
    run |= {"selections": ["none", "realism"], "modes": ["augment", "transfer"]}
    write_curve(workspace, [run])
    found = curves(workspace, {"runs": [run]}, NAMES, 1.0)
    assert [one["name"] for one in found] == [f"resnet18 none, selection {cell[0]}, mode {cell[1]}" for cell in cells]
    assert [[row["scenario"] for row in one["rows"]] for one in found] == [["real", "semantic"]] * 3 + [["real"]]
