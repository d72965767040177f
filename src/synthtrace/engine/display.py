"""What a person sees of a run: one line a stage, and on a terminal the running stages with their progress below."""

import time

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from synthtrace.engine.commands import Job


class Display:
    """Lines on stdout; use as a context manager."""

    def __init__(self, names: list[str]) -> None:
        self._console = Console(highlight=False)
        self._width = max(len(name) for name in names) if names else 0
        self._live = Live(console=self._console, auto_refresh=False, transient=True) if self._console.is_terminal else None
        self._drawn = 0.0

    def __enter__(self) -> "Display":
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    @property
    def bar_width(self) -> int | None:
        """Columns left for a stage's progress bar; None without a terminal."""
        return max(self._console.width - self._width - 12, 20) if self._live else None

    def running(self, jobs: list[Job]) -> None:
        """Redraw the running stages, a few times a second."""
        if not self._live or time.monotonic() - self._drawn < 0.2:
            return
        self._drawn = time.monotonic()
        table = Table.grid(padding=(0, 2))
        for job in jobs:
            lines = [line for line in job.text.splitlines() if line.strip()]
            table.add_row(job.name.ljust(self._width), f"{job.seconds:6.0f} s", Text(lines[-1] if lines else "", no_wrap=True))
        self._live.update(table, refresh=True)

    def ended(self, name: str, what: str, seconds: float | None = None, said: str = "") -> None:
        """The line of a stage that is done."""
        time_taken = f"{seconds:7.1f} s" if seconds is not None else " " * 9
        line = f"{name.ljust(self._width)}  {what:<14}{time_taken}  {said}".rstrip()
        self._console.print(Text(line), soft_wrap=True)

    def say(self, text: str) -> None:
        """Any other line."""
        self._console.print(Text(text), soft_wrap=True)
