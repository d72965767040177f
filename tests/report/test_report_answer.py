"""The sentence claims what its interval allows."""

import math

import pytest

from synthtrace.report.answer import caveat, judge, sentence
from synthtrace.report.formats import compact, interval, number, p_value, signed

MINUS = "\N{MINUS SIGN}"


def test_an_interval_around_zero_is_no_evidence(summary):
    assert sentence(summary, ["semantic"]) == (
        "At mixing rate 1.0, on 8 patients, adding semantic synthetic images changed the image-level AUC of 0.861 by +0.012 "
        "(95% patient bootstrap \N{MINUS SIGN}0.020 to +0.050): no evidence of a benefit or of harm."
    )


@pytest.mark.parametrize(
    ("difference", "ci95", "words"),
    [
        (0.03, [0.01, 0.05], "by +0.030 (95% patient bootstrap +0.010 to +0.050): they helped."),
        (
            -0.03,
            [-0.05, -0.01],
            f"by {MINUS}0.030 (95% patient bootstrap {MINUS}0.050 to {MINUS}0.010): they hurt.",
        ),
        (0.03, [0.0, 0.06], "no evidence of a benefit or of harm."),
        (0.03, None, "by +0.030 (no interval could be computed): no conclusion."),
        (0.03, [None, 0.06], "by +0.030 (no interval could be computed): no conclusion."),
        (None, None, "the effect of semantic synthetic images is n/a (the comparison could not be computed): no conclusion."),
        (
            math.nan,
            [0.01, 0.02],
            "the effect of semantic synthetic images is n/a (the comparison could not be computed): no conclusion.",
        ),
    ],
)
def test_the_verdict_follows_the_interval_alone(summary, difference, ci95, words):
    summary["scenarios"]["semantic"]["versus_real"] = {"difference": difference, "ci95": ci95, "t": 99.0, "p": 1e-9}
    assert sentence(summary, ["semantic"]).endswith(words)


def test_every_kind_is_in_the_sentence_in_the_order_of_the_parameters(summary):
    text = sentence(summary, ["semantic", "class"])
    assert text.count("adding") == 2
    assert text.index("semantic") < text.index("class") < text.index("\N{MINUS SIGN}0.020 (")
    assert text.count("image-level AUC of 0.861") == 1
    assert sentence(summary, ["class", "semantic"]).index("class") < sentence(summary, ["class", "semantic"]).index("semantic")


def test_a_kind_that_the_summary_lacks_is_not_available(summary):
    del summary["scenarios"]["class"]
    assert "the effect of class synthetic images is n/a" in sentence(summary, ["semantic", "class"])
    assert "adding semantic synthetic images changed the image-level AUC of 0.861 by" in sentence(
        summary, ["class", "semantic"]
    )
    assert judge({}) == "unknown"


def test_without_patient_ids_no_patient_is_claimed(summary):
    text = sentence(summary, ["semantic"], patient_ids=False)
    assert "on 16 images without patient ids" in text
    assert "image bootstrap" in text
    assert "patients" not in text


def test_mixing_rate_zero_compares_nothing(summary):
    assert "compares nothing" in sentence(summary | {"mixing_rate": 0.0}, ["semantic"])


def test_the_caveat_counts_the_scenarios():
    assert "every synthetic scenario of the run (3)" in caveat(["a", "b", "c"])
    assert "one synthetic scenario" in caveat(["a"])


def test_numbers_read_as_they_are():
    assert number(-0.5) == "\N{MINUS SIGN}0.500"
    assert number(None) == number(math.nan) == number(True) == "n/a"
    assert interval([0.1, None]) == interval(None) == "n/a"
    assert [compact(value) for value in (1043.4, 999.7, 10.43, -0.01234, 0, None)] == [
        "1043",
        "1000",
        "10.4",
        "\N{MINUS SIGN}0.0123",
        "0",
        "n/a",
    ]
    assert p_value(0.0001) == "< 0.001"
    assert p_value(0.05) == "0.050"


def test_what_is_not_zero_does_not_read_as_zero():
    assert signed(0.0004) == "+0.0004"
    assert signed(-0.00001) == "\N{MINUS SIGN}0.00001"
    assert signed(0.0) == "+0.000"
