"""Scores of answers whose outcome is known."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from typer.testing import CliRunner

from synthtrace.cli import app
from synthtrace.errors import InputError
from synthtrace.turing.agreement import fleiss_kappa, kappa
from synthtrace.turing.answers import Answers
from synthtrace.turing.key import read_key, shown_digest
from synthtrace.turing.score import score, score_answers, t_interval, wilson

# the worked example of Fleiss (1971) as Wikipedia gives it: 14 raters, 10 subjects, 5 categories
FLEISS = """0 0 0 0 14  0 2 6 4 2  0 0 3 5 6  0 3 9 2 0  2 2 8 1 1  7 7 0 0 0  3 2 6 3 0  2 5 3 2 2  6 5 2 1 0  0 2 2 3 7"""


def answer(folder, name, said):
    """Store a reader's answers, `said` by image number."""
    answers = Answers(folder, shown_digest(folder))
    reader = answers.reader(answers.enrol(name))
    for number, word in said.items():
        answers.record(reader, number, word)


def opposite(word):
    return "synthetic" if word == "real" else "real"


def test_the_published_example_of_fleiss_kappa():
    assert fleiss_kappa(np.array(FLEISS.split(), dtype=int).reshape(10, 5)) == pytest.approx(0.210, abs=0.0005)


def test_kappa_of_two_readers_is_cohen_s_of_three_fleiss_of_one_none():
    # 20 both yes, 15 both no, 5 and 10 apart: the worked example of Cohen's kappa, 0.4
    one = np.array([True] * 25 + [False] * 25)
    two = np.array([True] * 20 + [False] * 5 + [True] * 10 + [False] * 15)
    assert kappa(np.stack([one, two])) == {"name": "cohen", "kappa": pytest.approx(0.4)}
    assert kappa(np.stack([one, one, one])) == {"name": "fleiss", "kappa": pytest.approx(1)}
    assert kappa(one[None]) is None


def test_kappa_is_null_where_all_answers_are_one():
    assert kappa(np.ones((2, 5), dtype=bool)) == {"name": "cohen", "kappa": None}
    assert kappa(np.ones((3, 5), dtype=bool)) == {"name": "fleiss", "kappa": None}


def test_intervals_are_the_known_ones():
    # Newcombe (1998), table I: 81 of 263 and 15 of 148
    assert wilson(81, 263) == pytest.approx([0.2553, 0.3662], abs=5e-5)
    assert wilson(15, 148) == pytest.approx([0.0624, 0.1605], abs=5e-5)
    # three readers at 0.4, 0.5, 0.6: 0.5 +- 4.3027 x 0.1 / sqrt(3)
    assert t_interval(np.array([0.4, 0.5, 0.6])) == pytest.approx([0.25159, 0.74841], abs=1e-5)
    assert t_interval(np.array([0.1, 1.0])) == [0.0, 1.0]
    assert t_interval(np.array([0.5])) is None


