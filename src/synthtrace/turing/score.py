"""What readers could tell: accuracy, sensitivity, specificity, agreement, and the images that misled them most.

Real is the positive class, as paper 0 defines it: *sensitivity* is the share of real images called real, *specificity* the
share of synthetic images called synthetic. The paper's text and its Table 1 then disagree: the text gives a specificity of
59.0 % and a sensitivity of 46.0 %, the table a sensitivity of 0.590 and a specificity of 0.460. Its accuracy of 0.512 on 20
real and 30 synthetic images decides for the table: (20 x 0.590 + 30 x 0.460) / 50 = 0.512.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from synthtrace.errors import InputError
from synthtrace.seeds import Seeds
from synthtrace.turing.agreement import kappa
from synthtrace.turing.answers import ANSWERS_FILE, Answers
from synthtrace.turing.key import REAL, has_pairs, key_digest, read_key
from synthtrace.turing.pair_score import score_pairs
from synthtrace.turing.questions import OF_IMAGES, OF_PAIRS

Plain = dict[str, Any]
RESAMPLES = 2000
# any root does, so long as the same answers give the same file
SEEDS = Seeds(0)


def wilson(right: int, judged: int) -> list[float]:
    """Wilson's 95 % interval [lo, hi] of the share right / judged."""
    found = stats.binomtest(right, judged).proportion_ci(0.95, method="wilson")
    return [float(found.low), float(found.high)]


def t_interval(values: np.ndarray) -> list[float] | None:
    """The 95 % t interval of the mean of (readers,) shares, clipped to [0, 1] (paper 0's reach 1.017); None for one reader."""
    if len(values) < 2:
        return None
    reach = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return [float(max(0.0, values.mean() - reach)), float(min(1.0, values.mean() + reach))]


def _groups(key: pd.DataFrame) -> Iterator[tuple[str, str, dict[str, np.ndarray]]]:
    """(section, name, boolean (images,) a measure) of all images, of each class and of each generator kind."""
    real = (key["source"] == REAL).to_numpy()

    def measures(group: np.ndarray) -> dict[str, np.ndarray]:
        parts = {"accuracy": group, "sensitivity": group & real, "specificity": group & ~real}
        return {name: mask for name, mask in parts.items() if mask.any()}

    yield "all", "", measures(np.ones(len(key), dtype=bool))
    for name in key.sort_values("label")["label_name"].unique():
        yield "classes", name, measures((key["label_name"] == name).to_numpy())
    for kind in sorted(set(key.loc[~real, "kind"])):
        yield "kinds", kind, {"specificity": (key["kind"] == kind).to_numpy() & ~real}


def _gathered(key: pd.DataFrame, make: Any) -> Plain:
    """`make` of each measure's mask, in the sections of `_groups`."""
    gathered: Plain = {"all": {}, "classes": {}, "kinds": {}}
    for section, name, measures in _groups(key):
        made = {measure: make(mask) for measure, mask in measures.items()}
        if section == "all":
            gathered["all"] = made
        else:
            gathered[section][name] = made
    return gathered


def _reader(name: str, right: np.ndarray, key: pd.DataFrame) -> Plain:
    """One reader's shares over what they answered; `right` (images,) is 1, 0, or NaN where there is no answer."""

    def share(mask: np.ndarray) -> Plain:
        judged = right[mask & ~np.isnan(right)]
        value, ci95 = (float(judged.mean()), wilson(int(judged.sum()), len(judged))) if len(judged) else (None, None)
        return {"value": value, "judged": len(judged), "ci95": ci95}

    answered = int((~np.isnan(right)).sum())
    return {"name": name, "answered": answered, "complete": answered == len(right), **_gathered(key, share)}


def _draws(readers: int, key: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """How often each resample draws each reader (RESAMPLES, readers) and, within source, kind and class, each image."""
    rng = SEEDS.stream("turing", "score")
    drawn_readers = rng.multinomial(readers, np.full(readers, 1 / readers), size=RESAMPLES)
    drawn_images = np.zeros((RESAMPLES, len(key)), dtype=np.int64)
    for members in key.groupby(["source", "kind", "label"]).indices.values():
        drawn_images[:, members] = rng.multinomial(len(members), np.full(len(members), 1 / len(members)), size=RESAMPLES)
    return drawn_readers, drawn_images


def _over_readers(right: np.ndarray, key: pd.DataFrame) -> Plain:
    """Means over readers who answered everything, `right` (readers, images), with both intervals."""
    drawn_readers, drawn_images = _draws(len(right), key)
    # right answers a resample and image, summed over its readers
    summed = drawn_readers @ right

    def mean(mask: np.ndarray) -> Plain:
        values = right[:, mask].mean(axis=1)
        resampled = (summed * drawn_images)[:, mask].sum(axis=1) / (len(right) * mask.sum())
        return {
            "mean": float(values.mean()),
            "sd": float(values.std(ddof=1)) if len(values) > 1 else None,
            "ci95_readers": t_interval(values),
            "ci95_readers_and_images": [float(bound) for bound in np.quantile(resampled, [0.025, 0.975])],
        }

    return {"readers": len(right), **_gathered(key, mean)}


def score_answers(key: pd.DataFrame, answers: pd.DataFrame) -> Plain:
    """The score of a test, as `score --json` writes it (docs/turing.md lists its keys).

    Args:
        key: as `read_key` gives it.
        answers: `name`, `number`, `answer`, as `Answers.table` gives it. Readers who have not answered every image are scored
            for themselves, over what they answered, and left out of everything over readers.
    """
    names = list(answers["name"].drop_duplicates())
    given = answers.dropna(subset="number").astype({"number": int}).set_index(["name", "number"])["answer"]
    every = pd.MultiIndex.from_product([names, key["number"]])
    said = given.reindex(every).to_numpy(dtype=object).reshape(len(names), len(key))
    right = np.where(pd.isna(said), np.nan, said == key["source"].to_numpy(dtype=object))
    complete = ~np.isnan(right).any(axis=1)
    finished = right[complete]
    wrong = (1 - finished).sum(axis=0).astype(int)
    mistaken = key.assign(wrong=wrong, readers=len(finished)).sort_values(["wrong", "number"], ascending=[False, True])
    shown = ["number", "image_id", "source", "kind", "label_name", "wrong", "readers"]
    real = int((key["source"] == REAL).sum())
    return {
        "images": {"real": real, "synthetic": len(key) - real},
        "accuracy_of_one_answer": {"real": real / len(key), "synthetic": 1 - real / len(key)},
        "readers": [_reader(name, row, key) for name, row in zip(names, right, strict=True)],
        "over_readers": _over_readers(finished, key) if len(finished) else None,
        "agreement": kappa(said[complete] == REAL),
        "mistaken": mistaken[shown].to_dict("records"),
    }


def score(folder: Path) -> Plain:
    """The score of the test in `folder`, from its key and its answers; of pairs with `score_pairs` as `pairs`.

    Raises:
        InputError: key or answers are missing or unreadable, or the answers were given to another test than the key's.
    """
    key = read_key(folder)
    if not (folder / ANSWERS_FILE).is_file():
        raise InputError(f"{folder / ANSWERS_FILE}: no such file; expected the answers that `synthtrace turing serve` wrote")
    answers = Answers(folder, key_digest(key), OF_PAIRS if has_pairs(key) else OF_IMAGES).table()
    if answers.empty:
        raise InputError(f"{folder / ANSWERS_FILE}: no reader has begun")
    found = score_answers(key, answers)
    return {**found, "pairs": score_pairs(key, answers)} if has_pairs(key) else found
