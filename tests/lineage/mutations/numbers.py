"""Numbers that the stored predictions do not give; DVC is told that all is well."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from edits import drawn
from mutation import Mutation, bless
from pipeline_clone import Clone

# the gate judged other predictions, and DVC has blessed a second result of one stage
BLESSED = frozenset({"determinism"})
BEHIND = BLESSED | {"gates"}


def _leaves(tree: Any) -> list[tuple[Any, Any]]:
    """Container and key of every number that has decimals."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    found = []
    for key, value in items:
        if isinstance(value, dict | list):
            found += _leaves(value)
        elif isinstance(value, float):
            found.append((tree, key))
    return found


def _nudge(value: float, rng: np.random.Generator) -> float:
    """The fourth decimal changed."""
    return round(value + float(rng.choice([-1, 1])) * float(rng.integers(1, 10)) * 1e-4, 12)


def _edit_summary(clone: Clone, edit: Any) -> None:
    _edit(clone.folder / "metrics/summary.json", edit)


def _edit(path: Path, edit: Any) -> None:
    tree = json.loads(path.read_text())
    edit(tree)
    path.write_text(json.dumps(tree, indent=2) + "\n")


def nudge_file(clone: Clone, rng: np.random.Generator, name: str) -> None:
    def edit(tree: dict[str, Any]) -> None:
        found, key = drawn(_leaves(tree), rng)
        found[key] = _nudge(found[key], rng)

    _edit(clone.folder / f"metrics/{name}.json", edit)
    bless(clone)


def nudge_summary(clone: Clone, rng: np.random.Generator, times: int = 1) -> None:
    def edit(summary: dict[str, Any]) -> None:
        for _ in range(times):
            tree, key = drawn(_leaves(summary), rng)
            tree[key] = _nudge(tree[key], rng)

    _edit_summary(clone, edit)


def nudge_and_bless(clone: Clone, rng: np.random.Generator) -> None:
    nudge_summary(clone, rng, int(rng.integers(1, 4)))
    bless(clone)


def exchange_scenarios(clone: Clone, rng: np.random.Generator) -> None:
    """One scenario takes the credit of another."""

    def edit(summary: dict[str, Any]) -> None:
        found = summary["scenarios"]
        one, other = (str(name) for name in rng.permutation([name for name in found if name != "real"])[:2])
        found[one], found[other] = found[other], found[one]

    _edit_summary(clone, edit)
    bless(clone)


def claim_more(clone: Clone, rng: np.random.Generator) -> None:
    """More patients, images or seeds than there were, or another mixing rate."""

    def edit(summary: dict[str, Any]) -> None:
        summary[drawn(["patients", "images", "seeds", "mixing_rate"], rng)] += int(rng.integers(1, 5))

    _edit_summary(clone, edit)
    bless(clone)


def nudge_plot(clone: Clone, rng: np.random.Generator) -> None:
    path, column = drawn([("auc", "auc_image"), ("auc", "auc_patient"), ("roc", "tpr"), ("curve", "auc_image")], rng)
    file = clone.folder / f"plots/{path}.csv"
    table = pd.read_csv(file)
    row = int(rng.integers(len(table)))
    table.loc[row, column] = _nudge(float(table.loc[row, column]), rng)
    table.to_csv(file, index=False, lineterminator="\n")
    bless(clone)


def improve_prediction(clone: Clone, rng: np.random.Generator) -> None:
    """A test image is judged rightly, or wrongly, with near certainty, whatever the classifier said."""
    path = _predictions(clone, rng)
    table = pd.read_parquet(path)
    row = drawn(table.index.tolist(), rng)
    table.loc[row, "p1"] = 0.999 if table.loc[row, "p1"] < table["p1"].median() else 0.001
    table.loc[row, "p0"] = 1 - table.loc[row, "p1"]
    table.to_parquet(path, index=False)
    bless(clone)


def forget_predictions(clone: Clone, rng: np.random.Generator) -> None:
    """The images that a classifier judged worst are left out."""
    path = _predictions(clone, rng)
    table = pd.read_parquet(path)
    worst = (table["p1"] - table["label"]).abs().idxmax()
    table.drop(index=worst).to_parquet(path, index=False)
    bless(clone)


def _predictions(clone: Clone, rng: np.random.Generator) -> Path:
    tables = [
        *(clone.folder / "data/predictions").glob("*.parquet"),
        *(clone.folder / "data/curve").glob("*/predictions.parquet"),
    ]
    return drawn(sorted(tables), rng)


MUTATIONS = [
    Mutation("the fourth decimal of a number of the summary altered", "numbers", nudge_summary, frozenset({"bytes"}), 4),
    Mutation("the fourth decimal of several numbers altered, blessed", "numbers", nudge_and_bless, variants=4),
    Mutation("two scenarios of the summary exchanged, blessed", "numbers", exchange_scenarios),
    Mutation("what the summary says it used altered, blessed", "numbers", claim_more),
    Mutation("the fourth decimal of a plot's value altered, blessed", "numbers", nudge_plot, variants=3),
    Mutation(
        "the fourth decimal of a number of the curve altered, blessed", "numbers", partial(nudge_file, name="curve"), variants=3
    ),
    Mutation(
        "the fourth decimal of a fidelity number altered, blessed", "numbers", partial(nudge_file, name="fidelity"), variants=3
    ),
    Mutation(
        "the fourth decimal of an explanation's number altered, blessed",
        "numbers",
        partial(nudge_file, name="explain"),
        BLESSED,
    ),
    Mutation("a prediction altered and blessed", "numbers", improve_prediction, BEHIND, 3),
    Mutation("a prediction left out and blessed", "numbers", forget_predictions, BEHIND | {"folds"}),
]
