"""The pipeline's picture: stages, arrows, places."""

from itertools import pairwise

import pytest

from synthtrace.params import load_params
from synthtrace.report.dag import GAP, alike, diagram, layers, place
from synthtrace.report.pipeline import graph, overlap, producers, read_pipeline

PIPELINE = """
stages:
  code:
    cmd: x
    outs: [code.json]
  first:
    cmd: x
    params: [{code.json: [first]}]
    deps: ["${a.path}"]
    outs: [data/one]
  many:
    desc: several
    matrix: {kind: "${kinds}", fold: [0, 1, 2]}
    cmd: x
    deps: [data/one/table.csv, "data/raw/${kinds[1]}"]
    outs: ["data/many/${item.kind}/fold${item.fold}"]
  last:
    cmd: x
    deps: [data/many, data/one]
    outs: [{end.json: {cache: false}}]
"""


@pytest.fixture
def stages(tmp_path):
    (tmp_path / "dvc.yaml").write_text(PIPELINE)
    return read_pipeline(tmp_path / "dvc.yaml", {"a": {"path": "data/raw"}, "kinds": ["u", "v"]})


def test_matrix_items_collapse_into_one_node_that_counts_them(stages):
    assert [(stage.name, stage.items) for stage in stages] == [("code", 1), ("first", 1), ("many", 6), ("last", 1)]
    assert stages[2].label == "many \N{MULTIPLICATION SIGN}6"
    assert stages[1].deps == ["data/raw"]
    assert stages[2].deps == ["data/one/table.csv", "data/raw/v"]


def test_arrows_follow_paths_and_implied_ones_are_left_out(stages):
    assert graph(stages) == {"code": set(), "first": set(), "many": {"first"}, "last": {"many"}}


def test_a_stage_that_writes_parameters_only_stands_apart(stages):
    drawn = diagram(stages)
    assert [stage.name for stage in drawn["apart"]] == ["code"]
    assert [box["labels"] for box in drawn["boxes"]] == [["first"], ["many \N{MULTIPLICATION SIGN}6"], ["last"]]


@pytest.mark.parametrize(
    ("out", "dep", "meet"),
    [
        ("data/pools/*/fold*", "data/pools", True),
        ("data/pools", "data/pools/a/fold3", True),
        ("data/pools/*/fold*", "data/pools/a/fold3", True),
        ("data/pools2", "data/pools", False),
        ("data/predictions/*.parquet", "data/predictions/real.json", False),
    ],
)
def test_paths_meet_when_one_holds_the_other(out, dep, meet):
    assert bool(overlap(out, dep)) is meet


def test_layers_are_longest_paths_as_late_as_can_be():
    parents = {"a": set(), "b": {"a"}, "c": {"b"}, "late": {"a"}, "end": {"c", "late"}}
    assert layers(parents) == {"a": 0, "b": 1, "c": 2, "late": 2, "end": 3}


def test_the_real_pipeline_is_laid_out_without_overlap_and_fits_a_phone(pristine):
    stages = read_pipeline(pristine / "dvc.yaml", load_params(pristine / "params.yaml").model_dump())
    drawn = diagram(stages)
    assert drawn["width"] < 420
    drawn_names = sorted(name for box in drawn["boxes"] for name in box["names"])
    assert drawn_names == sorted({stage.name for stage in stages} - {"fingerprint"})
    spans = sorted((box["y"], box["x"], box["x"] + box["width"]) for box in drawn["boxes"])
    for (y, _, right), (next_y, left, _) in pairwise(spans):
        assert y < next_y or left >= right + GAP - 0.2
    y = {name: (box["y"], box["y"] + box["height"]) for box in drawn["boxes"] for name in box["names"]}
    for name, parents in graph(stages).items():
        assert all(y[parent][1] < y[name][0] for parent in parents)
    assert max(foot for _, foot in y.values()) < drawn["height"]
    assert producers(stages, "metrics/summary.json") == ["compare"]


def test_lines_that_need_not_cross_do_not():
    parents = {"a": set(), "b": set(), "x": {"b"}, "y": {"a"}, "end": {"x", "y"}}
    nodes = place(parents, dict.fromkeys(parents, 50.0), dict.fromkeys(parents, 28))["nodes"]
    assert (nodes["a"][0] < nodes["b"][0]) == (nodes["y"][0] < nodes["x"][0])


def test_stages_with_the_same_arrows_share_a_box_and_gates_never_do():
    parents = {"a": set(), "b": {"a"}, "c": {"a"}, "check_d": {"a"}, "e": {"a"}, "f": {"e"}, "end": {"b", "c", "check_d", "f"}}
    assert [names for names in alike(parents).values() if len(names) > 1] == [["b", "c"]]
