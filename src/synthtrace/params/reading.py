"""From params.yaml to the parameters of a study: what is wrong is told in one sentence that names the parameter."""

import difflib
from pathlib import Path
from typing import Any, TypeVar, overload

import yaml
from pydantic import BaseModel, ValidationError

from synthtrace.errors import InputError
from synthtrace.params.root import Root
from synthtrace.params.study import Params

PARAMS_FILE = Path("params.yaml")

R = TypeVar("R", bound=Root)


def known_keys(model: type[BaseModel], prefix: str = "") -> list[str]:
    """Dotted names of every parameter below a model, blocks included."""
    keys = []
    for name, field in model.model_fields.items():
        keys.append(prefix + name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            keys += known_keys(field.annotation, f"{prefix}{name}.")
    return keys


def unknown_key(key: str, source: str, model: type[BaseModel] = Params) -> InputError:
    """The error for a parameter that does not exist, naming the nearest one that does."""
    known = known_keys(model)
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.0)
    return InputError(f"{source}: unknown parameter {key!r}; the nearest known one is {near[0]!r}")


@overload
def parse_params(tree: Any, source: str = ...) -> Params: ...


@overload
def parse_params(tree: Any, source: str, model: type[R]) -> R: ...


def parse_params(tree: Any, source: str = str(PARAMS_FILE), model: type[Root] = Params) -> Root:
    """Validate a parsed YAML tree; raises InputError naming `source` and the first offending parameter.

    `model`: the parameters of the study, by default the main one's.
    """
    if not isinstance(tree, dict):
        raise InputError(f"{source}: expected blocks of parameters, found {type(tree).__name__}")
    try:
        return model.model_validate(tree)
    except ValidationError as error:
        problems = error.errors()
        for problem in problems:
            if problem["type"] == "extra_forbidden":
                raise unknown_key(".".join(str(part) for part in problem["loc"]), source, model) from None
        problem = problems[0]
        key = ".".join(str(part) for part in problem["loc"])
        message = problem["msg"].removeprefix("Value error, ")
        message = message[0].lower() + message[1:]
        if problem["type"] == "missing":
            raise InputError(f"{source}: parameter {key!r} is missing") from None
        found = f"; found {problem['input']!r}" if key and not isinstance(problem["input"], dict) else ""
        raise InputError(f"{source}: {key + ': ' if key else ''}{message}{found}") from None


@overload
def load_params(path: Path = ...) -> Params: ...


@overload
def load_params(path: Path, model: type[R]) -> R: ...


def load_params(path: Path = PARAMS_FILE, model: type[Root] = Params) -> Root:
    """Read and validate a parameter file, of the main study or of another (`model`).

    Raises:
        InputError: the file is missing, is no YAML, or holds an unknown, missing, mistyped or out-of-range parameter.
    """
    try:
        tree = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; run this in the folder that holds dvc.yaml") from None
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not valid YAML: {str(error).splitlines()[0]}") from None
    return parse_params(tree, str(path), model)
