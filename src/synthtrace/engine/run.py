"""The work of `dvc repro` with ready stages side by side."""

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path

from synthtrace.engine.commands import Commands, Job
from synthtrace.engine.display import Display
from synthtrace.engine.graph import Pipeline
from synthtrace.params import PARAMS_FILE, load_params
from synthtrace.studies import study_of

INTERRUPTED = 130


def reproduce(targets: list[str], jobs: int) -> int:
    """Bring `targets` (none: all of dvc.yaml) up to date, up to `jobs` stages at once (0: cores // compute.threads).

    Same locks and outputs as plain `dvc repro`: DVC does the work on each stage, in this process and one at a time, and only
    the stages' commands run side by side. A failed stage ends the run once its running siblings are done. Returns 0, 1 when
    a stage failed, 130 after an interrupt; finished work is recorded in each case.

    Raises:
        InputError: bad params.yaml, no DVC repository here, an invalid dvc.yaml, or an unknown target.
    """
    study, _ = study_of(Path())
    threads = load_params(PARAMS_FILE, study.model).compute.threads
    places = jobs or max(1, (os.cpu_count() or 1) // threads)
    pipeline = Pipeline(targets)
    with (
        Display(pipeline.names) as display,
        Commands(pipeline.turn, places > 1, display.bar_width) as commands,
        _interrupts() as interrupts,
    ):
        try:
            return _Run(pipeline, places, display, commands, interrupts).go()
        finally:
            pipeline.order_lock()


@contextmanager
def _interrupts() -> Iterator[list[int]]:
    """SIGINT and SIGTERM noted in a list while the block runs."""
    noted: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _: noted.append(number)) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield noted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Run:
    def __init__(self, pipeline: Pipeline, places: int, display: Display, commands: Commands, interrupts: list[int]) -> None:
        self.pipeline = pipeline
        self.places = places
        self.display = display
        self.commands = commands
        self.interrupts = interrupts
        self.waiting = list(pipeline.names)
        self.done: set[str] = set()
        self.running: dict[Future, Job] = {}
        self.failures: list[str] = []
        self.outcomes: Counter[str] = Counter()

    def go(self) -> int:
        started = time.monotonic()
        with ThreadPoolExecutor(self.places) as pool:
            while self._start_ready(pool) or self.running:
                ended, _ = wait(self.running, timeout=0.2, return_when=FIRST_COMPLETED)
                for future in ended:
                    self._end(self.running.pop(future), future)
                self.display.running(list(self.running.values()))
                if self.interrupts:
                    # again and again, for a command may have just started; a second interrupt waits for nobody
                    self.commands.end(signal.SIGTERM if len(self.interrupts) == 1 else signal.SIGKILL)
        for failure in self.failures:
            self.display.say(f"\n{failure}\n")
        parts = ", ".join(f"{count} {what}" for what, count in self.outcomes.items())
        self.display.say(f"{parts or 'nothing done'} in {time.monotonic() - started:.1f} s")
        if self.interrupts:
            self.display.say("interrupted; what was finished is recorded")
            return INTERRUPTED
        return 1 if self.failures else 0

    def _start_ready(self, pool: ThreadPoolExecutor) -> bool:
        """Fill the free places with stages whose upstream is done, those with the longest way to go first."""
        for name in sorted(self.waiting, key=lambda name: -self.pipeline.heights[name]):
            if self.failures or self.interrupts or len(self.running) >= self.places:
                break
            if self.pipeline.upstream[name] <= self.done:
                self.waiting.remove(name)
                job = self.commands.jobs[name] = Job(name)
                self.running[pool.submit(self.pipeline.reproduce, name)] = job
        return bool(self.running)

    def _end(self, job: Job, future: Future) -> None:
        from dvc.exceptions import DvcException

        try:
            changed = future.result()
        except DvcException as error:
            what = "interrupted" if self.interrupts else "failed"
            self.outcomes[what] += 1
            self.display.ended(job.name, what, job.seconds)
            if not self.interrupts:
                self.failures.append(f"{job.text.strip()}\nerror: stage {job.name} failed: {error}".strip())
            return
        what = "unchanged" if not changed else "ran" if job.process else "from run cache"
        self.done.add(job.name)
        self.outcomes[what] += 1
        self.display.ended(job.name, what, job.seconds if changed else None, _said(job))


def _said(job: Job) -> str:
    """The last line that the stage's script said of itself: `name: what it does`."""
    start = job.name.partition("@")[0].partition("_")[0]
    lines = [line.strip() for line in job.text.splitlines() if line.startswith(start) and ": " in line]
    return lines[-1].partition(": ")[2] if lines else ""
