"""Whether the brackets of C and C++ are balanced: what can be said of a file whose macros are not known."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"//(?:\\\n|[^\n])*|/\*.*?(?:\*/|\Z)"
    r"|R\"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)\""
    r"|\"(?:\\.|[^\"\\\n])*\"?|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])*'"
    r"|^[ \t]*#[ \t]*(?P<directive>\w*)(?:\\\r?\n|/\*.*?\*/|[^\n])*"
    r"|(?P<bracket>[()\[\]{}])",
    re.DOTALL | re.MULTILINE,
)
_CLOSES = {")": "(", "]": "[", "}": "{"}


@dataclass(frozen=True)
class Fault:
    """Where a file stops to parse. `line` and `column` start at 1; 0 where it cannot be told."""

    message: str
    line: int = 0
    column: int = 0
    text: str = ""


def bracket_fault(data: bytes) -> Fault | None:
    """The first bracket that closes none, or the last that is not closed. Of the branches of an `#if` the first one
    counts; None too where that opens or closes more than it closes or opens."""
    text = data.decode("utf-8", "replace")
    opened: list[re.Match[str]] = []
    kept: list[list[re.Match[str]]] = []  # what was open before each #if that is open
    skipped = 0  # #if's within a branch that is left out, with its own
    for token in _TOKEN.finditer(text):
        directive, bracket = token["directive"], token["bracket"]
        if directive in ("if", "ifdef", "ifndef"):
            kept.append(list(opened))
            skipped += bool(skipped)
        elif directive in ("else", "elif") and kept:
            if not skipped and len(kept[-1]) != len(opened):
                return None
            skipped = skipped or 1
        elif directive == "endif" and kept:
            kept.pop()
            skipped = max(0, skipped - 1)
        elif bracket and not skipped:
            if bracket in "([{":
                opened.append(token)
            elif not opened or opened.pop()[0] != _CLOSES[bracket]:
                return _at(text, token.start(), f"{bracket} closes nothing that is open here")
    return _at(text, opened[-1].start(), f"{opened[-1][0]} is never closed") if opened else None


def _at(text: str, offset: int, message: str) -> Fault:
    start = text.rfind("\n", 0, offset) + 1
    line = text[start : end if (end := text.find("\n", offset)) >= 0 else len(text)]
    return Fault(message, text.count("\n", 0, offset) + 1, offset - start + 1, line)
