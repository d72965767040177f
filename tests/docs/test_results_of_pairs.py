"""A preset of the segmentation study in docs/results.md, and paper 2's tables beside it."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from synthtrace.compare.segmentation import tables_of
from synthtrace.params.segmenter import Mixes
from synthtrace.segment.recipes import recipes_of

MIXES = Mixes(
    multiples=[1, 2], alpha=0.5, controls=[False, True], small_sets=[16], small_multiples=[1], small_kinds=["styled_diff"]
)
RECIPES = recipes_of(MIXES, ["diff", "styled_diff"])
SKIPPED = "synthetic diff x2 control"
REASON = "no real pair has more than 1 synthetic ones of kind diff, fewer than 2"
PARAMS = {
    "dataset": {"path": "data/frames", "patient_ids": "none"},
    "preprocess": {"image_size": 64},
    "split": {"column": "label_name", "test": ["C5"]},
    "clusters": {"count": 4},
    "diffusion": {"steps": 1000, "batch_size": 4, "prediction_type": "v_prediction"},
    "style": {"perceptual": None, "token": None},
    "inpainting": {"samples": 2},
    "segmenter": {"architecture": "unet", "encoder": "tu-resnet10t", "weights": None, "steps": 200, "batch_size": 8},
}


def block(value: float) -> dict[str, Any]:
    return {"mean": value, "sd": 0.0125, "ci95": [value - 0.1, value + 0.1]}


def summary(groups: int = 9) -> dict[str, Any]:
    """Each trained recipe has figures of its own: an IoU of 0.5 and its place in hundredths, a Dice loss of 0.2 and so."""
    recipes = {}
    for place, recipe in enumerate(one for one in RECIPES if one.name != SKIPPED):
        figures: dict[str, Any] = {"iou": block(0.5 + place / 100), "dice_loss": block(0.2 + place / 100)}
        versus = {
            "reference": "full real",
            "iou": {"difference": place / 1000, "ci95": [-0.0444, 0.0666]},
            "dice_loss": {"difference": -place / 1000, "ci95": [-0.0555, 0.0333]},
        }
        recipes[recipe.name] = asdict(recipe) | figures | {"versus_real": None if recipe.kind == "real" else versus}
    skipped = [{"recipe": one.name, **asdict(one), "reason": REASON} for one in RECIPES if one.name == SKIPPED]
    found = {"images": 25, "groups": groups, "seeds": 2, "bootstrap": 2000, "recipes": recipes, "skipped": skipped}
    return found | {"tables": tables_of(RECIPES)}


def pool(kind: str, part: str, value: float | None, **more: Any) -> dict[str, Any]:
    """A pool's row; without a value that of a pool of too few images."""
    head = {"kind": kind, "part": part, "images": 40, "reference": 100, "available": 90, "untouched": None}
    if value is None:
        return head | {"images": 1, "available": 1} | more
    values = [value - 1, value, value + 1]
    alike = {"mean": value / 100, "deviation": 0.01, "values": [one / 100 for one in values]}
    return head | {"fd_resnet10t": {"mean": value, "deviation": 1.0, "values": values}, "ms_ssim": alike} | more


def fidelity(*pools: dict[str, Any]) -> dict[str, Any]:
    head = {"extractor": {"name": "resnet10t"}, "inception": None, "ms_ssim": {"scales": 3}, "draws": 3}
    return head | {"pools": list(pools)}


POOLS = (
    pool("real", "halves", 20.0, images=50, available=100),
    pool("diff", "raw", 30.0, untouched=0.25),
    pool("diff", "kept", None),
)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "cpu-polyp"
    (folder / "records/compare").mkdir(parents=True)
    (folder / "metrics/quality").mkdir(parents=True)
    record = {"stage": "compare", "started": "then", "seconds": 120.0, "device": "cpu", "threads": 1}
    (folder / "records/compare/one.json").write_text(json.dumps(record))
    (folder / "params.yaml").write_text(yaml.safe_dump(PARAMS))
    write(tmp_path, "summary", summary())
    write(tmp_path, "fidelity", fidelity(*POOLS))
    gate(tmp_path, "scans", True)
    return tmp_path


