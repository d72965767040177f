"""Another environment than the locked one."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from edits import drawn, files
from mutation import Mutation
from pipeline_clone import Clone

# stages, and packages whose version may change what they compute
COMPUTED_WITH = {
    "train_generator@*": ["torch", "diffusers", "numpy"],
    "classify_*": ["torch", "timm", "pandas"],
    "preprocess": ["scikit-image", "pillow"],
    "score_pools": ["torch", "timm", "numpy"],
    "curve@*": ["torch", "timm", "pandas"],
    "compare": ["numpy", "pandas"],
    "explain": ["shap", "torch"],
    "split": ["scikit-learn"],
}


def _change_record(clone: Clone, random: np.random.Generator, pattern: str, change: dict[str, Any]) -> None:
    path = drawn([path for folder in sorted((clone.folder / "records").glob(pattern)) for path in files(folder)], random)
    record = json.loads(path.read_text())
    for key, value in change.items():
        record[key] = record[key] | value if isinstance(value, dict) else value
    path.write_text(json.dumps(record, indent=2, sort_keys=True) + "\n")


def _other(version: str, random: np.random.Generator) -> str:
    major, _, rest = version.partition(".")
    return f"{major}.{int(rest.partition('.')[0]) + random.integers(1, 9)}.0"


def other_package(clone: Clone, random: np.random.Generator) -> None:
    pattern = drawn(sorted(COMPUTED_WITH), random)
    package = drawn(COMPUTED_WITH[pattern], random)
    version = _other(_locked(clone.folder / "requirements.lock")[package], random)
    _change_record(clone, random, pattern, {"packages": {package: version}})


def other_threads(clone: Clone, random: np.random.Generator) -> None:
    """Another number of threads than the parameter that the lock holds: other bytes."""
    pattern = drawn(["train_generator@*", "sample@*", "classify@*", "features@*"], random)
    _change_record(clone, random, pattern, {"threads": int(random.integers(2, 64))})


def other_lock(clone: Clone, random: np.random.Generator) -> None:
    """The lock asks for another version after the run."""
    path = clone.folder / "requirements.lock"
    package = drawn(["torch", "numpy", "pandas", "scikit-image", "diffusers"], random)
    version = _locked(path)[package]
    text = path.read_text()
    path.write_text(text.replace(f"\n{package}=={version} ", f"\n{package}=={_other(version, random)} "))
    assert path.read_text() != text


def _locked(lock: Path) -> dict[str, str]:
    """The first version of each package."""
    return dict(reversed(re.findall(r"^([\w.-]+)==(\S+)", lock.read_text(), re.MULTILINE)))


MUTATIONS = [
    Mutation("a stage ran with another version of a package that it computes with", "environment", other_package, variants=4),
    Mutation("a stage ran on another number of threads", "environment", other_threads),
    Mutation(
        "requirements.lock asks for another version after the run",
        "environment",
        other_lock,
        also=frozenset({"code", "bytes"}),
        variants=3,
    ),
]
