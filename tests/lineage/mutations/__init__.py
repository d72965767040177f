"""What the audit must catch: a module a check, each with a list MUTATIONS."""

import importlib

from mutation import Mutation

from synthtrace.lineage.audit import CHECKS


def all_mutations() -> list[Mutation]:
    """Every mutation, in the order of the checks."""
    return [one for name in CHECKS for one in importlib.import_module(f"mutations.{name}").MUTATIONS]