def write(results: Path, name: str, figures: Any) -> None:
    (results / "cpu-polyp/metrics" / f"{name}.json").write_text(json.dumps(figures))


def gate(results: Path, name: str, passed: bool, *failed: str) -> None:
    expectations = [{"name": one, "severity": "warning", "pass": False} for one in failed]
    write(results, f"quality/{name}", {"gate": name, "pass": passed, "expectations": expectations})


def page(render: Callable[..., str], results: Path, name: str = "cpu-polyp") -> str:
    return render(f"<!-- begin {name} --><!-- end {name} -->", results)


def rows(text: str, title: str) -> list[list[str]]:
    """Cells of the rows of the table below a title."""
    lines = text[text.index(title) :].split("\n\n")[1].splitlines()
    return [[cell.strip() for cell in line.strip()[1:-1].split("|")] for line in lines[2:]]


def row(text: str, title: str, *first: str) -> list[str]:
    """What follows the first cells of the one row that begins with them."""
    (found,) = [cells for cells in rows(text, title) if cells[: len(first)] == list(first)]
    return found[len(first) :]


def test_the_head_tells_command_units_machine_and_time(render: Callable[..., str], results: Path) -> None:
    text = page(render, results)
    assert "Command: `make results PRESET=cpu-polyp`. Evidence: `results/cpu-polyp/`." in text
    told = "25 test images of 9 groups of images, 2 seeds; device cpu, 1 thread(s) a stage, 2 minutes of stage time in all."
    assert told in text


def test_each_recipes_figures_are_in_its_row_of_its_table(render: Callable[..., str], results: Path) -> None:
    text = page(render, results)
    trained = {name: place for place, name in enumerate(one.name for one in RECIPES if one.name != SKIPPED)}

    def figures(recipe: str) -> list[str]:
        place = trained[recipe]
        cells = []
        for base, sign, interval in ((0.5, 1, "[-0.044 to +0.067]"), (0.2, -1, "[-0.056 to +0.033]")):
            value = base + place / 100
            cells.append(f"{value:.3f} ± 0.013 [{value - 0.1:.3f} to {value + 0.1:.3f}]")
            cells.append("" if " real" in recipe else f"{sign * place / 1000:+.3f} {interval}")
        return cells

    assert [cells[:2] for cells in rows(text, "**Table 3.")] == [
        ["real", ""],
        ["diff", "1"],
        ["diff", "2"],
        ["styled_diff", "1"],
        ["styled_diff", "2"],
    ]
    assert row(text, "**Table 3.", "real", "") == figures("full real control")
    assert row(text, "**Table 3.", "diff", "1") == figures("synthetic diff x1 control")
    assert row(text, "**Table 3.", "styled_diff", "2") == figures("synthetic styled_diff x2 control")
    assert row(text, "**Table 4.", "real", "") == figures("full real")
    assert row(text, "**Table 4.", "diff", "0.5") == figures("augment diff alpha0.5")
    assert row(text, "**Table 5.", "styled_diff", "0.5") == figures("augment styled_diff alpha0.5 control")
    assert row(text, "**Table 6.", "real", "16", "", "") == figures("small real 16 control")
    assert row(text, "**Table 6.", "styled_diff", "16", "1", "the N") == figures("small styled_diff 16 x1 control")
    assert row(text, "**Table 6.", "styled_diff", "16", "1", "all pairs") == figures("small styled_diff 16 x1 control saw all")


def test_a_skipped_cell_tells_why(render: Callable[..., str], results: Path) -> None:
    assert f"| diff | 2 | n/a: {REASON} |  |  |  |" in page(render, results)


def test_one_group_has_no_intervals(render: Callable[..., str], results: Path) -> None:
    found = summary(groups=1)
    for recipe in found["recipes"].values():
        versus = recipe["versus_real"] or {}
        for one in (recipe["iou"], recipe["dice_loss"], versus.get("iou", {}), versus.get("dice_loss", {})):
            one["ci95"] = None
    write(results, "summary", found)
    assert row(page(render, results), "**Table 3.", "diff", "1")[:2] == ["0.520 ± 0.013 [n/a]", "+0.002 [n/a]"]


