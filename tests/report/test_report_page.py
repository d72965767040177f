"""The page as a whole: what it says, what it never holds, what it refuses."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from synthtrace.digests import digest
from synthtrace.errors import InputError
from synthtrace.params import load_params
from synthtrace.report.page import build_page
from synthtrace.tables import read_selection, write_selection

VOID = {"meta", "link", "img", "br", "hr", "line", "path", "circle", "rect"}
WRITTEN = ["metrics/summary.json", "metrics/curve.json", "metrics/fidelity.json", "metrics/explain.json", "dvc.yaml"]
WRITTEN += ["plots/auc.csv", "plots/roc.csv", "plots/curve.csv", "plots/curve_roc.csv", "data/folds/folds.csv"]
WRITTEN += ["data/explanations/values.npy", "data/explanations/images/real-nafld-0.png"]


class Reader(HTMLParser):
    """Checks that tags nest, and gathers attributes and text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def page(pristine) -> str:
    return build_page(pristine, load_params(pristine / "params.yaml"))


@pytest.fixture(scope="module")
def text(page) -> str:
    reader = Reader()
    reader.feed(page[page.index("<body>") : page.index("</html>")])
    return re.sub(r"\s+", " ", " ".join(reader.text))


def edit_summary(workspace: Path, change) -> None:
    path = workspace / "metrics/summary.json"
    summary = json.loads(path.read_text())
    change(summary)
    path.write_text(json.dumps(summary))


def test_the_same_workspace_gives_the_same_bytes(page, workspace, params):
    assert build_page(workspace, params) == page


def test_tags_nest_and_close(page):
    reader = Reader()
    reader.feed(page)
    assert reader.open == []


def test_nothing_is_fetched_and_nothing_is_scripted(page):
    assert "http://" not in page
    assert "https://" not in page
    assert "<script" not in page
    assert "@import" not in page
    reader = Reader()
    reader.feed(page)
    own = ("data:", "#")
    fetched = [value for name, value in reader.attributes if name in ("src", "href") and not value.startswith(own)]
    assert fetched == []
    assert "url(" not in page


def test_the_content_stands_in_order(text):
    headings = [
        "Does synthetic data help",
        "data set phantom",
        "A demonstration on simulated scans, small on purpose",
        "The answer",
    ]
    headings += ["versus real, images", "Tests, and what each supports", "ROC, images", "AUC against mixing rate"]
    headings += ["How far each pool lies", "What the classifier looks at", "Real beside synthetic", "What became of each pool"]
    headings += ["Checks of the data", "How the data flows"]
    headings += ["What this page was made from", "What these intervals mean", "Limits", "Terms"]
    places = [text.index(heading) for heading in headings]
    assert places == sorted(places)


def test_the_contents_lead_to_every_part(page):
    reader = Reader()
    reader.feed(page)
    ids = [value for name, value in reader.attributes if name == "id"]
    assert [value for name, value in reader.attributes if name == "href" and value.startswith("#")] == [
        f"#{one}" for one in ids
    ]
    assert len(ids) == page.count("<h2") - 1


def test_the_facts_of_the_data_set_are_counted(text):
    for fact in ("16 images", "healthy 4 patients", "nafld 4 patients", "2 folds", "mixing rate 1.0"):
        assert fact in text


def test_the_demonstration_banner_is_for_phantoms_only(workspace, with_dataset):
    assert "A demonstration on simulated scans" not in build_page(workspace, with_dataset(kind="table"))


def test_a_data_set_without_patient_ids_is_warned_of(page, workspace, with_dataset):
    warning = "this data set has no patient ids"
    assert warning not in page
    without = build_page(workspace, with_dataset(patient_ids="none"))
    assert warning in without
    assert "on 16 images without patient ids" in without


def test_the_table_shows_mean_spread_and_intervals(text):
    assert "0.873 ± 0.011 [0.770, 0.940]" in text
    assert "+0.012 [\N{MINUS SIGN}0.020, +0.050]" in text
    assert "not independent patients" in text


def test_nulls_read_as_not_available(workspace, params):
    def null(summary):
        summary["scenarios"]["class"]["versus_real"] = {"difference": 0.1, "ci95": None, "t": None, "p": None}
        summary["scenarios"]["class"]["auc_image"] = {"mean": 0.8, "sd": None, "ci95": [None, None]}

    edit_summary(workspace, null)
    html = build_page(workspace, params)
    assert "0.800 ± n/a" in html
    assert "no interval could be computed" in html
    assert not re.search(r"\b(nan|None|null)\b", re.sub(r"base64,[^\"]*", "", html[html.index("<body>") :]))


def test_further_backbones_get_a_table_of_their_own(workspace, params):
    edit_summary(workspace, lambda summary: summary.update(backbones={"vit_tiny": summary["scenarios"]}))
    html = build_page(workspace, params)
    assert "Backbone resnet10t, the headline&#39;s" in html
    assert "Backbone vit_tiny" in html


