"""dvc.yaml and params.yaml changed without a run, and what earlier runs left behind."""

import shutil

import numpy as np
import yaml
from edits import drawn, edited_yaml
from mutation import Mutation
from pipeline_clone import Clone


def remove_dep(clone: Clone, random: np.random.Generator) -> None:
    """DVC sees nothing: its status stays clean and the lock stale."""
    with edited_yaml(clone.folder / "dvc.yaml") as tree:
        name = drawn(sorted(name for name, stage in tree["stages"].items() if len(stage.get("deps", [])) > 1), random)
        deps = tree["stages"][name]["deps"]
        deps.remove(drawn(list(deps), random))


def remove_param(clone: Clone, random: np.random.Generator) -> None:
    """The same for a parameter; not the stage's code, whose absence another check names."""
    with edited_yaml(clone.folder / "dvc.yaml") as tree:
        stages = {
            name: [key for key in stage.get("params", []) if isinstance(key, str)] for name, stage in tree["stages"].items()
        }
        name = drawn(sorted(name for name, keys in stages.items() if keys), random)
        tree["stages"][name]["params"].remove(drawn(stages[name], random))


def change_param(clone: Clone, random: np.random.Generator) -> None:
    with edited_yaml(clone.folder / "params.yaml") as tree:
        block, key = drawn([("features", "weight_decay"), ("generator", "ema_decay"), ("classifier", "learning_rate")], random)
        tree[block][key] = float(tree[block][key]) / 2


def remove_fold(clone: Clone, random: np.random.Generator) -> None:
    """Of one stage's matrix: a study of two folds has none to spare in params.yaml."""
    folds = yaml.safe_load((clone.folder / "params.yaml").read_text())["split"]["folds"]
    with edited_yaml(clone.folder / "dvc.yaml") as tree:
        name = drawn(sorted(name for name, stage in tree["stages"].items() if "fold" in stage.get("matrix", {})), random)
        folds.remove(drawn(folds, random))
        tree["stages"][name]["matrix"]["fold"] = folds


def add_fold(clone: Clone, random: np.random.Generator) -> None:
    with edited_yaml(clone.folder / "params.yaml") as tree:
        folds = tree["split"]["folds"]
        folds += range(len(folds), len(folds) + int(random.integers(1, 4)))


def remove_kind(clone: Clone, random: np.random.Generator) -> None:
    with edited_yaml(clone.folder / "params.yaml") as tree:
        kinds = tree["generator"]["kinds"]
        kinds.remove(drawn(list(kinds), random))


def leave_fold(clone: Clone, random: np.random.Generator) -> None:
    """The folder of a fold that no longer is, in a folder that stages read whole."""
    folder = clone.folder / drawn(["data/pools", "data/selected", "data/generators"], random)
    kind = drawn(sorted(path.name for path in folder.iterdir()), random)
    shutil.copytree(folder / kind / "fold0", folder / kind / f"fold{random.integers(5, 9)}")


def leave_stage(clone: Clone, random: np.random.Generator) -> None:
    """The entry of a matrix item that no longer is."""
    with edited_yaml(clone.folder / "dvc.lock") as lock:
        name = drawn(sorted(name for name in lock["stages"] if name.endswith("-0")), random)
        retired = f"fold{random.integers(5, 9)}"
        stage = {**lock["stages"][name]}
        stage["outs"] = [{**out, "path": out["path"].replace("fold0", retired)} for out in stage["outs"]]
        lock["stages"][name.replace("-0", retired.replace("fold", "-"))] = stage


def drop_stray(clone: Clone, random: np.random.Generator) -> None:
    """A file beside outs, where a stage that reads the folder would find it."""
    folder = clone.folder / drawn(
        ["data/pools/class", "data/predictions", "data/curve", "data/selected", "data/gates", "metrics", "plots"], random
    )
    (folder / f"stray{random.integers(1000)}.csv").write_text("patient_id\n1\n")


MUTATIONS = [
    Mutation("a dep removed from dvc.yaml", "pipeline", remove_dep, variants=3),
    Mutation("a parameter removed from dvc.yaml", "pipeline", remove_param, variants=3),
    Mutation("a parameter changed in params.yaml", "pipeline", change_param),
    Mutation("a fold removed from a stage's matrix", "pipeline", remove_fold, also=frozenset({"replay"}), variants=3),
    Mutation("a fold added to params.yaml", "pipeline", add_fold, also=frozenset({"folds", "gates"})),
    Mutation(
        "a kind of generator removed from params.yaml",
        "pipeline",
        remove_kind,
        also=frozenset({"folds", "gates", "ledger", "memorisation", "replay"}),
    ),
    Mutation("a retired fold's folder left behind", "pipeline", leave_fold, variants=3),
    Mutation("a retired fold's entry left in dvc.lock", "pipeline", leave_stage),
    Mutation("a stray file beside outs", "pipeline", drop_stray, variants=4),
]
