"""A reader test of pairs: what is drawn and shown, what is kept of an answer, and what the score says."""

import json
import re
import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from flask.testing import FlaskClient
from pair_study import PLAN, make_pair_study
from PIL import Image
from reader_server import Server, needs_browser
from typer.testing import CliRunner

from synthtrace.cli import app
from synthtrace.errors import InputError
from synthtrace.images import pixel_hash, read_image
from synthtrace.tables import read_ledger
from synthtrace.turing.agreement import cohen_kappa, graded_kappa
from synthtrace.turing.answers import Answers
from synthtrace.turing.app import make_app
from synthtrace.turing.build import build, draw
from synthtrace.turing.key import image_paths, mask_paths, read_key, shown_digest
from synthtrace.turing.pair_score import score_pairs
from synthtrace.turing.questions import GRADES, OF_PAIRS
from synthtrace.turing.score import score

COUNT = 10


@pytest.fixture(scope="module")
def pair_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("pair-study")
    make_pair_study(root)
    return root


@pytest.fixture
def pairs(pair_study: Path, tmp_path: Path) -> Path:
    """A fresh test: 4 real pairs and 6 synthetic ones."""
    build(pair_study, tmp_path / "test", PLAN)
    return tmp_path / "test"


def client_of(folder: Path, name: str) -> tuple[FlaskClient, Answers]:
    answers = Answers(folder, shown_digest(folder), OF_PAIRS)
    client = make_app(image_paths(folder), answers, shown_digest(folder), None, mask_paths(folder)).test_client()
    client.post("/", data={"name": name})
    return client, answers


def form(number: int, image: str, mask: str, source: str) -> dict:
    return {"number": number, "image_quality": image, "mask_quality": mask, "answer": source}


def test_each_image_lies_beside_its_own_mask_and_the_key_names_both(pair_study, pairs):
    key = read_key(pairs)
    assert key.groupby(["source", "kind"]).size().to_dict() == {
        ("real", ""): 4,
        ("synthetic", "class"): 3,
        ("synthetic", "semantic"): 3,
    }
    for row, image, mask in zip(key.itertuples(), image_paths(pairs), mask_paths(pairs), strict=True):
        folder = pair_study / ("data/crops" if row.source == "real" else f"data/pools/{row.kind}/fold{row.fold}")
        assert row.pixel_hash == pixel_hash(read_image(image))
        assert row.mask_hash == pixel_hash(read_image(mask))
        assert np.array_equal(read_image(image), read_image(folder / f"images/{row.image_id}.png"))
        assert np.array_equal(read_image(mask), read_image(folder / f"masks/{row.image_id}.png"))
    assert len({path.stat().st_size for path in mask_paths(pairs)}) == 1
    assert len({path.stat().st_mtime_ns for path in [*image_paths(pairs), *mask_paths(pairs)]}) == 1


def test_no_pair_gives_another_away_by_its_mask_or_its_condition(pair_study):
    key = draw(pair_study, replace(PLAN, real=[6, 6], synthetic=[8, 4]))
    assert key["mask_hash"].is_unique
    shown = key.loc[key["source"] == "real", "image_id"]
    ledgers = [read_ledger(pair_study / f"data/pools/semantic/fold{fold}") for fold in PLAN.folds]
    conditions = pd.concat(ledgers).set_index("image_id")["condition_image_id"]
    assert not set(conditions[key.loc[key["kind"] == "semantic", "image_id"]]) & set(shown)
    assert set(conditions) & set(shown), "no shown image conditioned any pair: nothing was excluded"
    # both kinds keep the same 12 masks of nafld: 7 of each are too many
    with pytest.raises(InputError, match=r"asks for 7 semantic images of nafld, but \d are kept .* have a new mask"):
        draw(pair_study, replace(PLAN, synthetic=[8, 7]))


