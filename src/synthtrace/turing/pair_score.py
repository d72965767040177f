"""What readers said of pairs: kappa with the truth, the grades of images and masks, and how far readers agree on them.

Paper 2's Table 7, of one reader, has 4 real pairs called real, 6 called synthetic, 6 synthetic pairs called real and 14 called
synthetic. Its text reports kappa 0.428; its own formula gives 0.10 on these counts, and so does `cohen_kappa` here.
"""

from typing import Any

import numpy as np
import pandas as pd

from synthtrace.turing.agreement import cohen_kappa, graded_kappa
from synthtrace.turing.key import REAL, SYNTHETIC
from synthtrace.turing.questions import GRADES, QUALITIES, SOURCE

Plain = dict[str, Any]
QUESTIONS = [question.name for question in QUALITIES]


def _groups(key: pd.DataFrame) -> dict[str, np.ndarray]:
    """Numbers of the real pairs and of each kind's."""
    groups = {REAL: key["number"][key["source"] == REAL].to_numpy()}
    for kind in sorted(set(key["kind"][key["source"] == SYNTHETIC])):
        groups[kind] = key["number"][(key["source"] == SYNTHETIC) & (key["kind"] == kind)].to_numpy()
    return groups


def _grades(answers: pd.DataFrame, groups: dict[str, np.ndarray]) -> Plain:
    """How often each grade was given, by question and group."""
    return {
        question: {
            group: {grade: int((answers.loc[answers["number"].isin(numbers), question] == grade).sum()) for grade in GRADES}
            for group, numbers in groups.items()
        }
        for question in QUESTIONS
    }


def _shares(counts: dict[str, int]) -> Plain:
    judged = sum(counts.values())
    return {grade: count / judged if judged else None for grade, count in counts.items()}


def _reader(name: str, answers: pd.DataFrame, key: pd.DataFrame, groups: dict[str, np.ndarray]) -> Plain:
    truth = answers["number"].map(key.set_index("number")["source"])
    called = answers[SOURCE.name]
    counts = {
        measure: int(((truth == true) & (called == said)).sum())
        for measure, true, said in (
            ("tp", REAL, REAL),
            ("fn", REAL, SYNTHETIC),
            ("fp", SYNTHETIC, REAL),
            ("tn", SYNTHETIC, SYNTHETIC),
        )
    }
    return {"name": name, **counts, "kappa": cohen_kappa(**counts), "grades": _grades(answers, groups)}


def score_pairs(key: pd.DataFrame, answers: pd.DataFrame) -> Plain:
    """What a test of pairs says beyond `score_answers` (docs/turing.md lists the keys).

    Args:
        key: as `read_key` gives it.
        answers: `name`, `number`, `answer`, `image_quality`, `mask_quality`, as `Answers.table` gives it. `readers` holds every
            reader, over what they answered; `grades` and `agreement` hold those who answered every pair.
    """
    groups = _groups(key)
    given = answers.dropna(subset="number").astype({"number": int})
    readers = {name: given[given["name"] == name] for name in answers["name"].drop_duplicates()}
    complete = [name for name, said in readers.items() if len(said) == len(key)]
    finished = given[given["name"].isin(complete)].sort_values("number")
    counted = _grades(finished, groups)
    graded = {
        question: np.array([finished.loc[finished["name"] == name, question].to_list() for name in complete], dtype=object)
        for question in QUESTIONS
    }
    return {
        "readers": [_reader(name, said, key, groups) for name, said in readers.items()],
        "grades": {question: {group: _shares(counts) for group, counts in counted[question].items()} for question in QUESTIONS}
        if complete
        else None,
        "agreement": {question: graded_kappa(graded[question], GRADES) for question in QUESTIONS}
        if len(complete) > 1
        else None,
    }
