"""`code.json`: what the code of each stage script is, so that a changed comment retrains nothing and a real edit does.

A digest covers the `ast.unparse`d, docstring-free source of everything of this package that the script imports, directly or
not, at the top or late, and the locked versions of the numeric packages that this code imports.
"""

import hashlib
import json
from pathlib import Path

from synthtrace.errors import InputError
from synthtrace.fingerprint.closure import Scope, closure
from synthtrace.fingerprint.modules import Library, parse
from synthtrace.fingerprint.packages import LOCK, locked_versions, numeric_distributions

# Scripts that resolve one kind through a registry: they get a digest a kind, so that a new kind leaves the others' alone.
REGISTRIES = {
    "ingest": ("synthtrace.scans", "SOURCES"),
    "train_generator": ("synthtrace.generators.registry", "FAMILIES"),
    "sample": ("synthtrace.generators.registry", "FAMILIES"),
}


# of these, the ones that scripts of other studies share: their generators are not those of the main one
SHARED = ("ingest",)


def fingerprints(root: Path = Path(), scripts: str = "stages") -> dict[str, str | dict[str, str]]:
    """Hex sha256 of every script in the folder `scripts`, by stem; of a script in REGISTRIES one a kind.

    Of another study than the main one, whose scripts lie in `stages/<study>`, those in SHARED alone are digested a kind.

    Raises:
        InputError: a file does not parse, a registry is not where REGISTRIES says, or the lock lacks an imported package.
    """
    library = Library(root)
    versions = locked_versions(root / LOCK)
    result: dict[str, str | dict[str, str]] = {}
    for path in sorted((root / scripts).glob("*.py")):
        name = f"{scripts}/{path.name}"
        if path.stem not in (REGISTRIES if scripts == "stages" else SHARED):
            result[path.stem] = _digest(library, versions, path, name, None)
            continue
        module, variable = REGISTRIES[path.stem]
        holder = library.module(module)
        registry = holder and next((part for part in holder.registries() if part.name == variable), None)
        if not registry:
            raise InputError(f"{path}: expected a dict {variable} of 'module:attribute' strings in {module}, found none")
        result[path.stem] = {
            kind: _digest(library, versions, path, name, Scope(module, variable, kind)) for kind in sorted(registry.entries)
        }
    return result


def _digest(library: Library, versions: dict[str, str], path: Path, name: str, scope: Scope | None) -> str:
    script = parse(path, name, package="")
    sources, imports = closure(library, script, scope)
    packages = {}
    for distribution in numeric_distributions({statement.base.split(".")[0] for statement in imports}):
        if distribution not in versions:
            raise InputError(f"{LOCK}: no version of {distribution!r} for this Python, which {script.name} imports")
        packages[distribution] = versions[distribution]
    content = json.dumps({"sources": sources, "packages": packages}, sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()