def test_a_pool_without_masks_and_a_mask_that_is_none_are_refused(tmp_path):
    make_pair_study(tmp_path)
    pool = tmp_path / "data/pools/class/fold0"
    ledger = read_ledger(pool)
    ledger.drop(columns="mask_path").to_parquet(pool / "ledger.parquet", index=False)
    with pytest.raises(InputError, match=r"ledger\.parquet: missing column 'mask_path'"):
        draw(tmp_path, PLAN)
    ledger.to_parquet(pool / "ledger.parquet", index=False)
    manifest = pd.read_csv(tmp_path / "data/crops/manifest.csv")
    for path in manifest["mask_path"]:
        Image.new("L", (16, 16)).save(tmp_path / "data/crops" / path)
    with pytest.raises(InputError, match="not those that its table names"):
        build(tmp_path, tmp_path / "test", PLAN)
    # distinct masks, each the one that the table names, but not of 0 and 255, or smaller than the images
    for side, message in ((16, "expected a mask of 0 and 255 alone"), (8, r"expected a mask of size \(16, 16\)")):
        masks = [np.full((side, side), value, dtype=np.uint8) for value in range(1, len(manifest) + 1)]
        for mask, path in zip(masks, manifest["mask_path"], strict=True):
            Image.fromarray(mask).save(tmp_path / "data/crops" / path)
        named = manifest.assign(mask_hash=[pixel_hash(mask) for mask in masks])
        named.to_csv(tmp_path / "data/crops/manifest.csv", index=False)
        with pytest.raises(InputError, match=message):
            build(tmp_path, tmp_path / "test", replace(PLAN, synthetic=[0, 0]))


def test_a_page_asks_three_questions_and_shows_the_pair_that_is_next_alone(pairs):
    client, _ = client_of(pairs, "Ada")
    page = client.get("/test").text
    assert "Pair 1 of 10" in page
    assert re.findall(r'name="(\w+)" value="(\w+)" required', page) == [
        *(("image_quality", grade) for grade in GRADES),
        *(("mask_quality", grade) for grade in GRADES),
        ("answer", "real"),
        ("answer", "synthetic"),
    ]
    shortcuts = re.findall(r'aria-keyshortcuts="(\w+)"', page)
    assert sorted(set(shortcuts)) == sorted(shortcuts), "no key means two things"
    headers = set()
    for number, (image, mask) in enumerate(zip(image_paths(pairs), mask_paths(pairs), strict=True), start=1):
        for part, path in (("image", image), ("mask", mask)):
            assert client.get(f"/{part}/{number + 1}").status_code == 404
            response = client.get(f"/{part}/{number}")
            assert response.data == path.read_bytes()
            headers.add(tuple(sorted((name, value) for name, value in response.headers if name != "Date")))
        client.post("/test", data=form(number, "good", "poor", "real"))
    assert len(headers) == 1
    assert "Thank you, Ada" in client.get("/test").text


def test_an_answer_that_leaves_a_question_open_is_refused_and_a_whole_one_stands(pairs):
    client, answers = client_of(pairs, "Ada")
    whole = form(1, "good", "moderate", "synthetic")
    for name in ("image_quality", "mask_quality", "answer"):
        without = {field: value for field, value in whole.items() if field != name}
        assert client.post("/test", data=without).status_code == 400
        assert client.post("/test", data=whole | {name: "fair"}).status_code == 400
    assert answers.table()["answer"].isna().all()
    assert client.post("/test", data=whole).headers["Location"] == "/test"
    again = client.post("/test", data=whole | {"mask_quality": "poor"})
    assert "Pair 1 was answered before; the first answer stands." in client.get(again.headers["Location"]).text
    table = answers.table()
    assert table.to_dict("records") == [
        {"name": "Ada", "number": 1, "image_quality": "good", "mask_quality": "moderate", "answer": "synthetic"}
    ]
    reader = answers.reader(answers.enrol("Ben"))
    with pytest.raises(sqlite3.IntegrityError):
        answers.record(reader, 1, "good", "fair", "real")
    with pytest.raises(sqlite3.OperationalError):
        answers.record(reader, 1, "real")


