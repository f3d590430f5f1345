"""Which test files can reach a module: the static import graph of the repository's Python files."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePosixPath


def reachable_files(files: Sequence[str], read: Callable[[str], bytes], changed: Iterable[str]) -> set[str]:
    """The files that import a changed file, directly or through others, the changed ones included.

    `files` are repository paths. A file that does not parse, or imports by a computed name, is taken to reach
    everything: the answer may name too many, never too few. A conftest.py that reaches a changed module makes
    every file below its folder reach it.
    """
    sources = [path for path in files if path.endswith(".py")]
    by_module = _modules(sources)
    importers: dict[str, set[str]] = {}
    reached = {path for path in changed if path in set(sources)}
    for path in sources:
        wanted = _imports(read(path), path)
        if wanted is None:
            reached.add(path)
            continue
        for name in wanted:
            for target in by_module.get(name, ()):
                importers.setdefault(target, set()).add(path)
    frontier = list(reached)
    while frontier:
        path = frontier.pop()
        users = importers.get(path, set()) | _below_conftest(path, sources)
        frontier.extend(users - reached)
        reached |= users
    return reached


def _modules(sources: Sequence[str]) -> dict[str, set[str]]:
    """Every dotted name a file could be imported by: its path, and each tail of it (src layouts, sys.path games)."""
    names: dict[str, set[str]] = {}
    for path in sources:
        parts = list(PurePosixPath(path).with_suffix("").parts)
        if parts[-1] == "__init__":
            parts.pop()
        for start in range(len(parts)):
            names.setdefault(".".join(parts[start:]), set()).add(path)
    return names


def _imports(source: bytes, path: str) -> set[str] | None:
    """The dotted names a file imports; None where they cannot be read from its text."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return None
    package = list(PurePosixPath(path).parent.parts)
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                found |= _prefixes(alias.name)
        elif isinstance(node, ast.ImportFrom):
            stem = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*stem, *(node.module.split(".") if node.module else [])])
            found |= _prefixes(base)
            found |= {f"{base}.{alias.name}" if base else alias.name for alias in node.names}
        elif isinstance(node, ast.Call) and _callee(node) in ("__import__", "import_module"):
            return None
    return found


def _prefixes(name: str) -> set[str]:
    parts = name.split(".")
    return {".".join(parts[:end]) for end in range(1, len(parts) + 1)}


def _callee(node: ast.Call) -> str:
    return getattr(node.func, "id", getattr(node.func, "attr", ""))


def _below_conftest(path: str, sources: Sequence[str]) -> set[str]:
    pure = PurePosixPath(path)
    if pure.name != "conftest.py":
        return set()
    folder = "" if str(pure.parent) == "." else f"{pure.parent}/"
    return {other for other in sources if other.startswith(folder)}
