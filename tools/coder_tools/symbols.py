"""Definitions and uses of names, by syntax (tree-sitter), also in files that do not parse."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from coder_tools.languages import grammar_of, load, parse
from coder_tools.names import assigned, parsed
from coder_tools.text import numbered
from coder_tools.workspace import Workspace

if TYPE_CHECKING:
    from tree_sitter import Node

_FILE_LIMIT = 2_000_000  # bytes
_WRAPPERS = ("decorated_definition", "export_statement", "template_declaration")
_SCOPES = ("function", "class", "impl", "holder")
_WHOLE = ("lexical_declaration", "type_declaration", "expression_statement")
"""What mostly has one definition in it, and is one thing with it: `const f = 1`, `exports.f = 1`, Go's `type T int`."""


@dataclass(frozen=True)
class Symbol:
    """A function, class or assignment. Lines start at 1 and include decorators; offsets are bytes."""

    name: str
    qualified: str  # with the classes and functions around it: "Box.add"
    kind: str  # "function", "class" or "variable"; types of any sort count as classes
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


@lru_cache(maxsize=512)
def definitions(path: str, data: bytes) -> tuple[Symbol, ...]:
    """Every definition in the file, however deep, in its order; () for a language that is not known."""
    from tree_sitter import QueryCursor

    loaded = load(path)
    if loaded is None or len(data) > _FILE_LIMIT:
        return ()
    found: dict[tuple[int, int, str, bool], tuple[Node, str, str]] = {}
    for _, captured in QueryCursor(loaded.definitions).matches(loaded.parser.parse(data).root_node):
        [name] = captured.pop("name")
        [(kind, nodes)] = captured.items()
        node, text = nodes[0], _text(name)
        key = (node.start_byte, node.end_byte, text, kind == "holder")
        if kind != "variable" or key not in found:  # `f = () => 1` is a function
            found[key] = (node, kind, text)
    bodies = {text.rsplit(":", 1)[-1] for _, kind, text in found.values() if kind == "function"}
    symbols: list[Symbol] = []
    around: list[tuple[int, str]] = []  # (end, qualified name) of the definitions that are open
    for node, kind, text in sorted(found.values(), key=_order):
        while around and around[-1][0] <= node.start_byte:
            around.pop()
        text = _within(node, text, kind)
        qualified = f"{around[-1][1]}.{text}" if around else text
        if kind in _SCOPES:
            around.append((node.end_byte, qualified))
        if kind == "prototype":  # a file that has the function itself announces it only for its own order
            kind = "" if text in bodies else "function"
        if kind not in ("impl", "holder", ""):
            symbols.append(_symbol(text.rsplit(".", 1)[-1], qualified, kind, path, node))
    return tuple(symbols)


def _order(item: tuple[Node, str, str]) -> tuple[int, int, bool]:
    """By place, what is around before what is inside; what only opens a scope after the definition with its place."""
    node, kind, _ = item
    return node.start_byte, -node.end_byte, kind == "holder"


def _within(node: Node, name: str, kind: str) -> str:
    """The name, dotted, with the type that a method of Go is declared for; that of Rust's `impl` without its
    parameters; what is assigned in JavaScript as people call it."""
    if kind == "impl":
        return name.split("<")[0].replace("::", ".")
    if node.type == "assignment_expression":
        return assigned(name)
    if name[:1] in "\"'":
        return name.strip("\"'")
    receiver = node.child_by_field_name("receiver") if kind == "function" else None
    words = re.findall(r"\w+", _text(receiver).split("[")[0]) if receiver is not None else []
    return (f"{words[-1]}.{name}" if words else name).replace("::", ".")


def find_definitions(workspace: Workspace, name: str) -> list[Symbol]:
    """Where a name, or a dotted one such as `Box.add`, is defined; of overloads those that it tells apart."""
    wanted = parsed(name)
    last = wanted.dotted.rsplit(".", 1)[-1]
    contents = dict(_files_with(workspace, last))
    found = [s for path, data in contents.items() for s in definitions(path, data) if s.name == last]
    exact = [s for s in found if s.qualified == wanted.dotted or s.qualified.endswith("." + wanted.dotted)]
    return exact or found


def find_uses(workspace: Workspace, name: str, limit: int = 100) -> list[Use]:
    """Where a name stands in code, definitions included, at most `limit` places."""
    last = parsed(name).dotted.rsplit(".", 1)[-1]
    found: list[Use] = []
    for path, data in _files_with(workspace, last):
        tree = parse(path, data)
        if tree is None:
            continue
        lines = data.split(b"\n")
        wanted = last.encode("utf-8", "surrogatepass")
        seen: set[int] = set()
        for match in re.finditer(rb"(?<![\w$])" + re.escape(wanted) + rb"(?![\w$])", data):
            node = tree.root_node.descendant_for_byte_range(match.start(), match.end())
            row = data.count(b"\n", 0, match.start())
            if node is not None and node.type.endswith("identifier") and row not in seen:
                seen.add(row)
                found.append(Use(path, row + 1, lines[row].decode("utf-8", "replace").strip()))
        if len(found) >= limit:
            break
    return found[:limit]


def outline(path: str, data: bytes) -> list[str]:
    """The file's definitions, a line each: the line number and the first line of its text, indented as it is."""
    lines = data.decode("utf-8", "replace").split("\n")
    shown = []
    for symbol in definitions(path, data):
        row = data.count(b"\n", 0, symbol.body_start)
        shown.append(numbered(row + 1, lines[row].rstrip()[:160]))
    return list(dict.fromkeys(shown))


def _symbol(name: str, qualified: str, kind: str, path: str, node: Node) -> Symbol:
    if node.parent is not None and node.parent.type in _WHOLE and node.parent.named_child_count == 1:
        node = node.parent
    whole = node
    while whole.parent is not None and whole.parent.type in _WRAPPERS:
        whole = whole.parent
    first, last = whole.start_point[0] + 1, whole.end_point[0] + 1
    return Symbol(name, qualified, kind, path, first, last, whole.start_byte, whole.end_byte, node.start_byte)


def _files_with(workspace: Workspace, name: str) -> Iterator[tuple[str, bytes]]:
    """The files of known languages that have the name in them at all."""
    needle = name.encode("utf-8", "surrogatepass")  # half a character is in no file
    known = [path for path in workspace.files() if grammar_of(path) is not None]
    found = [(path, data) for path, data in workspace.read_all(known) if needle in data and len(data) <= _FILE_LIMIT]
    yield from sorted(found)


def _text(node: Node) -> str:
    return node.text.decode("utf-8", "replace") if node.text is not None else ""
