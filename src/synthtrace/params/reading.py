"""From params.yaml to `Params`: what is wrong is told in one sentence that names the parameter."""

import difflib
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from synthtrace.errors import InputError
from synthtrace.params.study import Params

PARAMS_FILE = Path("params.yaml")


def known_keys(model: type[BaseModel], prefix: str = "") -> list[str]:
    """Dotted names of every parameter below a model, blocks included."""
    keys = []
    for name, field in model.model_fields.items():
        keys.append(prefix + name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            keys += known_keys(field.annotation, f"{prefix}{name}.")
    return keys


def unknown_key(key: str, source: str) -> InputError:
    """The error for a parameter that does not exist, naming the nearest one that does."""
    known = known_keys(Params)
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.0)
    return InputError(f"{source}: unknown parameter {key!r}; the nearest known one is {near[0]!r}")


def parse_params(tree: Any, source: str = str(PARAMS_FILE)) -> Params:
    """Validate a parsed YAML tree; raises InputError naming `source` and the first offending parameter."""
    if not isinstance(tree, dict):
        raise InputError(f"{source}: expected blocks of parameters, found {type(tree).__name__}")
    try:
        return Params.model_validate(tree)
    except ValidationError as error:
        problems = error.errors()
        for problem in problems:
            if problem["type"] == "extra_forbidden":
                raise unknown_key(".".join(str(part) for part in problem["loc"]), source) from None
        problem = problems[0]
        key = ".".join(str(part) for part in problem["loc"])
        message = problem["msg"].removeprefix("Value error, ")
        message = message[0].lower() + message[1:]
        if problem["type"] == "missing":
            raise InputError(f"{source}: parameter {key!r} is missing") from None
        found = f"; found {problem['input']!r}" if key and not isinstance(problem["input"], dict) else ""
        raise InputError(f"{source}: {key + ': ' if key else ''}{message}{found}") from None


def load_params(path: Path = PARAMS_FILE) -> Params:
    """Read and validate a parameter file.

    Raises:
        InputError: the file is missing, is no YAML, or holds an unknown, missing, mistyped or out-of-range parameter.
    """
    try:
        tree = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; run this in the folder that holds dvc.yaml") from None
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not valid YAML: {str(error).splitlines()[0]}") from None
    return parse_params(tree, str(path))
