"""What each test of the page supports, in words: a small p value is only as good as what was drawn at random."""

from typing import Any

from synthtrace.report.answer import blocks


def tests(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of the table of tests, one a scenario but `real`: {"t" or "z", "p", "p_holm"} a test, empty where undefined."""
    found = []
    for row in rows:
        versus, patient = blocks(row)["versus_real"], blocks(row)["versus_real_patient"]
        if not versus and not patient:
            continue
        found.append(
            {
                "name": row["name"],
                "seeds": versus,
                "seeds_patient": patient,
                "delong": patient.get("delong") or {},
                "nadeau_bengio": patient.get("nadeau_bengio") or {},
            }
        )
    return found


def in_words(seeds: int, rounds: int, subsets: bool, unit: str) -> list[tuple[str, str, bool]]:
    """Each test as (name, what it supports, whether it carries a claim about new patients)."""
    return [
        (
            f"{unit.capitalize()} bootstrap",
            f"Draws the study's {unit}s anew and recomputes the difference, both scenarios on the same draw. It supports a "
            f"claim about new {unit}s from the same source, and is what the answer above rests on. It holds the generators "
            "and the folds fixed.",
            True,
        ),
        (
            "DeLong",
            f"A z test of two AUCs on the same {unit}s, each scored by the mean over its frames and over seeds. It too lets "
            f"{unit}s vary and holds the trained models fixed, by a formula in place of draws. It assumes a normally "
            f"distributed difference, which is rough with few {unit}s or an AUC near 1: a second opinion beside the bootstrap.",
            True,
        ),
        (
            "Paired t over seeds",
            f"The paper's test, here with {seeds} seeds. It asks whether the difference would last if the same study on these "
            f"very {unit}s were trained again. Seeds are not independent {unit}s: with enough of them any difference, however "
            f"small, gets a small p without one new {unit}. It supports nothing about new {unit}s.",
            False,
        ),
        (
            "Nadeau-Bengio",
            "A t test over re-splits, whose variance is corrected for training sets that overlap (Nadeau and Bengio 2003). It "
            f"asks whether the difference would last with other folds of these {unit}s. {_resplit(rounds, subsets, unit)}",
            False,
        ),
        (
            "Holm",
            "Not a test but a correction: several scenarios give several chances of a small p. The Holm p beside each p counts "
            "all scenarios of its table, or all points of its run of the curve. It repairs how many tests were made, and not "
            "what a test is about.",
            False,
        ),
    ]


def _resplit(rounds: int, subsets: bool, unit: str) -> str:
    if subsets:
        return f"Not applicable here: training subsets share no {unit}, and the test no re-split at all."
    if rounds == 1:
        return f"Not applicable here: the {unit}s were dealt into folds once (split.repeats is 1), and one deal has no spread."
    return f"Here the {unit}s were dealt into folds {rounds} times."
