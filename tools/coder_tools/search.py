"""Search the files for text or a regular expression."""

from __future__ import annotations

import re
import time
from fnmatch import fnmatchcase
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any

from coder_tools.files import shortened
from coder_tools.text import cap_lines, clean, numbered
from coder_tools.workspace import ToolError, Workspace

_FILE_LIMIT = 2_000_000  # bytes; larger files are data
_LINE_LIMIT = 300  # characters of a line that an expression gets to see
_SECONDS = 3.0
_REPEATS = 4  # open repeats in an expression: with the line limit, what keeps matching from taking for ever
_HITS = 200


def search(workspace: Workspace, pattern: str, under: str = "", limit: int = 6000) -> str:
    """Lines with the text `pattern`; where there is none, lines that match it as a regular expression."""
    if not pattern.strip():
        raise ToolError("The pattern is empty. Give a name or a piece of code to look for.")
    files = _files(workspace, under)
    hits, note = _scan(workspace, files, re.compile(re.escape(pattern)), pattern)
    if not hits and re.escape(pattern) != pattern:
        hits, note = _scan(workspace, files, _expression(pattern))
    if not hits:
        raise ToolError(f"Nothing matches {pattern!r} in {len(files)} files{note}. Try a shorter or other word.")
    lines = []
    last = ""
    for path, number, line in sorted(hits):
        if path != last:
            lines.append(clean(path))
            last = path
        lines.append(numbered(number, shortened(line)))
    more = " or more" if len(hits) >= _HITS else ""
    return f"{len(hits)}{more} matches{note}\n" + cap_lines(lines, limit, "narrow the pattern or the path")


def _files(workspace: Workspace, under: str) -> list[str]:
    under = under.strip().removeprefix("./").strip("/")
    names = workspace.files()
    if under in ("", "."):
        return names
    kept = [n for n in names if n == under or n.startswith(under + "/") or fnmatchcase(n, under)]
    if not kept:
        raise ToolError(f"There is nothing at {under!r}. Leave the path out to search everywhere.")
    return kept


def _scan(
    workspace: Workspace, files: list[str], expression: re.Pattern[str], literal: str = ""
) -> tuple[list[tuple[str, int, str]], str]:
    """(path, line number, line) of the matches, and a note if time ran out before all files were seen.

    `literal`: a text that is in every line that matches; a file without it needs no closer look.
    """
    needle = literal.encode("utf-8", "surrogatepass")
    end = time.monotonic() + _SECONDS
    hits: list[tuple[str, int, str]] = []
    for seen, (path, data) in enumerate(workspace.read_all(files)):
        if len(data) > _FILE_LIMIT or b"\0" in data or not (needle in data or b"\x1b" in data):
            continue
        for number, line in enumerate(clean(data.decode("utf-8", "replace")).split("\n"), 1):
            if time.monotonic() > end:
                return hits, f" (stopped after {seen} of {len(files)} files: out of time)"
            if expression.search(line[:_LINE_LIMIT]):
                hits.append((path, number, line))
                if len(hits) >= _HITS:
                    return hits, ""
    return hits, ""


def _expression(pattern: str) -> re.Pattern[str]:
    """Compile an expression, refusing those that could take for ever on some line."""
    try:
        repeats, nested = _repeats(_parser.parse(pattern))
        compiled = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ToolError(
            f"Nothing contains the text {pattern!r}, and as a regular expression it is wrong: {error}."
        ) from None
    if nested or repeats > _REPEATS:
        raise ToolError(
            f"The expression is too costly. Use at most {_REPEATS} repeats (* + {{n,}}), none inside another."
        )
    return compiled


def _repeats(tree: Any) -> tuple[int, bool]:
    """How many open repeats a parsed expression has, and whether one holds another or a choice."""
    count, nested = 0, False
    for operator, argument in tree:
        for child in _children(argument):
            inner, inner_nested = _repeats(child)
            count, nested = count + inner, nested or inner_nested
        if operator in (_constants.MAX_REPEAT, _constants.MIN_REPEAT) and argument[1] > 8:
            body = argument[2]
            inner, _ = _repeats(body)
            branches = any("BRANCH" in str(part) for part in body)
            count, nested = count + 1, nested or inner > 0 or branches
        nested = nested or operator is _constants.GROUPREF
    return count, nested


def _children(argument: Any) -> list[Any]:
    """The parsed expressions inside an operator's argument."""
    if isinstance(argument, _parser.SubPattern):
        return [argument]
    if isinstance(argument, (list, tuple)):
        return [child for part in argument for child in _children(part)]
    return []
