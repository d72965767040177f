"""Where scans come from: one small module a source, all giving one manifest."""

import importlib

from synthtrace.params import Dataset
from synthtrace.scans.manifest import Source

# dataset.kind -> "module:function", resolved late so that a source's code concerns only those who use it
SOURCES = {
    "phantom": "synthtrace.scans.phantom:read",
    "table": "synthtrace.scans.table:read",
    "byra": "synthtrace.scans.byra:read",
}


def read_source(dataset: Dataset) -> Source:
    """The scans below `dataset.path`, checked as far as their table goes; raises InputError (see each source)."""
    module, function = SOURCES[dataset.kind].split(":")
    return getattr(importlib.import_module(module), function)(dataset)
