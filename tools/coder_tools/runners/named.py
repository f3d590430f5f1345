"""The tests that a file's text names, each with the groups around it: for files that cannot be run."""

from __future__ import annotations

import re
from collections.abc import Iterator


def named(text: str, pattern: re.Pattern[str], brackets: str) -> Iterator[list[str]]:
    """The names of each test, outermost group first.

    `pattern` finds, as `group` or as `test`, a name; the block of a group is open where its match ends, and `brackets`
    are the two that open and close such a block. Brackets in strings and comments count, which costs a name its group.
    """
    around: list[tuple[int, str]] = []  # (where the block ends, its name)
    for match in pattern.finditer(text):
        around = [(end, name) for end, name in around if end > match.start()]
        if match["group"] is not None:
            around.append((_end(text, match.end(), brackets), match["group"]))
        else:
            yield [*(name for _, name in around), match["test"]]


def _end(text: str, start: int, brackets: str) -> int:
    depth = 1
    for match in re.compile(f"[{re.escape(brackets)}]").finditer(text, start):
        depth += 1 if match[0] == brackets[0] else -1
        if depth == 0:
            return match.start()
    return len(text)