def test_answers_to_other_masks_are_not_mixed_in(pairs):
    client_of(pairs, "Ada")
    mask_paths(pairs)[0].write_bytes(mask_paths(pairs)[1].read_bytes())
    with pytest.raises(InputError, match="its answers were given to a test"):
        client_of(pairs, "Ben")
    mask_paths(pairs)[-1].unlink()
    with pytest.raises(InputError, match="9 masks of 10 images"):
        mask_paths(pairs)


def test_kappa_of_the_paper_s_table_7_is_0_10_and_not_the_0_428_of_its_text():
    assert cohen_kappa(tp=4, fn=6, fp=6, tn=14) == pytest.approx(0.10, abs=1e-9)
    # the worked example of Cohen's kappa: 20 both yes, 15 both no, 5 and 10 apart
    assert cohen_kappa(tp=20, fn=5, fp=10, tn=15) == pytest.approx(0.4)
    assert cohen_kappa(tp=3, fn=0, fp=0, tn=5) == 1
    assert cohen_kappa(tp=5, fn=0, fp=0, tn=0) is None
    assert cohen_kappa(tp=0, fn=0, fp=0, tn=0) is None


def test_the_paper_s_table_7_comes_back_from_its_answers():
    """One reader, 10 real pairs and 10 of each kind, answered as the table counts."""
    kinds = [""] * 10 + ["diff"] * 10 + ["styled_diff"] * 10
    key = pd.DataFrame({"number": range(1, 31), "source": ["real"] * 10 + ["synthetic"] * 20, "kind": kinds})
    called = [*["real"] * 4, *["synthetic"] * 6, *(["real"] * 3 + ["synthetic"] * 7) * 2]
    masks = [*["good"] * 8, *["moderate"] * 2, *["good"] * 10, *["good"] * 9, "moderate"]
    answers = pd.DataFrame({"name": "expert", "number": range(1, 31), "answer": called, "image_quality": "good"})
    found = score_pairs(key, answers.assign(mask_quality=masks))
    (reader,) = found["readers"]
    assert [reader[count] for count in ("tp", "fn", "fp", "tn")] == [4, 6, 6, 14]
    assert reader["kappa"] == pytest.approx(0.10, abs=0.005)
    assert reader["grades"]["mask_quality"] == {
        "real": {"good": 8, "moderate": 2, "poor": 0},
        "diff": {"good": 10, "moderate": 0, "poor": 0},
        "styled_diff": {"good": 9, "moderate": 1, "poor": 0},
    }
    assert found["grades"]["image_quality"]["real"] == {"good": 1, "moderate": 0, "poor": 0}
    assert found["grades"]["mask_quality"]["styled_diff"] == {"good": 0.9, "moderate": 0.1, "poor": 0}
    assert found["agreement"] is None


def test_agreement_on_grades_is_linearly_weighted():
    order = ("good", "moderate", "poor")
    one = np.array([*["good"] * 4, *["moderate"] * 3, *["poor"] * 3], dtype=object)
    near = np.array([*["good"] * 4, *["moderate"] * 3, *["moderate"] * 3], dtype=object)
    far = np.array([*["good"] * 4, *["moderate"] * 3, *["good"] * 3], dtype=object)
    # by hand, disagreement in steps: 3 found; expected (4 x 6 + 3 x 4 + 3 x (2 x 4 + 6)) / 10 = 7.8
    assert graded_kappa(np.stack([one, near]), order) == {"name": "cohen-linear", "kappa": pytest.approx(1 - 3 / 7.8)}
    # 6 found; expected (4 x 3 + 3 x 7 + 3 x (2 x 7 + 3)) / 10 = 8.4
    assert graded_kappa(np.stack([one, far]), order)["kappa"] == pytest.approx(1 - 6 / 8.4)
    three = graded_kappa(np.stack([one, one, one]), order)
    assert three == {"name": "light-linear", "kappa": pytest.approx(1)}
    flat = np.full(10, "good", dtype=object)
    assert graded_kappa(np.stack([flat, flat]), order) == {"name": "cohen-linear", "kappa": None}
    assert graded_kappa(np.stack([flat, flat, one]), order)["kappa"] is None
    assert graded_kappa(one[None], order) is None


