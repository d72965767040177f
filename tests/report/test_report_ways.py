"""Selections and modes side by side: each cell is its point's, n/a where a selection keeps too few."""

import json
from itertools import product

from paper_figures import make_fidelity, make_run, write_curve, write_json
from paper_figures import point as curve_point

from synthtrace.report.page import build_page
from synthtrace.report.ways import ways

NAMES = ["real", "traditional", "semantic", "class"]
SELECTIONS, MODES = ["none", "realism"], ["augment", "transfer"]
SCORES = {"accuracy": 0.81, "auc": 0.91, "sensitivity": 0.71, "specificity": 0.61, "f1": 0.51}


def scored(point: dict, shift: float) -> dict:
    return point | {"scores": {name: {"mean": value + shift, "sd": 0.02} for name, value in SCORES.items()}}


def make_ways() -> dict:
    """Real, then `semantic` in four ways at two rates; the last of them keeps too few."""
    run = make_run("resnet18", "none", 2, scenarios=(), rates=())
    cells = list(product(SELECTIONS, MODES, (0.5, 1.0)))
    found = [
        curve_point("semantic", rate, 0.01 * index, selection, mode) for index, (selection, mode, rate) in enumerate(cells)
    ]
    points = [scored(point, 0.001 * index) for index, point in enumerate([*run["points"], *found])]
    head = {name: points[-1][name] for name in ("scenario", "selection", "mode", "mixing_rate")}
    points[-1] = head | {"unfilled": {"fold": 1, "kept": 3, "candidates": 40, "needed": 9, "label_name": "tumor"}}
    return run | {"selections": SELECTIONS, "modes": MODES, "points": points}


def fidelity_with_drawn() -> dict:
    found = make_fidelity(2)
    first = found["kinds"][0] | {"part": "drawn", "label": None, "label_name": "all"}
    for selection, rate, distance in (("none", 0.5, 11.0), ("none", 1.0, 12.0), ("realism", 0.5, 13.0)):
        own = {"selection": selection, "mixing_rate": rate, "fd_resnet10t": {"mean": distance, "ci95": None}}
        found["kinds"].append(first | own)
    return found


def build(workspace) -> list[dict]:
    write_curve(workspace, [make_ways()])
    curve = json.loads((workspace / "metrics/curve.json").read_text())
    return ways(workspace, curve, fidelity_with_drawn(), NAMES, 1.0)


def test_each_row_holds_its_points_scores_and_the_fidelity_of_what_is_drawn(workspace):
    (run,) = build(workspace)
    rows = run["rows"]
    assert [(row["selection"], row["mode"], row["rate"]) for row in rows[1:]] == list(product(SELECTIONS, MODES, (0.5, 1.0)))
    assert rows[0]["scores"] == [
        f"{SCORES[name]:.3f} ± 0.020" for name in ("accuracy", "auc", "sensitivity", "specificity", "f1")
    ]
    assert rows[3]["scores"][0] == "0.813 ± 0.020"
    assert [row["fidelity"][0] for row in rows[1:]] == ["11", "12", "11", "12", "13", "n/a", "13", "n/a"]
    assert run["fidelity"][0] == "fd_resnet10t"


def test_a_cell_that_cannot_be_filled_says_how_many_were_kept(workspace):
    (run,) = build(workspace)
    assert run["rows"][-1]["scores"] is None
    assert run["rows"][-1]["unfilled"] == "3 of 40 tumor kept, 9 needed"
    assert run["plots"][1]["plot"]["rows"][-1]["text"] == "too few kept"
    assert run["plots"][1]["plot"]["rows"][-1]["centre"] is None


def test_a_plot_a_mode_is_of_the_rate_nearest_to_the_studys(workspace):
    (run,) = build(workspace)
    assert [(one["mode"], one["rate"]) for one in run["plots"]] == [("augment", 1.0), ("transfer", 1.0)]
    first = run["plots"][0]["plot"]
    assert [row["name"] for row in first["rows"]] == ["real", "semantic, none", "semantic, realism"]
    assert [len(row["dots"]) for row in first["rows"]] == [2, 2, 2]
    assert first["reference"] == first["rows"][0]["centre"]


def test_one_selection_in_one_mode_has_no_such_section(workspace, params):
    curve = json.loads((workspace / "metrics/curve.json").read_text())
    assert ways(workspace, curve, make_fidelity(2), NAMES, 1.0) == []
    assert 'id="ways"' not in build_page(workspace, params)


def test_the_page_has_the_section_where_there_are_several(workspace, params):
    write_curve(workspace, [make_ways()])
    write_json(workspace / "metrics/fidelity.json", fidelity_with_drawn())
    page = build_page(workspace, params)
    assert 'href="#ways"' in page
    assert "3 of 40 tumor kept, 9 needed" in page
    assert page.count("0.813 ± 0.020") == 1
