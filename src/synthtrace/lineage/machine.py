"""Compute as a stage did: on its class of device and with as many threads, as far as this machine can."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from synthtrace.errors import InputError
from synthtrace.lineage.run import Run, read_object

if TYPE_CHECKING:
    import torch


class Machine(NamedTuple):
    """The device to compute on, its name, the name of the one that the stage ran on (null: no record says), and the record."""

    device: "torch.device"
    here: str
    recorded: str | None
    record: dict[str, Any] | None

    @property
    def same(self) -> bool:
        """Whether results can be expected to agree to within the rounding of one device."""
        return self.recorded in (None, self.here)


@contextmanager
def as_recorded(study: Run, stage: str) -> Iterator[Machine]:
    """Set this process up as the record of a stage's outs says, or, without one, as dvc.lock and params.yaml say.

    Threads and determinism are put back at the end. Raises InputError when the stage has not run or its record cannot be read.
    """
    import torch

    from synthtrace import compute
    from synthtrace.params import Compute
    from synthtrace.stage import Stage

    asked = study.params_of(stage)
    kept = record_of(study, stage)
    record = kept or {}
    wanted = record.get("device") or asked.compute.device
    try:
        threads, device = record.get("threads", asked.compute.threads), "cpu" if wanted == "cpu" else "auto"
        settings = Compute.model_validate({**asked.compute.model_dump(), "threads": threads, "device": device})
    except ValueError:
        found = record.get("threads")
        raise InputError(f"records/{stage}: expected threads to be a number of 1 or more, found {found!r}") from None
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    run = Stage(stage, asked.model_copy(update={"compute": settings}))
    try:
        found_device = compute.set_up(run)
        yield Machine(found_device, run.facts["device"], record.get("device"), kept)
    finally:
        torch.set_num_threads(before[0])
        torch.use_deterministic_algorithms(before[1])


def record_of(study: Run, stage: str) -> dict[str, Any] | None:
    """The record of a stage's outs as dvc.lock knows them, or else of its latest run: bytes that no run made have none."""
    kept = (study.record(stage, digest) for digest in study.lock[stage].outs.values())
    found = next((record for record in kept if record), None)
    others = (read_object(path) for path in study.records(stage).glob("*.json") if path.is_file())
    return found or max(others, key=lambda record: str(record.get("started")), default=None)
