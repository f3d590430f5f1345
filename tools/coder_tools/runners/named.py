"""The tests that a file's text names, each with the groups around it: for files that cannot be run."""

from __future__ import annotations

import re
from collections.abc import Iterator

READ = 200_000  # characters of a file that are looked at


def named(text: str, pattern: re.Pattern[str], brackets: str) -> Iterator[list[str]]:
    """The names of each test, outermost group first.

    `pattern` finds a name, as `group` or as `test`. A group reaches as far as the innermost bracket that is open where
    its match ends; `brackets` are the two that open and close. Those in strings and comments count too, which can cost
    a name its group.
    """
    finder = re.compile(f"[{re.escape(brackets)}]")
    text = text[:READ]
    opened: list[str] = []  # what each open bracket holds: the name of a group, or ""
    at = 0
    for match in pattern.finditer(text):
        for bracket in finder.finditer(text, at, match.end()):
            if bracket[0] == brackets[0]:
                opened.append("")
            elif opened:
                opened.pop()
        at = match.end()
        if match["test"] is not None:
            yield [*filter(None, opened), match["test"]]
        elif opened:
            opened[-1] = match["group"]
