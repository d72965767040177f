"""The figures in docs/results.md are those of the committed evidence."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
AUC = {"mean": 0.8125, "sd": 0.0125, "ci95": [0.75, 0.875]}
# the same figures with other names would hide a column that was mixed up with another
PATIENT = {"mean": 0.8375, "sd": 0.0225, "ci95": [0.76, 0.885]}
VERSUS = {"difference": 0.0211, "ci95": [-0.0111, 0.0555], "t": 2.51, "p": 0.0312, "p_holm": 0.0624}
RESPLIT = {"t": 1.11, "p": 0.222, "p_holm": 0.444}
PATIENT_VERSUS = {"difference": 0.0311, "ci95": [-0.0222, 0.0666], "t": 3.51, "p": 0.0001, "p_holm": 0.0002}
DELONG = {"z": 0.71, "p": 0.477, "p_holm": 0.954}


def summary(**more: Any) -> dict[str, Any]:
    scenarios = {
        "real": {"auc_image": AUC, "auc_patient": PATIENT},
        "semantic": {"auc_image": AUC, "auc_patient": PATIENT, "versus_real": VERSUS, "versus_real_patient": PATIENT_VERSUS},
    }
    scenarios["semantic"]["versus_real_patient"] = PATIENT_VERSUS | more.pop("tests", {})
    return {"patients": 55, "images": 550, "seeds": 3, "mixing_rate": 1.5, "scenarios": scenarios, **more}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    write(tmp_path, "summary", summary())
    record = {"stage": "compare", "started": "then", "seconds": 120.0, "device": "cpu", "threads": 1}
    (tmp_path / "toy/records").mkdir()
    (tmp_path / "toy/records/compare.json").write_text(json.dumps(record))
    return tmp_path


def write(results: Path, name: str, figures: Any) -> None:
    path = results / "toy/metrics" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(figures))


def rows(page: str, name: str) -> list[list[str]]:
    """Cells of every table row whose first cell is `name`."""
    lines = [line.strip("| ").split("|") for line in page.splitlines() if line.startswith(f"| {name} |")]
    return [[cell.strip() for cell in cells] for cells in lines]


def marked(name: str) -> str:
    return f"before\n<!-- begin {name} -->\nold\n<!-- end {name} -->\nafter\n"


def test_the_page_is_what_the_evidence_gives(render: Callable[..., str]) -> None:
    if not (ROOT / "results").exists():
        pytest.skip("no evidence is committed yet")
    page = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    assert "<!-- begin " in page
    assert render(page) == page


def test_evidence_without_the_newer_figures_has_the_scenarios_alone(render: Callable[..., str], results: Path) -> None:
    page = render(marked("toy"), results)
    assert page.startswith("before\n<!-- begin toy -->")
    assert page.endswith("<!-- end toy -->\nafter\n")
    assert "old" not in page
    (semantic,) = rows(page, "semantic")
    assert semantic == [
        "semantic",
        "0.812 ± 0.013",
        "0.750 to 0.875",
        "0.838 ± 0.022",
        "0.760 to 0.885",
        "+0.021",
        "-0.011 to +0.056",
        "2.51, 0.031",
    ]
    assert not any(word in page for word in ("DeLong", "baseline", "Curve", "Fréchet", "SHAP"))


def test_a_section_of_the_main_study_is_this_to_the_byte(render: Callable[..., str], results: Path) -> None:
    expected = """before
<!-- begin toy -->

Command: `make results PRESET=toy`. Evidence: `results/toy/`.

55 patients, 550 images, 3 seeds, mixing rate 1.5; device cpu, 1 thread(s) a stage, 2 minutes of stage time in all.

| scenario | AUC, images: mean ± sd over seeds | 95% interval | AUC, patients: mean ± sd | 95% interval | versus real, \
images | 95% interval | t, p over seeds |
|---|---|---|---|---|---|---|---|
| real | 0.812 ± 0.013 | 0.750 to 0.875 | 0.838 ± 0.022 | 0.760 to 0.885 |  |  |  |
| semantic | 0.812 ± 0.013 | 0.750 to 0.875 | 0.838 ± 0.022 | 0.760 to 0.885 | +0.021 | -0.011 to +0.056 | 2.51, 0.031 |

