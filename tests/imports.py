"""Reads who imports whom, from the source text: deferred, type-only and spelled-out imports as well."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Module", "circles", "read_modules"]


@dataclass(frozen=True)
class Module:
    """One module: its dotted name, its file, and the dotted names it imports, as they stand there."""

    name: str
    path: Path
    imports: frozenset[str]
    tree: ast.Module

    @property
    def floor(self) -> str:
        return self.name.partition(".")[0]


def read_modules(root: Path, packages: tuple[str, ...]) -> dict[str, Module]:
    """Return every module of the packages under `root`, by name. Imports of ours are resolved to modules."""
    files = {_name(root, path): path for package in packages for path in sorted((root / package).rglob("*.py"))}
    modules = {}
    for name, path in files.items():
        tree = ast.parse(path.read_text("utf-8"), str(path))
        is_package = path.name == "__init__.py"
        found = frozenset(_resolve(target, files) for target in imported_names(tree, name, is_package))
        modules[name] = Module(name, path, found - {name}, tree)
    return modules


def imported_names(tree: ast.Module, name: str, is_package: bool = False) -> Iterator[str]:
    """Return each imported name: `a.b` for `import a.b`, `a.b.c` for `from a.b import c`, wherever it stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, name, is_package)
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and _called(node.func) in ("import_module", "__import__") and node.args:
            yield from _literal(node.args[0])


def circles(edges: Mapping[str, frozenset[str]]) -> list[list[str]]:
    """Return the sets of modules that import each other in a loop (strongly connected components, by Tarjan)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in edges.get(node, frozenset()):
            if other not in edges:
                continue
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            members = [stack.pop()]
            while members[-1] != node:
                members.append(stack.pop())
            if len(members) > 1 or node in edges[node]:
                found.append(sorted(members))

    for node in edges:
        if node not in index:
            visit(node)
    return found


def _name(root: Path, path: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _absolute(node: ast.ImportFrom, name: str, is_package: bool) -> str:
    if not node.level:
        return node.module or ""
    parts = name.split(".")
    kept = parts[: len(parts) - node.level + (1 if is_package else 0)]
    return ".".join([*kept, *([node.module] if node.module else [])])


def _resolve(target: str, files: Mapping[str, Path]) -> str:
    # `from layers.store import Store` means layers.store; `from layers import store` means it too
    name = target
    while name and name not in files:
        name = name.rpartition(".")[0]
    return name or target


def _called(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _literal(argument: ast.expr) -> Iterator[str]:
    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        yield argument.value
    elif isinstance(argument, ast.JoinedStr) and argument.values and isinstance(argument.values[0], ast.Constant):
        yield str(argument.values[0].value).rstrip(".")
