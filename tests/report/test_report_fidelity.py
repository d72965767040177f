"""Bars of image quality: what stands in which group, how it is called, what is missing."""

import pytest
from paper_figures import make_fidelity

from synthtrace.report.bars import Bar, bar_plot
from synthtrace.report.fidelity import fidelity
from synthtrace.report.page import build_page

NAMES = ["real", "traditional", "semantic", "class"]


@pytest.fixture
def found() -> dict:
    return make_fidelity(2)


def test_each_class_shows_the_floor_and_every_kind_raw_and_kept(found):
    plot = fidelity(found, NAMES)["plots"][0]["plot"]
    assert [group["heading"] for group in plot["groups"]] == ["all classes", "healthy", "nafld"]
    for group in plot["groups"]:
        assert [(bar["name"], bar["hollow"], bar["style"]) for bar in group["bars"]] == [
            ("real training images", False, 0),
            ("semantic, raw", True, 2),
            ("semantic, kept", False, 2),
            ("class, raw", True, 3),
            ("class, kept", False, 3),
        ]


def test_in_domain_distances_are_said_not_to_be_fid(found):
    words = {one["name"]: one["words"] for one in fidelity(found, NAMES)["plots"]}
    assert list(words) == ["fd_resnet10t", "kd_resnet10t"]
    assert words["fd_resnet10t"].endswith("It is not FID")
    assert words["kd_resnet10t"].endswith("It is not KID")


def test_inceptions_metrics_are_drawn_where_there_are_weights(found):
    for row in found["kinds"]:
        row |= {"fid": {"mean": 104.29, "ci95": [98.0, 110.0]}, "inception_score": {"mean": 1.4, "ci95": None}}
    plots = {one["name"]: one for one in fidelity(found | {"inception": {"sha256": "0"}}, NAMES)["plots"]}
    assert list(plots) == ["fd_resnet10t", "kd_resnet10t", "fid", "inception_score"]
    assert "higher is better" in plots["inception_score"]["words"]
    assert plots["fid"]["plot"]["groups"][0]["bars"][0]["text"] == "104 [98, 110]"


def test_too_few_images_for_a_metric_read_as_not_available(found):
    for row in found["kinds"]:
        row["fd_resnet10t"] = {"mean": None, "ci95": None}
    bar = fidelity(found, NAMES)["plots"][0]["plot"]["groups"][0]["bars"][0]
    assert (bar["text"], bar["box"], bar["whisker"]) == ("n/a", None, None)


def test_the_page_says_whether_inception_was_there(pristine, params):
    page = build_page(pristine, params)
    assert "No Inception weights were given" in page
    assert "It is not FID" in page


def test_bars_start_at_zero_whatever_their_sign():
    bars = [Bar("up", 1, False, "", 2.0, (1.0, 3.0)), Bar("down", 2, True, "", -1.0, None)]
    plot = bar_plot([("all", bars)])
    up, down = plot["groups"][0]["bars"]
    assert up["box"][0] == plot["zero"]
    assert sum(down["box"]) == pytest.approx(plot["zero"], abs=0.11)
    assert up["box"][1] == pytest.approx(2 * down["box"][1], abs=0.31)
    assert up["whisker"][0] < sum(up["box"]) < up["whisker"][1]


def test_bars_of_nothing_have_an_axis():
    assert len(bar_plot([("all", [Bar("a", 0, False, "n/a", None, None)])])["ticks"]) > 1
