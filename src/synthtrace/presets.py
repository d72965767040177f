"""Presets: named parameter sets in `presets/`, laid over params.yaml."""

import io
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

from synthtrace.errors import InputError
from synthtrace.params import PARAMS_FILE, Params, known_keys, parse_params, unknown_key

PRESETS = Path("presets")
# the key by which a preset names another one that it lies over
OVER = "over"


class Change(NamedTuple):
    """A parameter that a preset sets to another value."""

    parameter: str
    before: Any
    after: Any


def apply_preset(name: str) -> list[Change]:
    """Lay `presets/NAME.yaml` over params.yaml, comments kept, and return what changed.

    Lists are replaced whole. A preset whose first key is `over` is laid over the preset of that name. The result is validated
    before a byte is written.

    Raises:
        InputError: no such preset, an unknown parameter, or a value that `params.parse_params` refuses.
    """
    path = PRESETS / f"{name}.yaml"
    yaml_file = _round_trip()
    params = _read(yaml_file, PARAMS_FILE)
    changes: list[Change] = []
    for preset, source in _layers(yaml_file, name):
        _lay(params, preset, "", str(source), changes)
    text = io.StringIO()
    yaml_file.dump(params, text)
    # validated as every stage will read it: by PyYAML, whose reading of numbers differs from ruamel's
    parse_params(yaml.safe_load(text.getvalue()), f"{path} laid over {PARAMS_FILE}")
    if changes:
        temporary = PARAMS_FILE.with_suffix(".yaml.new")
        temporary.write_text(text.getvalue(), encoding="utf-8")
        temporary.replace(PARAMS_FILE)
    return changes


def _layers(yaml_file: YAML, name: str) -> list[tuple[CommentedMap, Path]]:
    """A preset and those that it lies over, the lowest first."""
    layers: list[tuple[CommentedMap, Path]] = []
    while name:
        path = PRESETS / f"{name}.yaml"
        if not path.is_file():
            known = ", ".join(sorted(file.stem for file in PRESETS.glob("*.yaml"))) or "none"
            raise InputError(f"{path}: no such preset; {PRESETS}/ holds {known}")
        if any(path == seen for _, seen in layers):
            raise InputError(f"{path}: lies over itself; expected `over` to name another preset")
        preset = _read(yaml_file, path)
        name = preset.pop(OVER, "")
        layers.insert(0, (preset, path))
    return layers


def _round_trip() -> YAML:
    round_trip = YAML()
    round_trip.preserve_quotes = True
    round_trip.width = 4096
    round_trip.indent(mapping=2, sequence=4, offset=2)
    round_trip.representer.add_representer(
        type(None), lambda representer, _: representer.represent_scalar("tag:yaml.org,2002:null", "null")
    )
    return round_trip


def _read(yaml_file: YAML, path: Path) -> CommentedMap:
    try:
        tree = yaml_file.load(path)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; run this in the folder that holds dvc.yaml") from None
    except YAMLError as error:
        raise InputError(f"{path}: not valid YAML: {str(error).splitlines()[0]}") from None
    if not isinstance(tree, CommentedMap):
        raise InputError(f"{path}: expected blocks of parameters, found {type(tree).__name__}")
    return tree


def _lay(params: CommentedMap, preset: CommentedMap, prefix: str, source: str, changes: list[Change]) -> None:
    """Set the preset's leaves in `params` and note those that differ."""
    for name, value in preset.items():
        key = f"{prefix}{name}"
        if key not in known_keys(Params):
            raise unknown_key(key, source)
        old = params.get(name)
        is_block = any(known.startswith(f"{key}.") for known in known_keys(Params))
        if is_block and isinstance(value, CommentedMap) and isinstance(old, CommentedMap):
            _lay(old, value, f"{key}.", source, changes)
            continue
        if value == old and name in params:
            continue
        changes.append(Change(key, list(old) if isinstance(old, list) else old, value))
        if isinstance(old, CommentedSeq) and isinstance(value, list):
            _replace(old, list(value))
        else:
            params[name] = value


def _replace(old: CommentedSeq, items: list[Any]) -> None:
    """Replace a list's items in block style; what stands behind its last item (a blank line, say) stays behind the last."""
    behind = old.ca.items.pop(len(old) - 1, None)
    old.ca.items.clear()
    del old[:]
    old.extend(items)
    old.fa.set_block_style()
    if behind and items:
        old.ca.items[len(items) - 1] = behind