Intervals are patient-level bootstraps; the one of the difference is paired and carries the claim. t and p are the paired \
test over seeds, which are not independent patients.

<!-- end toy -->
after
"""
    assert render(marked("toy"), results) == expected


@pytest.mark.parametrize(("resplit", "shown"), [(RESPLIT, "1.11, 0.222 (0.444)"), (None, "one split")])
def test_the_other_tests_have_a_table(render: Callable[..., str], results: Path, resplit: Any, shown: str) -> None:
    write(results, "summary", summary(tests={"delong": DELONG, "nadeau_bengio": resplit}))
    _, semantic = rows(render(marked("toy"), results), "semantic")
    assert semantic[1:] == [
        "+0.031 [-0.022 to +0.067]",
        "0.71, 0.477 (0.954)",
        shown,
        "0.062",
        "< 0.001",
    ]


def test_an_undefined_test_is_not_available(render: Callable[..., str], results: Path) -> None:
    undefined = {"delong": {"z": None, "p": None, "p_holm": None}, "nadeau_bengio": None}
    write(results, "summary", summary(tests=undefined))
    _, semantic = rows(render(marked("toy"), results), "semantic")
    assert semantic[2] == "n/a, n/a (n/a)"


def test_baselines_stand_beside_the_classifiers(render: Callable[..., str], results: Path) -> None:
    plain = {"auc_image": {**AUC, "sd": None}, "auc_patient": {**PATIENT, "sd": None}}
    entry = {**plain, "versus_real": VERSUS, "versus_real_patient": PATIENT_VERSUS}
    write(results, "summary", summary(baselines={"hepatorenal_index": entry}))
    (row,) = rows(render(marked("toy"), results), "hepatorenal_index")
    assert row[1:] == [
        "0.812 [0.750 to 0.875]",
        "0.838 [0.760 to 0.885]",
        "+0.021 [-0.011 to +0.056]",
        "+0.031 [-0.022 to +0.067]",
    ]


@pytest.mark.parametrize(
    ("backbone", "freezing", "real", "semantic"),
    [
        ("resnet50", "partial", "ResNet-50: 0.861, 0.907", "ResNet-50: 0.882, 0.918"),
        ("tf_efficientnetv2_s", "partial", "EfficientNet v2: 0.864, 0.932", "EfficientNet v2: 0.879, 0.927"),
        ("efficientnet_b0", "partial", "EfficientNet v1: 0.871, 0.896", "EfficientNet v1: 0.884, 0.908"),
        ("resnet50", "none", "", ""),
        ("vit_small_patch16_224", "partial", "", ""),
    ],
)
def test_the_curve_stands_beside_what_the_paper_states(
    render: Callable[..., str], results: Path, backbone: str, freezing: str, real: str, semantic: str
) -> None:
    point = {"auc_image": AUC, "auc_patient": PATIENT, "auc_fold": {"mean": 0.7777, "sd": None}}
    versus = {"versus_real": VERSUS, "versus_real_patient": PATIENT_VERSUS}
    points = [
        {"scenario": "real", "mixing_rate": 0.0, **point},
        {"scenario": "semantic", "mixing_rate": 0.5, **point, **versus},
        {"scenario": "semantic", "mixing_rate": 1.5, **point, **versus},
    ]
    name = f"{backbone} {freezing}"
    run = {"name": name, "backbone": backbone, "freezing": freezing, "balanced": False, "seeds": 2, "points": points}
    write(results, "curve", {"patients": 55, "images": 550, "runs": [run]})
    page = render(marked("toy"), results)
    assert f"Curve {name}, 2 seeds:" in page
    _, at_zero = rows(page, "real")
    _, at_half, at_rate = rows(page, "semantic")
    assert at_zero[1:] == ["0", "0.812 ± 0.013", "", "", "0.838 ± 0.022", "", "0.778", *([real] if real else [])]
    assert at_half[1:8] == [
        "0.5",
        "0.812 ± 0.013",
        "+0.021 [-0.011 to +0.056]",
        "2.51, 0.031 (0.062)",
        "0.838 ± 0.022",
        "+0.031 [-0.022 to +0.067]",
        "0.778",
    ]
    assert at_half[8:] == []
    assert at_rate[8:] == ([semantic] if semantic else [])


def test_fidelity_has_a_row_a_kind_class_and_part_with_its_own_metric_names(render: Callable[..., str], results: Path) -> None:
    def entry(kind: str, label_name: str | None, part: str, value: float) -> dict[str, Any]:
        distance = {"mean": value, "ci95": [value - 1, value + 1]}
        head = {"kind": kind, "label": None if label_name is None else 0, "label_name": label_name, "part": part}
        return {**head, "images": 40, "reference": 20, "fd_resnet10t": distance, "kd_resnet10t": {**distance, "mean": 0.00123}}

    kinds = [entry("real", None, "training", 3.0), entry("class", "healthy", "kept", 12345.6)]
    kinds[0]["kd_resnet10t"] = {"mean": None, "ci95": None}
    write(results, "fidelity", {"extractor": {"name": "resnet10t"}, "kinds": kinds})
    page = render(marked("toy"), results)
    _, floor = rows(page, "real")
    (row,) = rows(page, "class")
    assert floor[1:5] == ["all", "training", "40", "3 [2 to 4]"]
    assert floor[5] == "n/a"
    assert row[1:] == ["healthy", "kept", "40", "1.235e+04 [1.234e+04 to 1.235e+04]", "0.00123 [1.234e+04 to 1.235e+04]"]
    assert "fd_resnet10t: mean over folds" in page


def test_the_additivity_error_is_stated(render: Callable[..., str], results: Path) -> None:
    explained = {
        "scenario": "semantic",
        "backbone": "resnet10t",
        "fold": 0,
        "background": 16,
        "samples": 64,
        "images": [{}] * 8,
        "additivity_error": {"mean": 0.03456, "max": 0.1},
        "relative_error": {"mean": 0.025, "max": None},
    }
    write(results, "explain", explained)
    assert "additivity error 0.03456 logits on average, 2.5% of what there was to divide up, 0.1 at most" in render(
        marked("toy"), results
    )


def test_benchmarks_show_their_ratio_command_and_machine(render: Callable[..., str], results: Path) -> None:
    (results / "benchmarks").mkdir()
    assert "No benchmark's figures" in render(marked("benchmarks"), results)
    grid = {"name": "grid", "ratio": 3.456789, "same_result": True, "cases": {"frozen": {"ratio": 21.0}, "device": "cpu"}}
    grid |= {"command": "python benchmarks/grid.py", "machine": "two CPU cores"}
    (results / "benchmarks/grid.json").write_text(json.dumps(grid))
    page = render(marked("benchmarks"), results)
    assert rows(page, "grid") == [["grid", "3.457x", "yes", "`python benchmarks/grid.py`", "two CPU cores"]]
    assert "- grid: cases.frozen.ratio 21; cases.device cpu" in page


def test_the_papers_figures_have_their_place(render: Callable[..., str], results: Path) -> None:
    page = render(marked("paper"), results)
    (row,) = rows(page, "ResNet-50, partly frozen, images")
    assert row[1:] == ["0.861", "0.882", "Figure 5B"]
    (row,) = rows(page, "EfficientNet v2, partly frozen, patients")
    assert row[1:] == ["0.932", "0.927", "Supplementary Figure 6B"]


def paper(results: Path, preset: str, *points: dict[str, Any], kinds: tuple[dict[str, Any], ...] = ()) -> None:
    """Evidence of a preset with these points of its curve and rows of fidelity."""
    metrics = results / preset / "metrics"
    metrics.mkdir(parents=True)
    (metrics / "curve.json").write_text(json.dumps({"runs": [{"points": points}]}))
    (metrics / "fidelity.json").write_text(json.dumps({"extractor": {"metric_suffix": "resnet18"}, "kinds": kinds}))


def cell(scenario: str, selection: str, mode: str, rate: float, value: float | None) -> dict[str, Any]:
    head = {"scenario": scenario, "selection": selection, "mode": mode, "mixing_rate": rate}
    if value is None:
        return head | {"unfilled": {"fold": 0, "kept": 7, "candidates": 900, "needed": 324, "label_name": "tumor"}}
    names = ("accuracy", "auc", "sensitivity", "specificity", "f1")
    return head | {"scores": {name: {"mean": value + index / 100, "sd": 0.012} for index, name in enumerate(names)}}


def test_paper_4s_cells_stand_beside_ours_and_the_others_were_not_run(render: Callable[..., str], results: Path) -> None:
    page = render(marked("paper4"), results)
    assert all(row.count("not run") in (4, 5) for row in page.splitlines() if row.startswith("| ") and "ours" not in row)
    drawn = {"kind": "dit", "part": "drawn", "selection": "realism", "mixing_rate": 1.0, "label": None}
    drawn |= {"precision_resnet18": {"mean": 0.875, "ci95": [0.85, 0.9]}, "recall_resnet18": {"mean": None, "ci95": None}}
    points = [cell("real", "none", "augment", 0.0, 0.7), cell("gan", "realism", "transfer", 1.0, 0.8)]
    paper(results, "cpu-pcam", *points, cell("unet", "realism", "augment", 1.0, None), kinds=(drawn,))
    page = render(marked("paper4"), results)
    assert "|  |  | real | 70.0 ± 1.2 | 82.16 ± 0.23 | 71.0 ± 1.2 | 90.17 ± 0.20 |" in page
    assert "| realism | transfer | GAN (theirs: HistoGAN) | 80.0 ± 1.2 | 85.38 ± 0.56 | 81.0 ± 1.2 |" in page
    assert "| realism | augment | U-Net diffusion | n/a: 7 of 900 tumor kept | 85.78 ± 0.62 |" in page
    assert (
        "| DiT diffusion | not run | not run | 40.02 ± 1.78 | 87.5 [85.0 to 90.0] | 41.08 ± 2.10 | n/a | 6.83 ± 0.28 |" in page
    )


def test_paper_3s_ablations_come_from_their_own_evidence(render: Callable[..., str], results: Path) -> None:
    paper(results, "cpu-histo", cell("guided", "centroid", "augment", 2.0, 0.8))
    paper(results, "cpu-histo-untuned", cell("guided", "centroid", "augment", 2.0, 0.6))
    page = render(marked("paper3"), results)
    full, untuned, unpretrained = (
        next(line for line in page.splitlines() if line.startswith(f"| {name} | selective | 2 |"))
        for name in ("HistoDiffusion", "without fine-tuning", "without pre-training")
    )
    assert "| 80.0 ± 1.2 | 0.919 | 84.0 ± 1.2 | 0.916 |" in full
    assert "| 60.0 ± 1.2 | 0.897 | 64.0 ± 1.2 | 0.892 |" in untuned
    assert "| not run | 0.895 |" in unpretrained


def test_a_curve_of_several_ways_names_them_and_says_which_it_could_not_fill(render: Callable[..., str], results: Path) -> None:
    levels = {"auc_image": AUC, "auc_patient": PATIENT, "auc_fold": {"mean": 0.8, "sd": None}}
    versus = {"versus_real": VERSUS, "versus_real_patient": PATIENT_VERSUS}
    head = {"name": "resnet18 none", "backbone": "resnet18", "freezing": "none", "balanced": False, "seeds": 2}
    head |= {"selections": ["none", "realism"], "modes": ["transfer"]}
    points = [cell("real", "none", "augment", 0.0, 0.7) | levels, cell("gan", "none", "transfer", 1.0, 0.7) | levels | versus]
    points.append(cell("gan", "realism", "transfer", 1.0, None))
    write(results, "curve", {"runs": [head | {"points": points}]})
    page = render(marked("toy"), results)
    assert rows(page, "gan, none, transfer")[0][1:3] == ["1", "0.812 ± 0.013"]
    assert rows(page, "gan, realism, transfer")[0][1:3] == ["1", "n/a: 7 of 900 tumor kept, 324 needed"]
