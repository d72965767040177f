"""Which generator families exist. A new one: a module with the protocol of `protocol.py`, and a line here."""

import importlib

from synthtrace.errors import InputError
from synthtrace.generators.protocol import Family

FAMILIES = {
    "class": "synthtrace.generators.class_conditional:ClassConditional",
    "semantic": "synthtrace.generators.semantic:Semantic",
    "unet": "synthtrace.generators.unet:Unet",
    "dit": "synthtrace.generators.dit:Dit",
    "gan": "synthtrace.generators.gan.family:Gan",
    "guided": "synthtrace.generators.guided:Guided",
}


def family(kind: str) -> type[Family]:
    """The class behind a kind; raises InputError naming the known kinds."""
    if kind not in FAMILIES:
        raise InputError(f"generator.kinds: unknown kind {kind!r}; known are {', '.join(sorted(FAMILIES))}")
    module, name = FAMILIES[kind].split(":")
    return getattr(importlib.import_module(module), name)