def test_every_fold_and_class_shows_real_beside_kept_images(page, params):
    sections = re.findall(r"<details( open)?>\s*<summary>Fold (\d)</summary>(.*?)</details>", page, flags=re.DOTALL)
    assert [(is_open, fold) for is_open, fold, _ in sections] == [(" open", "0"), ("", "1")]
    for _, _, body in sections:
        assert re.findall(r'<div class="small">(\w+)</div>', body) == ["real", "semantic", "class"] * 2
        rows = [len(re.findall("<img", row)) for row in body.split('<div class="strip">')[1:]]
        # 2 patients a class with 2 frames each train a fold; 5 of the 6 candidates of class 0 are kept
        assert rows == [4, 5, 5, 4, 6, 6]
        assert "distance 0.2" in body


def test_dropped_candidates_are_never_shown(page):
    assert "semantic-f0-00002" in page
    assert "semantic-f0-00000" not in page


def test_at_most_the_asked_number_of_images_is_shown(workspace, params):
    fewer = params.model_copy(update={"report": params.report.model_copy(update={"images_per_class": 2})})
    gallery = build_page(workspace, fewer).partition('id="pictures"')[2]
    assert gallery.count("<img") == 2 * 2 * 3 * 2


def test_folds_that_the_table_does_not_name_are_not_read(page, workspace, params):
    stray = workspace / "data/selected/semantic/fold7"
    stray.mkdir()
    (stray / "selection.parquet").write_bytes(b"left behind")
    (workspace / "data/pools/semantic/fold7").mkdir()
    html = build_page(workspace, params)
    assert "fold7" not in html
    assert html.count("<summary>Fold") == 2


def test_selection_is_counted(text, workspace, params):
    assert "semantic 0 12 1 11 91.7%" in text
    folder = workspace / "data/selected/class/fold1"
    selection = read_selection(folder)
    write_selection(folder, selection.assign(kept=False, nearest_real_distance=float("nan")))
    html = re.sub(r"<[^>]+>", " ", build_page(workspace, params))
    assert "class 1 12 1 0 0.0% n/a" in re.sub(r"\s+", " ", html)


def test_gates_say_what_did_not_hold(text, page):
    assert "scans: passed, 1 warning of 2 expectations" in text
    assert "6 of 16 did not hold (observed: column pixel_hash, empty 0, distinct 15)." in text
    assert "The first 2 are shown." in text
    assert "image01" in text
    assert "Look at &lt;these&gt; frames." in page
    assert "crops: passed 1 expectation" in text


def test_a_failed_gate_is_shown_open(workspace, params):
    path = workspace / "metrics/quality/scans.json"
    verdict = json.loads(path.read_text()) | {"pass": False}
    path.write_text(json.dumps(verdict))
    html = build_page(workspace, params)
    assert re.search(r"<details open>\s*<summary>scans: <span class=\"failed\">failed</span>", html)


def test_digests_are_those_of_the_bytes_that_were_read(page, pristine):
    for path in ("data/crops/images", "data/pools", "metrics/summary.json", "plots/roc.csv"):
        full = digest(pristine / path)
        assert f'title="{full}">{full[:12]}<' in page


def test_names_from_the_data_are_escaped(workspace, params):
    path = workspace / "data/crops/manifest.csv"
    manifest = pd.read_csv(path, dtype=str)
    manifest["patient_id"] = '"><script>'
    manifest.to_csv(path, index=False)
    assert "<script>" not in build_page(workspace, params)


@pytest.mark.parametrize("path", WRITTEN)
def test_a_missing_file_is_named(workspace, params, path):
    (workspace / path).unlink()
    with pytest.raises(InputError, match=re.escape(path)):
        build_page(workspace, params)


def test_a_table_without_a_column_is_named(workspace, params):
    (workspace / "plots/roc.csv").write_text("scenario,fpr\nreal,0\n")
    with pytest.raises(InputError, match=r"roc.csv: missing column 'tpr'"):
        build_page(workspace, params)


@pytest.mark.parametrize(
    ("unused", "mode", "said"), [(True, "decoder", True), (True, "scratch", False), (False, "decoder", False)]
)
def test_pre_training_on_the_studys_own_source_is_said(workspace, params, unused, mode, said):
    pretraining = params.pretraining.model_copy(update={"unused": unused})
    autoencoder = params.autoencoder.model_copy(update={"mode": mode})
    page = build_page(workspace, params.model_copy(update={"pretraining": pretraining, "autoencoder": autoencoder}))
    assert ("Pre-training saw images of the same source." in page) == said


@pytest.mark.parametrize(
    ("traditional", "said"), [("crops", "as many random crops of real images"), ("on_the_fly", "real images alone, altered on")]
)
def test_the_answer_says_what_traditional_is(workspace, params, traditional, said):
    classifier = params.classifier.model_copy(update={"traditional": traditional})
    page = build_page(workspace, params.model_copy(update={"classifier": classifier}))
    assert f"For comparison, {said}" in page
