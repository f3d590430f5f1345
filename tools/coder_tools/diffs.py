"""Unified diffs as models write them: line numbers that drift, wrong counts, blank lines without their space."""

from __future__ import annotations

import re
from dataclasses import dataclass

from coder_tools.syntax import EditRefused

_HEADER = re.compile(r"^@@(?:\s*-(\d+)(?:,\d+)?\s+\+\d+(?:,\d+)?\s*@@)?.*$")


@dataclass(frozen=True)
class Hunk:
    """Old lines and what takes their place. `near`: the line, from 0, where they are said to be; None if not said."""

    old: tuple[str, ...]
    new: tuple[str, ...]
    near: int | None


def hunks_of(diff: str) -> list[Hunk]:
    """The hunks of one file's diff. EditRefused if there is none, or one says nothing about its place."""
    found: list[Hunk] = []
    lines: list[str] = []
    near: int | None = None
    for line in [*diff.replace("\r\n", "\n").rstrip("\n").split("\n"), "@@"]:
        if header := _HEADER.match(line):
            if any(lines):
                found.append(_hunk(lines, near))
            lines, near = [], int(header[1]) - 1 if header[1] else None
        elif line.startswith(("--- ", "+++ ", "diff ", "index ", "new file", "\\ No newline")):
            continue
        else:
            lines.append(line)
    if not found:
        raise EditRefused("Nothing was written: the diff has no changed lines. Begin them with - and +.")
    return found


def _hunk(lines: list[str], near: int | None) -> Hunk:
    while lines and not lines[-1]:
        lines = lines[:-1]
    stray = next((line for line in lines if line and line[0] not in " +-"), None)
    if stray is not None:
        raise EditRefused(
            f"Nothing was written: the line {stray[:80]!r} of the diff begins with neither a space nor - nor +."
        )
    old = tuple(line[1:] for line in lines if not line.startswith("+"))
    new = tuple(line[1:] for line in lines if not line.startswith("-"))
    if not any(line.strip() for line in old):
        raise EditRefused("Nothing was written: the diff only adds. Give the lines before or after the new ones too.")
    return Hunk(old, new, near)
