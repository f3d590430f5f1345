"""The tests that stand in the files of the code under test, as Rust has them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from coder_tools.languages import parse

if TYPE_CHECKING:
    from tree_sitter import Node

_TEST = re.compile(rb"\btest\b|\bbench\b|\bshould_panic\b|\bdoctest\b")
_DOCUMENTATION = re.compile(rb"^\s*//[/!](.*)$", re.MULTILINE)


def rust_tests(path: str, data: bytes) -> tuple[bytes, ...]:
    """Items and statements under an attribute that names tests, `cfg!(test)` and its like, and the code examples of
    documentation comments, in their order."""
    tree = parse(path, data)
    items = list(_items(tree.root_node)) if tree is not None else []
    return (*items, *_examples(data))


def _items(node: Node) -> Iterator[bytes]:
    pending: list[bytes] = []
    for child in node.children:
        if child.type == "attribute_item" and _TEST.search(child.text or b""):
            pending.append(child.text or b"")
        elif child.type in ("attribute_item", "line_comment", "block_comment"):
            continue
        elif pending:
            yield b"\n".join([*pending, child.text or b""])
            pending = []
        elif child.type in ("inner_attribute_item", "macro_invocation") and _TEST.search(child.text or b""):
            yield child.text or b""
        else:
            yield from _items(child)


def _examples(data: bytes) -> Iterator[bytes]:
    """The lines of documentation comments between fences."""
    inside = False
    for match in _DOCUMENTATION.finditer(data):
        line = match[1].strip()
        if line.startswith(b"```"):
            inside = not inside
            yield line
        elif inside:
            yield line