def test_the_score_of_known_answers_is_exact(built):
    key = read_key(built)
    truth = dict(zip(key["number"], key["source"], strict=True))
    label = dict(zip(key["number"], key["label_name"], strict=True))
    kind = dict(zip(key["number"], key["kind"], strict=True))
    answer(built, "always right", truth)
    answer(built, "always real", dict.fromkeys(truth, "real"))
    answer(built, "fooled by class", {n: "real" if kind[n] == "class" else truth[n] for n in truth})
    answer(built, "stopped early", {1: opposite(truth[1])})
    found = score(built)

    assert found["images"] == {"real": 5, "synthetic": 6}
    assert found["accuracy_of_one_answer"] == {"real": 5 / 11, "synthetic": pytest.approx(6 / 11)}
    by_name = {reader["name"]: reader for reader in found["readers"]}
    values = {
        name: [reader["all"][measure]["value"] for measure in ("accuracy", "sensitivity", "specificity")]
        for name, reader in by_name.items()
        if reader["complete"]
    }
    assert values == {"always right": [1, 1, 1], "always real": [5 / 11, 1, 0], "fooled by class": [8 / 11, 1, 0.5]}
    assert by_name["always real"]["all"]["specificity"]["ci95"] == wilson(0, 6)
    assert by_name["always real"]["classes"]["nafld"]["accuracy"] == {"value": 3 / 7, "judged": 7, "ci95": wilson(3, 7)}
    assert by_name["stopped early"]["answered"] == 1
    assert by_name["stopped early"]["all"]["accuracy"] == {"value": 0, "judged": 1, "ci95": wilson(0, 1)}

    over = found["over_readers"]
    assert over["readers"] == 3
    accuracy = np.array([1, 5 / 11, 8 / 11])
    reach = stats.t.ppf(0.975, 2) * accuracy.std(ddof=1) / np.sqrt(3)
    assert over["all"]["accuracy"]["mean"] == pytest.approx(8 / 11)
    assert over["all"]["accuracy"]["sd"] == pytest.approx(3 / 11)
    assert over["all"]["accuracy"]["ci95_readers"] == pytest.approx([8 / 11 - reach, min(1, 8 / 11 + reach)])
    assert over["all"]["sensitivity"] == {
        "mean": 1,
        "sd": 0,
        "ci95_readers": [1, 1],
        "ci95_readers_and_images": [1, 1],
    }
    # of three readers, one is fooled by every semantic image and two by every class image
    assert {name: one["specificity"]["mean"] for name, one in over["kinds"].items()} == {
        "class": pytest.approx(1 / 3),
        "semantic": pytest.approx(2 / 3),
    }
    assert over["kinds"]["class"].keys() == {"specificity"}
    assert over["classes"]["healthy"]["accuracy"]["mean"] == pytest.approx((1 + 2 / 4 + 3 / 4) / 3)

    real_calls = [3 if word == "real" else 2 if kind[number] == "class" else 1 for number, word in truth.items()]
    counts = np.array([[calls, 3 - calls] for calls in real_calls])
    assert found["agreement"] == {"name": "fleiss", "kappa": pytest.approx(fleiss_kappa(counts))}
    wrong = {number: 0 if word == "real" else 2 if kind[number] == "class" else 1 for number, word in truth.items()}
    order = sorted(truth, key=lambda number: (-wrong[number], number))
    assert [(row["number"], row["wrong"], row["readers"]) for row in found["mistaken"]] == [(n, wrong[n], 3) for n in order]
    assert [row["label_name"] for row in found["mistaken"]] == [label[n] for n in order]


def test_the_interval_over_readers_and_images_knows_that_images_were_drawn():
    """Readers who agree and are right on half of 60 images: over readers nothing varies, over images a binomial does."""
    key = pd.DataFrame({"number": range(1, 61), "image_id": [f"i{n}" for n in range(60)], "label": 0, "label_name": "all"})
    key = key.assign(source=["real"] * 30 + ["synthetic"] * 30, kind=[""] * 30 + ["class"] * 30)
    rows = [(f"r{reader}", n, "real" if n % 2 else "synthetic") for reader in range(4) for n in range(1, 61)]
    found = score_answers(key, pd.DataFrame(rows, columns=["name", "number", "answer"]))["over_readers"]["all"]["accuracy"]
    assert found["ci95_readers"] == [0.5, 0.5]
    assert found["ci95_readers_and_images"] == pytest.approx(stats.binom.ppf([0.025, 0.975], 60, 0.5) / 60, abs=1.01 / 60)


def test_without_a_reader_who_finished_nothing_is_said_over_readers(built):
    answer(built, "began", {1: "real"})
    found = score(built)
    assert found["over_readers"] is None
    assert found["agreement"] is None
    assert found["readers"][0]["answered"] == 1


def test_answers_to_another_test_are_refused(built):
    answer(built, "reader", {1: "real"})
    key = read_key(built)
    key.assign(file_sha256=list(reversed(key["file_sha256"]))).to_csv(built / "key.csv", index=False)
    with pytest.raises(InputError, match=r"answers\.sqlite: its answers were given to a test"):
        score(built)


def test_the_command_writes_what_it_scored_as_json(built, tmp_path):
    truth = read_key(built)["source"]
    for name in ("one", "two"):
        answer(built, name, dict(enumerate(truth, start=1)))
    file = tmp_path / "score.json"
    result = CliRunner().invoke(app, ["turing", "score", str(built), "--json", str(file)])
    assert result.exit_code == 0, result.output
    assert json.loads(file.read_text()) == score(built)
    assert "Cohen's kappa 1.000" in result.output


def test_a_score_before_any_answer_is_one_sentence(built):
    result = CliRunner().invoke(app, ["turing", "score", str(built)])
    assert result.exit_code == 1
    assert "no such file; expected the answers" in result.output
    assert not (built / "answers.sqlite").exists()
