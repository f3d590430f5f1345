"""Putting splices into a file's bytes."""

from __future__ import annotations

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
