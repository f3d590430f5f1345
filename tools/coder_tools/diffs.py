"""Unified diffs as models write them: line numbers that drift, wrong counts, blank lines without their space."""

from __future__ import annotations

import re
from dataclasses import dataclass

from coder_tools.syntax import EditRefused

_GIT = re.compile(
    r"diff -|index [0-9a-f]+\.\.|(new|deleted|old) (file )?mode |similarity index |rename (from|to) |\\ No newline"
)
_NAME = re.compile(r"(?:---|\+\+\+) (?:[ab]/)?([^\t\n]+)")
_HEADER = re.compile(r"^@@(?:\s*-(\d+)(?:,\d+)?\s+\+\d+(?:,\d+)?\s*@@)?(.*)$")


@dataclass(frozen=True)
class Hunk:
    """Old lines and what takes their place. `near`: the line, from 0, where they are said to be; None if not said.
    `under`: the line that they are said to stand under, such as `class Box:`; may be empty."""

    old: tuple[str, ...]
    new: tuple[str, ...]
    near: int | None
    under: str = ""


def hunks_of(diff: str, path: str = "") -> list[Hunk]:
    """The hunks of one file's diff. EditRefused if there is none, or one says nothing about its place, or the diff is
    of other files than `path`."""
    found: list[Hunk] = []
    hunk: list[str] = []
    near: int | None = None
    under = ""
    lines = [*diff.replace("\r\n", "\n").rstrip("\n").split("\n"), "@@"]
    begun = False
    at = 0
    while at < len(lines):
        line = lines[at]
        if _names_file(lines, at, begun):
            _check_names(lines[at : at + 2], path)
            at += 1  # its second name
        elif header := _HEADER.match(line):
            if any(hunk):
                found.append(_hunk(hunk, near, under))
            hunk, near, begun = [], int(header[1]) - 1 if header[1] else None, True
            under = header[2].strip("@ ")
        elif not _GIT.match(line):
            hunk.append(line)
            begun = begun or bool(line)
        at += 1
    if not found:
        raise EditRefused("Nothing was written: the diff has no changed lines. Begin them with - and +.")
    return found


def _names_file(lines: list[str], at: int, within: bool) -> bool:
    """Whether two lines name a file. `-- a` that goes and `++ b` that comes look the same, but are in a hunk, and
    stand before one only by chance."""
    pair = lines[at : at + 3] if at + 3 < len(lines) or not within else []
    named = len(pair) == 3 and pair[0].startswith("--- ") and pair[1].startswith("+++ ")
    return named and (not within or pair[2].startswith("@@"))


def _check_names(pair: list[str], path: str) -> None:
    """Raise EditRefused if both names are those of other files."""
    names = [match[1].strip() for line in pair if (match := _NAME.match(line))]
    files = [name for name in names if "." in name.rsplit("/", 1)[-1]]  # others are `old`, `new` or /dev/null
    if path and files and not any(f"/{path}".endswith(f"/{n}") or f"/{n}".endswith(f"/{path}") for n in files):
        raise EditRefused(
            f"Nothing was written: the diff changes {files[-1]}, and this call is for {path}. Send one call for "
            "each file, with its path and only its part of the diff."
        )


def _hunk(lines: list[str], near: int | None, under: str) -> Hunk:
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
    return Hunk(old, new, near, under)