def test_pools_stand_beside_real_images_and_without_weights_there_is_no_fid(render: Callable[..., str], results: Path) -> None:
    text = page(render, results)
    title = "**Tables 1 and 2."
    assert row(text, title, "real", "halves", "50 of 100", "") == ["n/a", "20 ± 1 (19, 20, 21)", "0.2 ± 0.01 (0.19, 0.2, 0.21)"]
    assert row(text, title, "diff", "raw", "40 of 90", "25.0%")[:2] == ["n/a", "30 ± 1 (29, 30, 31)"]
    assert row(text, title, "diff", "kept", "1 of 1", "") == ["n/a", "n/a", "n/a"]
    assert "no Inception weights" in text
    assert "in 3 of five scales" in text


def test_with_weights_fid_has_its_column(render: Callable[..., str], results: Path) -> None:
    of_real = {"fid": {"mean": 88.0, "deviation": None, "values": [88.0, 88.0, 88.0]}}
    write(results, "fidelity", fidelity(POOLS[0] | of_real) | {"inception": {"sha256": "abc"}})
    text = page(render, results)
    assert row(text, "**Tables 1 and 2.", "real", "halves", "50 of 100", "")[0] == "88"
    assert "no Inception weights" not in text
    assert row(page(render, results, "paper2"), "Tables 1 and 2 of the paper", "Real")[:2] == ["88", "-4.412e-5"]


def test_gates_are_counted_and_what_did_not_hold_is_told(render: Callable[..., str], results: Path) -> None:
    assert "Gates: 1 of 1 open; closed: none. What did not hold: nothing." in page(render, results)
    gate(results, "selection-diff", True, "every class keeps images", "few copies")
    gate(results, "pools-diff", False, "no pool is empty")
    text = page(render, results)
    assert "Gates: 2 of 3 open; closed: pools-diff. What did not hold:" in text
    assert "- selection-diff: every class keeps images, few copies." in text


def test_paper_2s_cells_stand_beside_ours(render: Callable[..., str], results: Path) -> None:
    text = page(render, results, "paper2")
    assert row(text, "Table 3 of the paper", "Real")[:2] == ["0.500 ± 0.013 [0.400 to 0.600]", "0.8085"]
    assert row(text, "Table 3 of the paper", "Diff-1") == [
        "0.520 ± 0.013 [0.420 to 0.620]",
        "0.5948",
        "+0.002 [-0.044 to +0.067]",
        "-0.2137",
        "0.220 ± 0.013 [0.120 to 0.320]",
        "0.3434",
    ]
    assert row(text, "Table 3 of the paper", "Diff-2") == ["n/a: skipped", "0.5948", "", "-0.2137", "", "0.3434"]
    assert row(text, "Table 4 of the paper", "Styled-Diff")[1] == "0.7644"
    small = summary()["recipes"]["small styled_diff 16 x1 control saw all"]["iou"]["mean"]
    ours, theirs, _, less, *_ = row(text, "Table 6 of the paper", "Styled-Diff, N = 16, r = 1")
    assert (ours, theirs, less) == (f"{small:.3f} ± 0.013 [{small - 0.1:.3f} to {small + 0.1:.3f}]", "0.5930", "+0.0667")
    assert row(text, "Tables 1 and 2 of the paper", "Diff") == [
        "n/a",
        "36.01, 37.90, 37.78",
        "0.3 ± 0.01 (0.29, 0.3, 0.31)",
        "0.2081, 0.2126, 0.2096",
        "30 ± 1 (29, 30, 31)",
        "25.0%",
    ]
    assert row(text, "Tables 1 and 2 of the paper", "GAN")[0] == "not run"


def test_paper_2s_cells_that_we_lack_are_told_and_so_is_what_differs(render: Callable[..., str], results: Path) -> None:
    text = page(render, results, "paper2")
    assert "Not run here: GAN, Full-Diff, Full-Styled-Diff." in text
    assert "Not run here: 26 of 28 rows." in text
    assert "100 training pairs of frames against 348 of HyperKvasir; 25 test pairs (label_name C5) against 200" in text
    assert "unet with tu-resnet10t (random weights), 200 steps of 8" in text


def test_paper_2_without_evidence_was_not_run(render: Callable[..., str], tmp_path: Path) -> None:
    assert "Not run: there is no evidence in `results/cpu-polyp/`." in page(render, tmp_path, "paper2")
