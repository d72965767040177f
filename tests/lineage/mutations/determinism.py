"""A stage that gave two results."""

from pathlib import Path

import numpy as np
from dvc.utils import dict_sha256
from dvc.utils.serialize import dump_yaml, load_yaml
from edits import drawn, files, other_md5
from mutation import Mutation
from pipeline_clone import Clone


def second_result(clone: Clone, random: np.random.Generator) -> None:
    """As DVC keeps one: under the same key, named by its content."""
    entry = _entry(clone, random)
    result = load_yaml(str(entry))
    out = drawn(result["outs"], random)
    out["md5"] = other_md5(out["md5"], random)
    dump_yaml(str(entry.with_name(dict_sha256(result, exclude=["size", "nfiles"]))), result)


def edited_result(clone: Clone, random: np.random.Generator) -> None:
    """The only result of a key edited: DVC would take its outs as that stage's."""
    entry = _entry(clone, random)
    result = load_yaml(str(entry))
    out = drawn(result["outs"], random)
    out["md5"] = other_md5(out["md5"], random)
    dump_yaml(str(entry), result)


def _entry(clone: Clone, random: np.random.Generator) -> Path:
    return drawn(files(clone.folder / ".dvc/cache/runs"), random)


MUTATIONS = [
    Mutation("a second result of a stage in the run cache", "determinism", second_result, variants=3),
    Mutation("a result in the run cache edited", "determinism", edited_result),
]
