"""What a TARGET names: a number, a file or folder of the pipeline, or an image by its id."""

import difflib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from synthtrace.errors import InputError
from synthtrace.lineage.listings import listing
from synthtrace.lineage.pipeline import producers, within
from synthtrace.lineage.run import Run, read_json
from synthtrace.tables import read_ledger

SUMMARY = "metrics/summary.json"
NEAREST = 4


@dataclass(frozen=True)
class Target:
    """What is traced.

    Attributes:
        name: as a user would type it again.
        path: the file or folder of the pipeline that it is or stands in.
        makers: the stages and outs that hold the path; none for a source, which no stage makes.
        key: of a number, its place in the JSON file; of a synthetic image, its id.
        value: of a number; None where the summary could not compute it.
    """

    name: str
    kind: Literal["number", "image", "file"]
    path: str
    makers: list[tuple[str, str]]
    key: str | None = None
    value: float | None = None


def find_target(study: Run, text: str) -> Target:
    """The target that a text names; raises InputError that names it and the nearest known ones when there is none."""
    path = _pipeline_path(study, text)
    if path and _known(study, path):
        image = _pool_image(study, path)
        return image or Target(path, "file", path, producers(study.lock, path))
    file, colon, key = text.partition(":")
    if colon and (path := _pipeline_path(study, file)) and path in _json_outs(study):
        return _number(study, path, key)
    for pool in pools(study):
        ledger = read_ledger(study.path(pool))
        rows = ledger[ledger["image_id"] == text]
        if len(rows):
            return _image(study, pool, text, str(rows.iloc[0]["path"]))
    path = next(iter(_real_paths(study, text)), None)
    if path:
        return Target(text, "file", path, producers(study.lock, path))
    raise InputError(f"{text}: no number, file or image of this study; {_nearest(text, _names(study, text))}")


def numbers(study: Run, path: str) -> dict[str, float | None]:
    """Numbers (and nulls) of a JSON file by dotted key, items of lists by position."""
    found: dict[str, float | None] = {}

    def gather(tree: Any, key: str) -> None:
        if isinstance(tree, dict | list):
            for name, below in tree.items() if isinstance(tree, dict) else enumerate(tree):
                gather(below, f"{key}.{name}" if key else str(name))
        elif tree is None or (isinstance(tree, int | float) and not isinstance(tree, bool)):
            found[key] = tree

    gather(read_json(study.path(path)), "")
    return found


def pools(study: Run) -> list[str]:
    """Outs that are pools, as far as they lie in the workspace."""
    return [out for stage in study.lock.values() for out in stage.outs if (study.path(out) / "ledger.parquet").is_file()]


def _number(study: Run, path: str, key: str) -> Target:
    known = numbers(study, path)
    if key not in known:
        below = [name for name in known if name.startswith(f"{key}.")]
        if below:
            raise InputError(f"{path}:{key}: holds {len(below)} numbers; expected one of them, such as {path}:{below[0]}")
        raise InputError(f"{path}:{key}: no such number in {path}; {_nearest(key, known, f'{path}:')}")
    return Target(f"{path}:{key}", "number", path, producers(study.lock, path), key, known[key])


def _image(study: Run, pool: str, image_id: str, below: str) -> Target:
    path = f"{pool}/{below}"
    return Target(image_id, "image", path, producers(study.lock, path), image_id)


def _pool_image(study: Run, path: str) -> Target | None:
    """A path in a pool as the image that it holds."""
    for pool in pools(study):
        if path != pool and within(path, pool):
            ledger = read_ledger(study.path(pool))
            rows = ledger[ledger["path"] == path.removeprefix(f"{pool}/")]
            return _image(study, pool, str(rows.iloc[0]["image_id"]), str(rows.iloc[0]["path"])) if len(rows) else None
    return None


def _pipeline_path(study: Run, text: str) -> str | None:
    """A text as a path of the pipeline: as the lock writes it, or as the current directory sees it; None outside the study."""
    for start in (study.root, Path.cwd()):
        place = Path(os.path.normpath(start / text))
        if place.is_relative_to(study.root) and place != study.root and (place.exists() or start == study.root):
            return place.relative_to(study.root).as_posix()
    return text.rstrip("/") or None


def _known(study: Run, path: str) -> bool:
    """Whether a path is made or read by a stage: an out or dep, or a file or folder in one."""
    for stage in study.lock.values():
        for out, digest in [*stage.outs.items(), *stage.deps.items()]:
            if path == out:
                return True
            if within(path, out):
                if study.path(path).exists():
                    return True
                files = listing(study, out, digest) or {}
                below = path.removeprefix(f"{out}/")
                return below in files or any(name.startswith(f"{below}/") for name in files)
    return False


def _json_outs(study: Run) -> list[str]:
    """JSON files of numbers that stages write, as far as they lie in the workspace."""
    outs = [out for stage in study.lock.values() for out in stage.outs]
    return [out for out in outs if out.startswith("metrics/") and out.endswith(".json") and study.path(out).is_file()]


def _real_paths(study: Run, image_id: str) -> list[str]:
    """The crop of a real image, by its id."""
    if not (study.path("data/crops") / "manifest.csv").is_file():
        return []
    rows = study.manifest[study.manifest["image_id"] == image_id]
    return [f"data/crops/{path}" for path in rows["path"]]


def _names(study: Run, text: str) -> Iterable[str]:
    """What a mistyped text may have meant: numbers for one with a colon, files for one with a slash, else ids and outs."""
    if ":" in text:
        return [f"{path}:{key}" for path in _json_outs(study) for key in numbers(study, path)]
    paths = {path for stage in study.lock.values() for path in [*stage.outs, *stage.deps]}
    if "/" in text:
        folders = [above.as_posix() for above in Path(text).parents if study.path(above.as_posix()).is_dir()]
        if folders and any(within(folders[0], path) for path in paths):
            paths |= {f"{folders[0]}/{item.name}" for item in study.path(folders[0]).iterdir()}
        return paths
    ids = [image_id for pool in pools(study) for image_id in read_ledger(study.path(pool))["image_id"]]
    if (study.path("data/crops") / "manifest.csv").is_file():
        ids += list(study.manifest["image_id"])
    return [*ids, *paths]


def _nearest(text: str, names: Iterable[str], prefix: str = "") -> str:
    near = difflib.get_close_matches(text, list(names), NEAREST, 0.5)
    if not near:
        return "expected a number (metrics/summary.json:KEY), a path that a stage reads or writes, or an image's id"
    return "nearest are " + ", ".join(f"{prefix}{name}" for name in near)
