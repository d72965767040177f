"""Code changed behind the fingerprints' back."""

import json

import numpy as np
from edits import drawn, edited_yaml
from mutation import Mutation, bless
from pipeline_clone import Clone

COVERED = [
    "stages/classify.py",
    "stages/select_images.py",
    "stages/score_candidates.py",
    "src/synthtrace/statistics/auc.py",
    "src/synthtrace/images.py",
    "src/synthtrace/classify/mixing.py",
    "src/synthtrace/generators/semantic.py",
    "src/synthtrace/quality/measure.py",
    "src/synthtrace/scans/phantom.py",
]
# stages that run in seconds, each with a script of its name
CHEAP = ["compare", "split", "check_folds"]
SOURCES = frozenset({"bytes"})


def _hex(random: np.random.Generator) -> str:
    return random.bytes(32).hex()


def edit_source(clone: Clone, random: np.random.Generator) -> None:
    """A file that fingerprints cover, and no run since."""
    path = clone.folder / drawn(COVERED, random)
    path.write_text(path.read_text() + f"\nLATER = {random.integers(1000)}\n")


def _use(clone: Clone, random: np.random.Generator, statement: str, helper: str) -> None:
    """A cheap stage takes a number from a new helper, runs, and then the number changes."""
    stage = drawn(CHEAP, random)
    file = clone.folder / helper
    file.write_text("SCALE = 1\n")
    script = clone.folder / f"stages/{stage}.py"
    lines = script.read_text().splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("from synthtrace"))
    script.write_text("\n".join([*lines[:at], *statement.splitlines(), *lines[at:]]) + "\n")
    result = clone.run("dvc", "repro", "--quiet", stage)
    assert result.returncode == 0, result.stdout + result.stderr
    file.write_text(f"SCALE = {random.integers(2, 1000)}\n")


def helper_beside_script(clone: Clone, random: np.random.Generator) -> None:
    """What a script imports from its own folder."""
    name = f"helper{random.integers(1000)}"
    _use(clone, random, f"from {name} import SCALE", f"stages/{name}.py")


def helper_by_computed_name(clone: Clone, random: np.random.Generator) -> None:
    """What no reading of the source can tell: the name is put together at run time."""
    name = f"helper{random.integers(1000)}"
    statement = f'import importlib\n\nSCALE = importlib.import_module("{name[:3]}" + "{name[3:]}").SCALE'
    _use(clone, random, statement, f"stages/{name}.py")


def module_by_computed_name(clone: Clone, random: np.random.Generator) -> None:
    """The same, in the package."""
    name = f"helper{random.integers(1000)}"
    statement = f'import importlib\n\nSCALE = importlib.import_module("synthtrace." + "{name}").SCALE'
    _use(clone, random, statement, f"src/synthtrace/{name}.py")


def edit_code_json(clone: Clone, random: np.random.Generator) -> None:
    """DVC then holds the edited value for what the stage ran with."""
    path = clone.folder / "code.json"
    code = json.loads(path.read_text())
    key = drawn(sorted(code), random)
    if isinstance(code[key], dict):
        code[key][drawn(sorted(code[key]), random)] = _hex(random)
    else:
        code[key] = _hex(random)
    path.write_text(json.dumps(code, indent=2, sort_keys=True) + "\n")
    bless(clone)


def edit_lock(clone: Clone, random: np.random.Generator) -> None:
    with edited_yaml(clone.folder / "dvc.lock") as lock:
        ran = [stage["params"]["code.json"] for stage in lock["stages"].values() if "code.json" in stage.get("params", {})]
        values = drawn(ran, random)
        values[drawn(sorted(values), random)] = _hex(random)


def declare_no_code(clone: Clone, random: np.random.Generator) -> None:
    """A stage forgets its code, and DVC is told that all is well."""
    with edited_yaml(clone.folder / "dvc.yaml") as tree:
        stages = [stage for stage in tree["stages"].values() if {"code.json"} in [set(one) for one in _files(stage)]]
        stage = drawn(stages, random)
        stage["params"] = [one for one in stage["params"] if isinstance(one, str)]
    bless(clone)


def declare_other_code(clone: Clone, random: np.random.Generator) -> None:
    """Every item of a matrix declares the code of one kind."""
    with edited_yaml(clone.folder / "dvc.yaml") as tree:
        name = drawn(["train_generator", "sample"], random)
        declared = next(one for one in tree["stages"][name]["params"] if not isinstance(one, str))
        declared["code.json"] = [f"{name}.{drawn(['class', 'semantic'], random)}"]
    bless(clone)


def _files(stage: dict) -> list[dict]:
    return [one for one in stage.get("params", []) if not isinstance(one, str)]


MUTATIONS = [
    Mutation("a file that fingerprints cover edited after the run", "code", edit_source, also=SOURCES, variants=4),
    Mutation("a helper beside the script, imported by name, edited", "code", helper_beside_script, also=SOURCES),
    Mutation("a helper beside the script, imported by a computed name, edited", "code", helper_by_computed_name, also=SOURCES),
    Mutation("a helper in the package, imported by a computed name, edited", "code", module_by_computed_name, also=SOURCES),
    Mutation("a fingerprint edited in code.json and blessed", "code", edit_code_json, variants=3),
    Mutation("a fingerprint edited in dvc.lock", "code", edit_lock, also=frozenset({"pipeline"}), variants=3),
    Mutation("a stage declares no code, and this is blessed", "code", declare_no_code),
    Mutation("a kind's stage declares another kind's code, and this is blessed", "code", declare_other_code),
]
