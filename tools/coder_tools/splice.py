"""Splices: put into a file, and found between two forms of it."""

from __future__ import annotations

import difflib
import io
import itertools
import tokenize
from collections.abc import Iterator, Sequence
from typing import AnyStr

from coder_tools.contract import Splice


def source_encoding(source: bytes) -> str:
    """The encoding of a Python file (its coding cookie or BOM), utf-8 where it cannot be told."""
    try:
        encoding = tokenize.detect_encoding(io.BytesIO(source).readline)[0]
    except (SyntaxError, ValueError):
        return "utf-8"
    return "utf-8" if encoding == "utf-8-sig" else encoding


def spliced(source: bytes, splices: Sequence[Splice]) -> bytes:
    """The file with all splices of it put in. Offsets are into `source`; splices must not overlap (ValueError)."""
    encoding = source_encoding(source)
    out = source
    edge = len(source) + 1
    for splice in sorted(splices, key=lambda s: (s.start, s.end), reverse=True):
        if not 0 <= splice.start <= splice.end <= len(source) or splice.end > edge:
            raise ValueError(f"{splice.path}: splices overlap or lie outside the file")
        out = out[: splice.start] + splice.text.encode(encoding, "surrogateescape") + out[splice.end :]
        edge = splice.start
    return out


def differences(one: AnyStr, other: AnyStr) -> Iterator[tuple[int, int, AnyStr]]:
    """[start, end) of `one`, whole lines, and what `other` has in their place, from the first to the last."""
    here: list[AnyStr] = one.splitlines(keepends=True)
    there: list[AnyStr] = other.splitlines(keepends=True)
    starts = [0, *itertools.accumulate(map(len, here))]
    same = _alike(here, there)  # what long files mostly are
    rest = _alike(here[same:][::-1], there[same:][::-1])
    matcher = difflib.SequenceMatcher(
        None, here[same : len(here) - rest], there[same : len(there) - rest], autojunk=False
    )
    for kind, first, last, low, high in matcher.get_opcodes():
        if kind != "equal":
            yield starts[same + first], starts[same + last], one[:0].join(there[same + low : same + high])


def _alike(one: Sequence[AnyStr], other: Sequence[AnyStr]) -> int:
    """How many lines are the same from the first on."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(one), len(other)))


def splices_between(path: str, old: bytes, new: bytes) -> list[Splice]:
    """The splices that make a Python file another, whole lines each; none where its encoding does not have the text."""
    encoding = source_encoding(old)
    try:
        made = [
            Splice(path, start, end, text.decode(encoding, "surrogateescape"))
            for start, end, text in differences(old, new)
        ]
        return made if spliced(old, made) == new else []
    except (ValueError, UnicodeError):
        return []
