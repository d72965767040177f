"""Compute as a stage did: on its class of device and with as many threads, as far as this machine can."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from synthtrace.errors import InputError
from synthtrace.lineage.study import Study

if TYPE_CHECKING:
    import torch


class Machine(NamedTuple):
    """The device to compute on, its name, and the name of the one that the stage ran on (null: no record says)."""

    device: "torch.device"
    here: str
    recorded: str | None

    @property
    def same(self) -> bool:
        """Whether results can be expected to agree to within the rounding of one device."""
        return self.recorded in (None, self.here)


@contextmanager
def as_recorded(study: Study, stage: str) -> Iterator[Machine]:
    """Set this process up as the record of a stage's outs says, or, without one, as params.yaml says.

    Threads and determinism are put back at the end. Raises InputError when the record cannot be read.
    """
    import torch

    from synthtrace import compute
    from synthtrace.params import Compute
    from synthtrace.stage import Stage

    kept = (study.record(stage, digest) for digest in study.lock[stage].outs.values())
    record = next((record for record in kept if record), {})
    wanted = record.get("device") or study.params.compute.device
    try:
        settings = Compute(
            threads=record.get("threads", study.params.compute.threads), device="cpu" if wanted == "cpu" else "auto"
        )
    except ValueError:
        found = record.get("threads")
        raise InputError(f"records/{stage}: expected threads to be a number of 1 or more, found {found!r}") from None
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    run = Stage(stage, study.params.model_copy(update={"compute": settings}))
    try:
        device = compute.set_up(run)
        yield Machine(device, run.facts["device"], record.get("device"))
    finally:
        torch.set_num_threads(before[0])
        torch.use_deterministic_algorithms(before[1])
