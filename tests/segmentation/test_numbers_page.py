"""The segmentation study's page: what it says, and in a real browser."""

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from made_scores import FOLDS, MANIFEST, PARAMS, by_item, listed, scores, wanted
from made_study import make_study, parameters

from synthtrace.compare.segmentation import compare
from synthtrace.params.segmentation import SegmentationParams
from synthtrace.quality.gate import judge, write_json
from synthtrace.quality.suites.segmentations import measure, suites
from synthtrace.report.segmentation.page import build_page
from synthtrace.segment.tables import write_drawn

PROJECT = Path(__file__).parents[2]
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
QUIET += ["--disable-sync", "--no-first-run"]
SKIPPED = "synthetic gan x3 control"
ADDED = "augment diff alpha0.5 control"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study from pools to gates with made-up scores, a skipped mix, a warning and a cluster that was merged."""
    root = tmp_path_factory.mktemp("page")
    make_study(root, PARAMS)
    shutil.copy(PROJECT / "studies/segmentation/dvc.yaml", root)
    table = scores(skip=frozenset([SKIPPED]))
    table["predicted_area"] = 0.1
    summary = compare(table, {SKIPPED: "no real pair has more than 2"}, FOLDS, PARAMS).summary
    verdict = judge("predictions", "x", measure(by_item(table), listed(SKIPPED), MANIFEST, FOLDS, PARAMS), suites())
    (root / "metrics/quality").mkdir(parents=True)
    (root / "data/clusters/fold0").mkdir(parents=True)
    write_json(root / "metrics/summary.json", summary)
    write_json(root / "metrics/quality/predictions.json", {"gate": "predictions", "judged": {}} | verdict)
    write_json(root / "metrics/fidelity.json", fidelity())
    write_json(root / "data/clusters/fold0/report.json", {"clusters": 2, "sizes": [9, 7], "warnings": ["one was merged"]})
    for item in ["real", *PARAMS.generators.pools]:
        (root / f"data/segmenters/{item}").mkdir(parents=True)
        rows = [
            (one.name, seed, 0, f"{one.pool}-f0-{pair}" if pair else "r0", "r0")
            for one in wanted()
            if one.pool == item
            for seed in range(2)
            for pair in range(1 if item == "real" else 3)
        ]
        drawn = pd.DataFrame(rows, columns=["recipe", "seed", "fold", "image_id", "source_image_id"])
        write_drawn(root / f"data/segmenters/{item}", drawn)
    return root


def fidelity() -> dict:
    pools = [("real", "halves"), *((kind, part) for kind in PARAMS.generators.pools for part in ("raw", "kept"))]
    metric = {"mean": 1.5, "deviation": 0.5, "values": [1.0, 2.0]}
    row = {"images": 16, "reference": 16, "available": 32, "untouched": 0.4, "fd_resnet10t": metric}
    return {
        "extractor": {"name": "resnet10t", "digest": "x"},
        "inception": None,
        "ms_ssim": {"scales": 2, "pairs_a_class": 10},
        "draws": 2,
        "pools": [{"kind": kind, "part": part, **row, "ms_ssim": None if part == "kept" else metric} for kind, part in pools],
    }


def page(root: Path, params: SegmentationParams = PARAMS) -> str:
    return build_page(root, params)


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", re.sub(r"(?s)<style>.*?</style>", "", html)))


def test_the_answer_comes_first_and_names_every_kind(folder: Path) -> None:
    text = words(page(folder))
    answer = text[text.index("The answer") : text.index("Split")]
    assert (
        "Trained on all real pairs with standard augmentation, the network reaches an IoU of 0.360 on 6 test images" in answer
    )
    assert "of 3 patients" in answer
    for kind in ("diff", "gan", "styled_diff"):
        assert f"dding {kind} pairs changed it by +0.100 (95% patient bootstrap +0.100 to +0.100): they helped" in answer
    assert "gan (1 for each real pair)" in answer, "the largest multiple that was trained"
    assert "diff (3 for each real pair)" in answer
    assert "synthetic variants helped in 1 of 1 mixes" in answer


def test_the_split_its_warnings_and_the_skipped_mix_are_told(folder: Path) -> None:
    text = words(page(folder))
    assert "Test pairs: images whose label_name is C3." in text
    assert "Clusters: one was merged." in text
    assert "Intervals rest on 3 patients alone" in text
    assert f"{SKIPPED} 3 no real pair has more than 2" in text
    assert "Every mix was trained once" not in text
    assert "A demonstration on simulated images" in text
    assert "no patient ids" in words(page(folder, parameters(dataset={"patient_ids": "none"})))
    assert "all 16 8 12.5% 8 4 12.5%" in text


def test_tables_1_to_6_stand_on_the_page_with_what_was_drawn(folder: Path) -> None:
    html = page(folder)
    for number in "123456":
        assert f"<h3>Table {number}. " in html
    assert "1 real<br>2 synthetic" in html
    assert "<td>all pairs</td>" in html
    assert "Lower is nearer. It is not FID." in html
    assert "40%" in html


def test_pairs_of_every_pool_are_shown_and_no_dropped_one(folder: Path) -> None:
    html = page(folder)
    assert html.count("data:image/png;base64,") == 2 * 2 + 4 * 2 * 4
    assert "diff-f0-00001, made from" in html
    assert "diff-f0-00000" not in html
    assert html.count("<figure") == 2 + 4 * 2


def test_the_page_is_a_pure_function_of_its_files(folder: Path) -> None:
    assert page(folder) == page(folder)
    assert not re.search(r"20\d\d-\d\d-\d\d|" + re.escape(str(folder)), page(folder))


def test_a_study_of_one_group_and_one_seed_concludes_nothing(folder: Path, tmp_path: Path) -> None:
    root = tmp_path / "one"
    shutil.copytree(folder, root)
    one = parameters(segmenter={"seeds": 1}, mixes={"small_sets": []}, split={"column": None, "test": None})
    summary = compare(scores(one).assign(group_id="P"), {}, FOLDS, one).summary
    (root / "metrics/summary.json").write_text(json.dumps(summary), encoding="utf-8")
    text = words(page(root, one))
    assert "no conclusion" in text
    assert "All test images are of one of the patients" in text
    assert "Every mix was trained once" in text
    assert "Test pairs were drawn from the same sources" in text
    assert "Table 6" not in text
    assert "helped in" not in text


@pytest.mark.skipif(BROWSER is None, reason="no chromium or google-chrome on PATH")
def test_the_page_fits_its_window_and_the_console_stays_silent(folder: Path, tmp_path: Path) -> None:
    api = pytest.importorskip("playwright.sync_api")
    path = tmp_path / "index.html"
    path.write_text(page(folder), encoding="utf-8")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=QUIET)
        for width, scheme in ((390, "light"), (1280, "dark")):
            opened = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
            said: list[str] = []
            opened.on("console", lambda message, said=said: said.append(message.text))
            opened.on("pageerror", lambda error, said=said: said.append(str(error)))
            opened.on("request", lambda request, said=said: said.append(request.url) if "http" in request.url[:5] else None)
            opened.goto(path.as_uri())
            assert opened.evaluate("() => document.documentElement.scrollWidth") == width
            assert opened.evaluate("() => [...document.images].every(one => one.complete && one.naturalWidth > 0)")
            assert opened.evaluate("() => Math.min(...[...document.images].map(one => one.width))") > 130
            cut = opened.evaluate(
                "() => [...document.querySelectorAll('.scroll')].filter(x => x.scrollWidth > x.clientWidth).length"
            )
            assert width == 390 or cut == 0, "a wide window shows every column"
            assert said == []
            opened.close()
        browser.close()
