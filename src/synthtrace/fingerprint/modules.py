"""Modules as parsed source: nothing is imported, so that the digest of heavy code is taken in milliseconds."""

import ast
import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path

from synthtrace.errors import InputError

PACKAGE = "synthtrace"
_TARGET = re.compile(rf"{PACKAGE}(\.\w+)*:\w+")


@dataclass(frozen=True)
class Registry:
    """A module-level dict literal of "module:attribute" strings, resolved late."""

    name: str
    entries: dict[str, str]

    def source(self, kinds: set[str]) -> str:
        """The dict as source, cut to some of its kinds."""
        return f"{self.name} = { ({kind: self.entries[kind] for kind in sorted(kinds)})!r}"

    def modules(self, kinds: set[str]) -> set[str]:
        """The modules that these kinds name."""
        return {self.entries[kind].partition(":")[0] for kind in kinds}


@dataclass(frozen=True)
class Import:
    """One import statement: `base` is absolute, `names` are what `from` takes (empty: plain `import`)."""

    base: str
    names: tuple[str, ...] = ()


@dataclass
class Module:
    """A parsed file: its statements without docstrings, registries kept apart, and what it imports."""

    name: str
    statements: list[str | Registry]
    imports: list[Import]
    files: dict[str, str] = field(default_factory=dict)

    def registries(self) -> list[Registry]:
        """The registries that the module defines."""
        return [part for part in self.statements if isinstance(part, Registry)]


class Library:
    """The package's modules below `root/src`, parsed on demand and once."""

    def __init__(self, root: Path) -> None:
        self._source = root / "src"
        self._modules: dict[str, Module | None] = {}

    def module(self, name: str) -> Module | None:
        """The module of a dotted name, or None when the package has none of that name."""
        if name not in self._modules:
            self._modules[name] = self._load(name)
        return self._modules[name]

    def _load(self, name: str) -> Module | None:
        if name.split(".")[0] != PACKAGE:
            return None
        path = self._source.joinpath(*name.split("."))
        if path.with_suffix(".py").is_file():
            return parse(path.with_suffix(".py"), name, name.rpartition(".")[0])
        if (path / "__init__.py").is_file():
            module = parse(path / "__init__.py", name, name)
            module.files = _data_files(path)
            return module
        return None


def parse(path: Path, name: str, package: str) -> Module:
    """Parse a file; relative imports are resolved against `package`. Raises InputError naming a file that is no Python."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        raise InputError(f"{path}{f':{line}' if line else ''}: not valid Python: {error.args[0]}") from None
    finder = _Imports(package)
    finder.visit(tree)
    _strip_docstrings(tree)
    return Module(name, [_registry(node) or ast.unparse(node) for node in tree.body], finder.found)


def _data_files(folder: Path) -> dict[str, str]:
    """sha256 of the files of a package that are no Python (templates, say), those of nested packages aside."""
    found: dict[str, str] = {}
    for path in sorted(folder.iterdir()):
        if path.is_dir() and path.name != "__pycache__" and not (path / "__init__.py").exists():
            found |= {f"{path.name}/{name}": digest for name, digest in _data_files(path).items()}
        elif path.is_file() and path.suffix not in (".py", ".pyc"):
            found[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def _registry(node: ast.stmt) -> Registry | None:
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = node.targets[0]
    elif isinstance(node, ast.AnnAssign):
        target = node.target
    else:
        return None
    if not isinstance(target, ast.Name) or not isinstance(node.value, ast.Dict) or not node.value.keys:
        return None
    try:
        entries = ast.literal_eval(node.value)
    except ValueError:
        return None
    if all(isinstance(value, str) and _TARGET.fullmatch(value) for value in entries.values()):
        return Registry(target.id, entries)
    return None


def _strip_docstrings(tree: ast.Module) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(
            node, False
        ):
            node.body = node.body[1:]
            if not node.body and not isinstance(node, ast.Module):
                node.body = [ast.Pass()]


class _Imports(ast.NodeVisitor):
    """Every import that can run, at the top or inside a function; those for type checkers alone are not."""

    def __init__(self, package: str) -> None:
        self.package = package
        self.found: list[Import] = []

    def visit_If(self, node: ast.If) -> None:
        test = node.test
        if (test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")) == "TYPE_CHECKING":
            for child in node.orelse:
                self.visit(child)
        else:
            self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        self.found += [Import(alias.name) for alias in node.names]

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        base = node.module or ""
        if node.level:
            parent = self.package.split(".")[: len(self.package.split(".")) - node.level + 1]
            base = ".".join([*parent, base] if base else parent)
        self.found.append(Import(base, tuple(alias.name for alias in node.names)))
