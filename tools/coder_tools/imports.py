"""What a Python file imports, and whether a new form of it still does."""

from __future__ import annotations

import ast


def lost_imports(path: str, before: bytes, now: str) -> list[str]:
    """Names that the file imported, and that its new text uses but binds no more; none for other languages."""
    if not path.endswith((".py", ".pyi")):
        return []
    try:
        old, new = ast.parse(before), ast.parse(now)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []  # said elsewhere
    used = {node.id for node in ast.walk(new) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    stars = any(alias.name == "*" for node in ast.walk(new) if isinstance(node, ast.ImportFrom) for alias in node.names)
    return [] if stars else sorted((_imported(old) & used) - _bound(new))


def imported_by(path: str, text: str) -> set[str]:
    """The names that a Python file imports; none for other languages, and for what does not parse."""
    if not path.endswith((".py", ".pyi")):
        return set()
    try:
        return _imported(ast.parse(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()


def _imported(tree: ast.Module) -> set[str]:
    imports = (node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom))
    return {(alias.asname or alias.name).split(".")[0] for node in imports for alias in node.names}


def _bound(tree: ast.Module) -> set[str]:
    bound = _imported(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            bound.add(node.id)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(node.name)
    return bound
