"""The static import closure of a script within the package."""

from typing import NamedTuple

from synthtrace.fingerprint.modules import PACKAGE, Import, Library, Module, Registry


class Scope(NamedTuple):
    """One kind of one registry: of that registry's entries the closure follows no other."""

    module: str
    registry: str
    kind: str


def closure(library: Library, script: Module, scope: Scope | None) -> tuple[dict[str, str], set[Import]]:
    """Sources by module name of all that `script` may run, and the imports from other packages there.

    A registry is followed whole when something is imported from the module that holds it, cut to `scope.kind` when it is
    the scope's, and not at all when its module is a package that is only run on the way to a submodule.
    """
    # module name -> whether something of its own is imported from it (False: only run, as a parent package)
    reached: dict[str, bool] = {}
    foreign: set[Import] = set()
    waiting = [script]

    def reach(name: str, own: bool) -> None:
        module = library.module(name)
        if module and (name not in reached or own > reached[name]):
            reached[name] = own
            waiting.append(module)

    while waiting:
        module = waiting.pop()
        targets: set[str] = set()
        for statement in module.imports:
            if statement.base.split(".")[0] == PACKAGE:
                targets |= _targets(library, statement)
            else:
                foreign.add(statement)
        for registry in module.registries():
            targets |= registry.modules(_kinds(registry, module.name, reached.get(module.name, True), scope))
        for target in targets:
            parents = target.split(".")
            for depth in range(1, len(parents)):
                reach(".".join(parents[:depth]), own=False)
            reach(target, own=True)

    sources = {script.name: _source(script, True, scope)}
    for name in sorted(reached):
        found = library.module(name)
        if found:
            sources[name] = _source(found, reached[name], scope)
            sources |= {f"{name}/{file}": digest for file, digest in found.files.items()}
    return sources, foreign


def _targets(library: Library, statement: Import) -> set[str]:
    """The modules that a statement imports: `from a import b` means a.b where that is a module, and a otherwise."""
    if not statement.names:
        return {statement.base}
    children = {name: f"{statement.base}.{name}" for name in statement.names}
    return {child if library.module(child) else statement.base for child in children.values()}


def _kinds(registry: Registry, module: str, own: bool, scope: Scope | None) -> set[str]:
    if scope and (module, registry.name) == (scope.module, scope.registry):
        return {scope.kind}
    return set(registry.entries) if own else set()


def _source(module: Module, own: bool, scope: Scope | None) -> str:
    return "\n".join(
        part.source(_kinds(part, module.name, own, scope)) if isinstance(part, Registry) else part for part in module.statements
    )
