"""Definitions and uses of names in Python files, by syntax (tree-sitter), also where one does not parse."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from coder_tools.workspace import Workspace

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

_FILE_LIMIT = 2_000_000  # bytes


@dataclass(frozen=True)
class Symbol:
    """A function, class or assignment. Lines start at 1 and include decorators; offsets are bytes."""

    name: str
    qualified: str  # with the classes and functions around it: "Box.add"
    kind: str  # "function", "class" or "variable"
    path: str
    first_line: int
    last_line: int
    start: int
    end: int
    body_start: int  # where the definition itself begins, after its decorators


@dataclass(frozen=True)
class Use:
    """A place where a name stands in code, not in a string or comment."""

    path: str
    line: int
    text: str


@lru_cache(maxsize=1)
def _parser() -> Parser:
    import tree_sitter_python
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_python.language()))


def definitions(path: str, data: bytes) -> list[Symbol]:
    """Every function and class, however deep, and the names assigned in module or class bodies."""
    found: list[Symbol] = []
    stack: list[tuple[Node, str, Node | None]] = [(_parser().parse(data).root_node, "", None)]
    while stack:
        node, scope, decorated = stack.pop()
        inner = scope
        if node.type in ("function_definition", "class_definition"):
            name = _text(node.child_by_field_name("name"))
            inner = f"{scope}{name}."
            kind = "function" if node.type == "function_definition" else "class"
            found.append(_symbol(name, scope, kind, path, node, decorated or node))
        elif node.type == "assignment" and (target := _assigned(node)):
            found.append(_symbol(target, scope, "variable", path, node, node))
        outer = node if node.type == "decorated_definition" else None
        stack.extend((child, inner, outer) for child in reversed(node.children))
    return found


def find_definitions(workspace: Workspace, name: str) -> list[Symbol]:
    """Where a name, or a dotted one such as `Box.add`, is defined."""
    last = name.rsplit(".", 1)[-1]
    symbols = (
        symbol
        for path, data in _python_files(workspace, last)
        for symbol in definitions(path, data)
        if symbol.name == last
    )
    found = list(symbols)
    exact = [s for s in found if s.qualified == name or s.qualified.endswith("." + name)]
    return exact or found


def find_uses(workspace: Workspace, name: str, limit: int = 100) -> list[Use]:
    """Where a name stands in code, definitions included, at most `limit` places."""
    last = name.rsplit(".", 1)[-1]
    found: list[Use] = []
    for path, data in _python_files(workspace, last):
        lines = data.split(b"\n")
        seen: set[int] = set()
        for node in _walk(_parser().parse(data).root_node):
            row = node.start_point[0]
            if node.type == "identifier" and _text(node) == last and row not in seen:
                seen.add(row)
                found.append(Use(path, row + 1, lines[row].decode("utf-8", "replace").strip()))
        if len(found) >= limit:
            break
    return found[:limit]


def _symbol(name: str, scope: str, kind: str, path: str, node: Node, whole: Node) -> Symbol:
    first, last = whole.start_point[0] + 1, whole.end_point[0] + 1
    span = (first, last, whole.start_byte, whole.end_byte, node.start_byte)
    return Symbol(name, scope + name, kind, path, *span)


def _assigned(node: Node) -> str:
    """The name a module- or class-level assignment gives, "" for any other."""
    left, statement = node.child_by_field_name("left"), node.parent
    if left is None or left.type != "identifier" or statement is None or statement.parent is None:
        return ""
    body = statement.parent
    in_class = body.parent is not None and body.parent.type == "class_definition"
    return _text(left) if body.type == "module" or in_class else ""


def _python_files(workspace: Workspace, name: str) -> Iterator[tuple[str, bytes]]:
    """The Python files that have the name in them at all."""
    needle = name.encode()
    for path in workspace.files():
        if path.endswith((".py", ".pyi")):
            data = workspace.read(path)
            if needle in data and len(data) <= _FILE_LIMIT:
                yield path, data


def _walk(root: Node) -> Iterator[Node]:
    stack = [root]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(node.children))


def _text(node: Node | None) -> str:
    return node.text.decode("utf-8", "replace") if node is not None and node.text is not None else ""
