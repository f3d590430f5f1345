"""Putting splices into a file's bytes."""

from __future__ import annotations

import difflib
import io
import tokenize
from collections.abc import Sequence

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


def splices_between(path: str, old: bytes, new: bytes) -> list[Splice]:
    """The splices that make a Python file another, whole lines each; none where its encoding does not have the text."""
    encoding = source_encoding(old)
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    offsets = [0]
    for line in before:
        offsets.append(offsets[-1] + len(line))
    made = []
    try:
        for kind, first, last, start, end in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
            if kind != "equal":
                text = b"".join(after[start:end]).decode(encoding, "surrogateescape")
                made.append(Splice(path, offsets[first], offsets[last], text))
        return made if spliced(old, made) == new else []
    except (ValueError, UnicodeError):
        return []
