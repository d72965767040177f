"""Presets: named parameter sets in `presets/`, laid over the params.yaml of the study that they are of."""

import io
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

from synthtrace.errors import InputError
from synthtrace.params import PARAMS_FILE, Root, known_keys, parse_params, unknown_key
from synthtrace.studies import MAIN, STUDIES, Study

PRESETS = Path("presets")
# the key by which a preset names another one that it lies over
OVER = "over"
# and that by which it says that it is not of the main study
STUDY = "study"


class Change(NamedTuple):
    """A parameter that a preset sets to another value."""

    parameter: str
    before: Any
    after: Any


def apply_preset(name: str) -> list[Change]:
    """Lay `presets/NAME.yaml` over its study's params.yaml, comments kept, and return what changed.

    Lists and maps of names are replaced whole. A preset with the key `over` is laid over the preset of that name. One with the
    key `study`, or over one with it, is laid over the parameters of that study, in its folder. The result is validated before
    a byte is written.

    Raises:
        InputError: no such preset or study, presets of two studies over one another, an unknown parameter, or a value that
            `params.parse_params` refuses.
    """
    path = PRESETS / f"{name}.yaml"
    yaml_file = _round_trip()
    study, layers = _layers(yaml_file, name)
    target = study.folder / PARAMS_FILE
    params = _read(yaml_file, target)
    changes: list[Change] = []
    for preset, source in layers:
        _lay(params, preset, "", str(source), study.model, changes)
    text = io.StringIO()
    yaml_file.dump(params, text)
    # validated as every stage will read it: by PyYAML, whose reading of numbers differs from ruamel's
    parse_params(yaml.safe_load(text.getvalue()), f"{path} laid over {target}", study.model)
    if changes:
        temporary = target.with_suffix(".yaml.new")
        temporary.write_text(text.getvalue(), encoding="utf-8")
        temporary.replace(target)
    return changes


def preset_study(name: str) -> Study:
    """The study that `presets/NAME.yaml` is of; raises InputError as `apply_preset` does for presets and studies."""
    return _layers(_round_trip(), name)[0]


def _layers(yaml_file: YAML, name: str) -> tuple[Study, list[tuple[CommentedMap, Path]]]:
    """The study of a preset; the preset and those that it lies over, the lowest first."""
    layers: list[tuple[CommentedMap, Path]] = []
    named: dict[str, Path] = {}
    while name:
        path = PRESETS / f"{name}.yaml"
        if not path.is_file():
            known = ", ".join(sorted(file.stem for file in PRESETS.glob("*.yaml"))) or "none"
            raise InputError(f"{path}: no such preset; {PRESETS}/ holds {known}")
        if any(path == seen for _, seen in layers):
            raise InputError(f"{path}: lies over itself; expected `over` to name another preset")
        preset = _read(yaml_file, path)
        if STUDY in preset:
            named[str(preset.pop(STUDY))] = path
        name = preset.pop(OVER, "")
        layers.insert(0, (preset, path))
    if not named:
        return MAIN, layers
    (study, path), *others = named.items()
    if others:
        raise InputError(f"{path}: is of the study {study!r}, but lies over {others[0][1]}, which is of {others[0][0]!r}")
    if study not in STUDIES:
        raise InputError(f"{path}: no study is called {study!r}; expected one of {', '.join(STUDIES)}")
    return STUDIES[study], layers


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


def _lay(
    params: CommentedMap, preset: CommentedMap, prefix: str, source: str, model: type[Root], changes: list[Change]
) -> None:
    """Set the preset's leaves in `params` and note those that differ."""
    known = known_keys(model)
    for name, value in preset.items():
        key = f"{prefix}{name}"
        if key not in known:
            raise unknown_key(key, source, model)
        old = params.get(name)
        is_block = any(other.startswith(f"{key}.") for other in known)
        if is_block and isinstance(value, CommentedMap) and isinstance(old, CommentedMap):
            _lay(old, value, f"{key}.", source, model, changes)
            continue
        if value == old and name in params:
            continue
        changes.append(Change(key, _plain(old), _plain(value)))
        if isinstance(old, CommentedSeq) and isinstance(value, list):
            _replace(old, list(value))
        elif isinstance(old, CommentedMap) and isinstance(value, CommentedMap):
            _replace_map(old, dict(value))
        else:
            params[name] = value


def _plain(value: Any) -> Any:
    """A copy that what is laid over later does not change."""
    return list(value) if isinstance(value, list) else dict(value) if isinstance(value, dict) else value


def _replace(old: CommentedSeq, items: list[Any]) -> None:
    """Replace a list's items in block style; what stands behind its last item (a blank line, say) stays behind the last."""
    behind = old.ca.items.pop(len(old) - 1, None)
    old.ca.items.clear()
    del old[:]
    old.extend(items)
    old.fa.set_block_style()
    if behind and items:
        old.ca.items[len(items) - 1] = behind


def _replace_map(old: CommentedMap, entries: dict[str, Any]) -> None:
    """The same for a map of names."""
    behind = old.ca.items.pop(next(reversed(old)), None) if old else None
    old.ca.items.clear()
    old.clear()
    old.update(entries)
    old.fa.set_block_style()
    if behind and entries:
        old.ca.items[next(reversed(entries))] = behind