def test_answers_given_in_the_browser_s_forms_are_scored_and_written(pairs, tmp_path):
    key = read_key(pairs)
    truth = dict(zip(key["number"], key["source"], strict=True))
    for name, grade in (("right", "good"), ("real", "moderate")):
        client, _ = client_of(pairs, name)
        for number, source in truth.items():
            mask = "poor" if source == "synthetic" else grade
            client.post("/test", data=form(number, grade, mask, source if name == "right" else "real"))
    client, _ = client_of(pairs, "began")
    client.post("/test", data=form(1, "poor", "poor", truth[1]))
    found = score(pairs)
    readers = {reader.pop("name"): reader for reader in found["pairs"]["readers"]}
    counts = {name: [one[count] for count in ("tp", "fn", "fp", "tn")] for name, one in readers.items()}
    assert counts["right"] == [4, 0, 0, 6]
    assert counts["real"] == [4, 0, 6, 0]
    assert sum(counts["began"]) == 1
    assert [readers[name]["kappa"] for name in readers] == [1, 0, None]
    half = {"good": 0.5, "moderate": 0.5, "poor": 0}
    assert found["pairs"]["grades"] == {
        "image_quality": {"real": half, "class": half, "semantic": half},
        "mask_quality": {
            "real": half,
            "class": {"good": 0, "moderate": 0, "poor": 1},
            "semantic": {"good": 0, "moderate": 0, "poor": 1},
        },
    }
    # readers who never agree on images: no better than chance
    assert found["pairs"]["agreement"]["image_quality"] == {"name": "cohen-linear", "kappa": pytest.approx(0)}
    assert found["agreement"]["name"] == "cohen"
    file = tmp_path / "score.json"
    result = CliRunner().invoke(app, ["turing", "score", str(pairs), "--json", str(file)])
    assert result.exit_code == 0, result.output
    assert json.loads(file.read_text()) == score(pairs)
    assert "agreement of readers on image quality, linearly weighted kappa: 0.000" in result.output


@needs_browser
@pytest.mark.parametrize("size", [(390, 844), (844, 390), (1280, 800)])
def test_a_pair_is_answered_by_keys_and_by_mouse_and_fits_on_one_screen(browser, pairs, size):
    server = Server(pairs)
    context = browser.new_context(viewport={"width": size[0], "height": size[1]})
    page = context.new_page()
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))

    def ready(number: int) -> None:
        page.get_by_role("heading", name=f"Pair {number} of {COUNT}").wait_for()
        page.locator("#answer button[aria-disabled=false]").wait_for()

    try:
        page.goto(server.address)
        page.get_by_label("Your name or an alias").fill("Ada")
        page.get_by_role("button", name="Begin").click()
        ready(1)
        image, mask = (picture.bounding_box() for picture in page.locator(".picture").all())
        assert (image["y"], image["width"], image["height"]) == (mask["y"], mask["width"], mask["height"])
        assert image["x"] + image["width"] <= mask["x"]
        send = page.get_by_role("button", name="Next")
        assert send.bounding_box()["y"] + send.bounding_box()["height"] <= size[1]
        assert page.evaluate("document.documentElement.scrollWidth") == size[0]
        for key in ("2", "6", "s"):
            page.keyboard.press(key)
        page.keyboard.press("Enter")
        ready(2)
        # with a question open, nothing is sent
        page.get_by_label("Poor").first.check()
        page.get_by_label("Real").check()
        send.click()
        ready(2)
        page.get_by_label("Good").nth(1).check()
        send.click()
        ready(3)
    finally:
        context.close()
        server.kill()
    assert said == []
    table = Answers(pairs, shown_digest(pairs), OF_PAIRS).table()
    assert list(table[["image_quality", "mask_quality", "answer"]].itertuples(index=False, name=None)) == [
        ("moderate", "poor", "synthetic"),
        ("poor", "good", "real"),
    ]
