"""A lock edited by hand."""

import numpy as np
from edits import drawn, edited_yaml, other_md5
from mutation import Mutation
from pipeline_clone import Clone

from synthtrace.lineage.pipeline import producers, read_lock

GATES = "check_"


def edit_dep(clone: Clone, random: np.random.Generator) -> None:
    """A stage says that it read other bytes than another made."""
    lock = read_lock(clone.folder / "dvc.lock")
    read = [(name, dep) for name, stage in lock.items() for dep in stage.deps if producers(lock, dep)]
    _edit(clone, "deps", *drawn([one for one in read if not one[0].startswith(GATES)], random), random)


def edit_gathering_dep(clone: Clone, random: np.random.Generator) -> None:
    """The same, of a folder that holds the outs of several stages."""
    lock = read_lock(clone.folder / "dvc.lock")
    read = [(name, dep) for name, stage in lock.items() for dep in stage.deps if len(producers(lock, dep)) > 1]
    _edit(clone, "deps", *drawn([one for one in read if not one[0].startswith(GATES)], random), random)


def edit_out(clone: Clone, random: np.random.Generator) -> None:
    """A stage says that it made other bytes than others read."""
    lock = read_lock(clone.folder / "dvc.lock")
    deps = {dep for stage in lock.values() for dep in stage.deps}
    _edit(
        clone,
        "outs",
        *drawn([(name, out) for name, stage in lock.items() for out in stage.outs if out in deps], random),
        random,
    )


def _edit(clone: Clone, key: str, stage: str, path: str, random: np.random.Generator) -> None:
    with edited_yaml(clone.folder / "dvc.lock") as lock:
        for item in lock["stages"][stage][key]:
            if item["path"] == path:
                item["md5"] = other_md5(item["md5"], random)


MUTATIONS = [
    Mutation("a dep's digest edited in dvc.lock", "closure", edit_dep, also=frozenset({"gates"}), variants=4),
    Mutation("a gathering folder's digest edited in dvc.lock", "closure", edit_gathering_dep, also=frozenset({"gates"})),
    Mutation(
        "an out's digest edited in dvc.lock", "closure", edit_out, also=frozenset({"bytes", "environment", "gates"}), variants=4
    ),
]
