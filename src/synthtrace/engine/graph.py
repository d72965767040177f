"""The stages to bring up to date, and DVC's own work on each."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from synthtrace.errors import InputError

PROJECT = "dvc.yaml"
LOCK = Path("dvc.lock")


class Pipeline:
    """The stages that some targets need, in an order in which plain `dvc repro` may visit them."""

    def __init__(self, targets: list[str]) -> None:
        from dvc.repo import Repo
        from dvc.repo.reproduce import collect_stages, get_active_graph, plan_repro

        logging.getLogger("dvc").setLevel(logging.WARNING)  # a line a stage is ours to print
        with one_sentence():
            self._repo = Repo(_wait_for_lock=True)
            index = self._repo.index
            graph = get_active_graph(index.graph)
            # without a target the index has all that counts: to collect it anew would parse dvc.yaml and dvc.lock again
            wanted = collect_stages(self._repo, targets) if targets else [one for one in index.stages if one.relpath == PROJECT]
            needed = set(plan_repro(graph, wanted))
        # DVC's order, but always the same: its plan of some stages may stand as a set of them happens to
        plan = [stage for stage in plan_repro(graph) if stage in needed]
        self._stages: dict[str, Any] = {stage.addressing: stage for stage in plan}
        self.names = list(self._stages)
        # DVC draws an edge from a stage to what it depends on
        self.upstream = {stage.addressing: {above.addressing for above in graph.successors(stage)} for stage in plan}
        self.heights = self._heights()
        self._recorded = list(_locked_stages())
        # DVC is not thread-safe: its work is done by one thread at a time, which passes the turn on while a command runs
        self.turn = threading.Lock()

    def _heights(self) -> dict[str, int]:
        """How many stages the longest chain from a stage to the end of the flow has."""
        heights = dict.fromkeys(self.names, 1)
        for name in reversed(self.names):  # a plan names a stage after all that it depends on
            for above in self.upstream[name] & heights.keys():
                heights[above] = max(heights[above], heights[name] + 1)
        return heights

    def reproduce(self, name: str) -> bool:
        """DVC's reproduction of one stage whose upstream is done, recorded in dvc.lock; False when nothing had changed.

        Raises DvcException when the stage fails.
        """
        stage = self._stages[name]
        with self.turn, self._repo.lock:
            if not stage.reproduce():
                return False
            stage.dump(update_pipeline=False)
            return True

    def order_lock(self) -> None:
        """Put new entries of dvc.lock in the order of the plan: here they come as stages end."""
        from dvc.utils.serialize import modify_yaml

        order = [*self._recorded, *(name for name in self.names if name not in self._recorded)]
        stages = list(_locked_stages())
        if stages == [name for name in order if name in stages]:
            return
        with one_sentence(), self._repo.lock, modify_yaml(str(LOCK)) as lock:
            lock["stages"] = {name: lock["stages"][name] for name in order if name in lock["stages"]}


def _locked_stages() -> dict[str, Any]:
    return (yaml.load(LOCK.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader).get("stages") or {}) if LOCK.exists() else {}


@contextmanager
def one_sentence() -> Iterator[None]:
    """DVC's own complaints (no repository, no such stage, an invalid dvc.yaml) are a user's to mend."""
    from dvc.exceptions import DvcException

    try:
        yield
    except DvcException as error:
        raise InputError(f"dvc: {error}") from None
