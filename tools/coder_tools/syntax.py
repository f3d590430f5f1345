"""Whether a file still parses, in every language whose syntax is known."""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coder_tools.languages import grammar_of, parse
from coder_tools.text import clean
from coder_tools.workspace import ToolError

if TYPE_CHECKING:
    from tree_sitter import Node


class EditRefused(ToolError):
    """The edit was not made. The message says why, and what to send instead."""


@dataclass(frozen=True)
class Fault:
    """Where a file stops to parse. `line` and `column` start at 1; 0 where it cannot be told."""

    message: str
    line: int = 0
    column: int = 0
    text: str = ""


def check_syntax(path: str, data: bytes, before: bytes | None = None) -> None:
    """Raise EditRefused, with line and caret, if the file does not parse (and did so `before`)."""
    fault = syntax_fault(path, data)
    if fault is None or (before is not None and syntax_fault(path, before) is not None):
        return
    where = f"line {fault.line}: " if fault.line else ""
    line = clean(fault.text).rstrip("\n")
    caret = f"\n{line}\n{' ' * max(0, fault.column - 1)}^" if line else ""
    raise EditRefused(
        f"Nothing was written: {path} would no longer parse. {where}{fault.message}{caret}\n"
        "Send the edit again, corrected."
    )


def syntax_fault(path: str, data: bytes) -> Fault | None:
    """The first thing that is wrong with a file; None if it parses, or its language is not known."""
    grammar = grammar_of(path)
    if grammar is None:
        return None
    if grammar.name == "python":
        return python_fault(data)
    if grammar.name in ("c", "cpp"):
        return None  # macros make much correct code unreadable without a preprocessor
    tree = parse(path, data)
    if tree is None or not tree.root_node.has_error:
        return None
    node = _first_error(tree.root_node)
    row, column = node.start_point
    lines = data.split(b"\n")
    text = lines[row].decode("utf-8", "replace") if row < len(lines) else ""
    missing = f"{node.type} is missing here" if node.is_missing else "this is no valid syntax"
    return Fault(missing, row + 1, len(lines[row][:column].decode("utf-8", "replace")) + 1 if text else 1, text)


def _first_error(root: Node) -> Node:
    node = root
    while not (node.is_error or node.is_missing):
        inner = next((child for child in node.children if child.has_error or child.is_missing), None)
        if inner is None:
            break
        node = inner
    return node


def python_fault(data: bytes, part: bool = False) -> Fault | None:
    """What is wrong with a Python file, `return` outside of functions and the like included; nothing of it is run.

    `part`: it is a piece of a file, whose names may be bound around it (`nonlocal`).
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(data, "<file>", "exec", ast.PyCF_ONLY_AST if part else 0, dont_inherit=True)
    except SyntaxError as error:
        return Fault(error.msg, error.lineno or 0, error.offset or 1, error.text or "")
    except (ValueError, RecursionError, MemoryError) as error:
        return Fault(str(error) or "nested too deeply")
    return None
