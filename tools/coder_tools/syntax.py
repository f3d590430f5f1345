"""Whether a file still parses, in every language whose syntax is known."""

from __future__ import annotations

import ast
import json
import re
import sys
import tomllib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from coder_tools.brackets import Fault, bracket_fault
from coder_tools.languages import grammar_of, parse
from coder_tools.text import clean
from coder_tools.workspace import ToolError

if TYPE_CHECKING:
    from tree_sitter import Node

_COMMENTED = re.compile(
    r"(?:ts|js)config.*\.json|\.?(?:eslintrc|babelrc|swcrc|devcontainer|settings|launch|tasks)\.json"
)
"""Files of JSON whose readers take comments and commas at the end."""

_PYTHON: ContextVar[tuple[int, ...]] = ContextVar("python", default=())


@contextmanager
def written_for(python: tuple[int, ...]) -> Iterator[None]:
    """Within: Python files are for this version, whose syntax may be newer than that of coder's own; () if unknown."""
    token = _PYTHON.set(python)
    try:
        yield
    finally:
        _PYTHON.reset(token)


class EditRefused(ToolError):
    """The edit was not made. The message says why, and what to send instead."""


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
    name = path.rsplit("/", 1)[-1].lower()
    if name.endswith((".json", ".toml")):
        return None if _COMMENTED.fullmatch(name) else _data_fault(name, data)
    grammar = grammar_of(path)
    if grammar is None:
        return None
    if grammar.name == "python":
        return python_fault(data)
    if grammar.name in ("c", "cpp"):
        return bracket_fault(data)  # macros make much correct code unreadable without a preprocessor
    tree = parse(path, data)
    if tree is None or not tree.root_node.has_error:
        return None
    node = _first_error(tree.root_node)
    row, column = node.start_point
    lines = data.split(b"\n")
    text = lines[row].decode("utf-8", "replace") if row < len(lines) else ""
    missing = f"{node.type} is missing here" if node.is_missing else "this is no valid syntax"
    return Fault(missing, row + 1, len(lines[row][:column].decode("utf-8", "replace")) + 1 if text else 1, text)


def _data_fault(name: str, data: bytes) -> Fault | None:
    """What is wrong with a file of JSON or TOML."""
    try:
        text = data.decode("utf-8-sig")
        if name.endswith(".toml"):
            tomllib.loads(text.replace("\r\n", "\n"))
        else:
            json.loads(text)
    except json.JSONDecodeError as error:
        return Fault(error.msg, error.lineno, error.colno, text.split("\n")[error.lineno - 1])
    except (ValueError, RecursionError) as error:
        place = re.search(r"line (\d+), column (\d+)", str(error))
        line, column = (int(place[1]), int(place[2])) if place else (0, 0)
        return Fault(str(error) or "nested too deeply", line, column, text.split("\n")[line - 1] if line else "")
    return None


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
        if _is_newer(data):
            return None
        return Fault(error.msg, error.lineno or 0, error.offset or 1, error.text or "")
    except (ValueError, RecursionError, MemoryError) as error:
        return Fault(str(error) or "nested too deeply")
    return None


def _is_newer(data: bytes) -> bool:
    """Whether what this Python cannot parse may be the syntax of the newer one that the file is for."""
    if _PYTHON.get()[:2] <= sys.version_info[:2]:
        return False
    try:
        ast.parse(data)
    except SyntaxError:
        tree = parse("newer.py", data)
        return tree is not None and not tree.root_node.has_error
    return False  # it parses, and is refused for what it says
