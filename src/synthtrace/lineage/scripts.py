"""Which script a stage runs, and which files of the project the fingerprint of that script covers."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from synthtrace.errors import InputError
from synthtrace.fingerprint import REGISTRIES, SHARED
from synthtrace.fingerprint.closure import Scope, closure
from synthtrace.fingerprint.modules import Import, Library, parse
from synthtrace.fingerprint.packages import numeric_distributions
from synthtrace.lineage.pipeline import Declared
from synthtrace.lineage.run import Run

CODE = "code.json"


_KIND = re.compile(r"--kind[ =](\S+)")


@dataclass(frozen=True)
class Script:
    """A script that a stage runs, by its path in the repository, and the kind that the command asks of it."""

    path: str
    kind: str | None

    @property
    def stem(self) -> str:
        """Its key in code.json."""
        return Path(self.path).stem


def scripts(study: Run, stage: Declared) -> list[Script]:
    """The Python scripts in a stage's command; raises InputError when the command is no shell words."""
    try:
        words = shlex.split(stage.cmd)
    except ValueError as error:
        raise InputError(f"dvc.yaml: stage {stage.name}: cmd {stage.cmd!r} cannot be read ({error})") from None
    kind = _KIND.search(stage.cmd)
    paths = [(study.home / word).resolve() for word in words if word.endswith(".py")]
    return [
        Script(
            path.relative_to(study.repository).as_posix() if path.is_relative_to(study.repository) else str(path),
            kind[1] if kind else None,
        )
        for path in paths
    ]


def code_keys(stage: Declared) -> list[str]:
    """The keys of code.json that a stage declares."""
    return [key for file, keys in stage.params.items() if Path(file).name == CODE for key in keys]


def registry_of(script: str) -> tuple[str, str] | None:
    """The registry (`fingerprint.REGISTRIES`) through which the script at a path goes, where it has a fingerprint a kind."""
    folder, stem = Path(script).parent.as_posix(), Path(script).stem
    return REGISTRIES.get(stem) if folder == "stages" or stem in SHARED else None


def expected_key(study: Run, script: Script, keys: list[str]) -> str | None:
    """The key of code.json that stands for a script; None when no fingerprint is taken of it.

    It is the script's stem, or stem.kind where the script goes through a registry: of the kind that the command asks for, or
    else of one of those declared.
    """
    if script.path != f"{study.scripts}/{script.stem}.py":
        return None
    if registry_of(script.path) is None:
        return script.stem
    kinds = [key.partition(".")[2] for key in keys if key.startswith(f"{script.stem}.")]
    return f"{script.stem}.{script.kind or next(iter(kinds), '<kind>')}"


class Coverage:
    """The files below a repository that fingerprints cover; modules are parsed once."""

    def __init__(self, repository: Path) -> None:
        self._root = repository
        self._library = Library(repository)
        self._known: dict[tuple[str, str], tuple[set[str], set[Import]]] = {}

    def files(self, script: str, key: str) -> set[str]:
        """Paths of the script and of all that is in its import closure, as `key` of code.json scopes it."""
        return self._closure(script, key)[0]

    def strangers(self, script: str, key: str) -> set[str]:
        """Files of the repository that the closure imports under names that are none of the package's."""
        places = [(self._root / script).parent, self._root / "src", self._root]
        found: set[str] = set()
        for statement in self._closure(script, key)[1]:
            base = statement.base.strip(".").replace(".", "/")
            for name in (base, *(f"{base}/{name}".strip("/") for name in statement.names)):
                for place in places:
                    for path in (place / f"{name}.py", place / name / "__init__.py"):
                        if name and path.is_file():
                            found.add(path.relative_to(self._root).as_posix())
        return found

    def packages(self, script: str, key: str) -> set[str]:
        """The numeric distributions that the closure imports: those whose versions the fingerprint covers."""
        return set(numeric_distributions({statement.base.split(".")[0] for statement in self._closure(script, key)[1]}))

    def _closure(self, script: str, key: str) -> tuple[set[str], set[Import]]:
        if (script, key) not in self._known:
            kind = key.partition(".")[2]
            registry = registry_of(script)
            scope = Scope(*registry, kind) if registry else None
            sources, foreign = closure(self._library, parse(self._root / script, script, package=""), scope)
            modules = {file for name in sources if (file := self._file(name))}
            self._known[script, key] = ({script} | modules, foreign)
        return self._known[script, key]

    def _file(self, module: str) -> str | None:
        path = Path("src", *module.split("."))
        for candidate in (path.with_suffix(".py"), path / "__init__.py"):
            if (self._root / candidate).is_file():
                return candidate.as_posix()
        return None
