"""The tests that stand in docstrings of Python's code under test: which ids they have, and what of a file they are."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator

_DEFINITIONS = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_FOUND_BY = frozenset({"__doc__", "__test__"})  # names by which examples are found elsewhere than in docstrings


def is_doctest(test_id: str, read: Callable[[str], bytes]) -> bool:
    """Whether a pytest id is that of a docstring's examples: their name begins with that of the module.

    `read` gives a file and raises KeyError for one that is not there. It is asked only where a function may be called
    as its file is.
    """
    path, _, name = test_id.partition("::")
    if not path.endswith(".py") or not name or "::" in name:
        return False
    parts = path.removesuffix(".py").removesuffix("/__init__").split("/")
    modules = [".".join(parts[start:]) for start in range(len(parts))]
    if any(name.startswith(f"{module}.") for module in modules):
        return "[" not in name
    if name not in modules or "." in name:
        return name in modules
    try:
        data = read(path)
    except KeyError:
        return False
    defined = rb"^(?:(?:async\s+)?def|class)\s+%s\b" % re.escape(name.encode())
    return b">>>" in data and not re.search(defined, data, re.MULTILINE)


def python_examples(data: bytes) -> tuple[bytes, ...]:
    """The docstrings with examples in them, each with whose it is, and the statements that put other texts in their
    place. Empty for a file that does not parse."""
    if b">>>" not in data:
        return ()
    try:
        return tuple(_examples(ast.parse(data), ""))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()


def _examples(node: ast.AST, owner: str) -> Iterator[bytes]:
    text = ast.get_docstring(node, clean=False) if isinstance(node, (ast.Module, *_DEFINITIONS)) else None
    if text and ">>>" in text:
        yield f"{owner}\n{text}".encode("utf-8", "surrogatepass")
    elif isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign) and _is_about_examples(node):
        yield ast.unparse(node).encode("utf-8", "surrogatepass")
    for child in ast.iter_child_nodes(node):
        yield from _examples(child, f"{owner}.{child.name}" if isinstance(child, _DEFINITIONS) else owner)


def _is_about_examples(node: ast.Assign | ast.AugAssign | ast.AnnAssign) -> bool:
    names = (
        inner.attr if isinstance(inner, ast.Attribute) else getattr(inner, "id", "")
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        for inner in ast.walk(target)
    )
    return not _FOUND_BY.isdisjoint(names)
