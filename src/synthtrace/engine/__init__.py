"""`synthtrace repro`: DVC stages side by side, forked from a parent that has imported the libraries.

`run` schedules the stages of `graph`, on which DVC works one at a time; their `commands` run side by side. `python` in a
command is the `shim`, whose script runs in a fork of the `server`.
"""

from synthtrace.engine.run import reproduce

__all__ = ["reproduce"]
