"""A change set by what it does to the code: the same for what differs in comments and layout alone."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Mapping
from functools import lru_cache


def shape(changes: Mapping[str, bytes | None]) -> str:
    """A short name for the syntax trees that a change set comes to; a file that is no Python counts as it is."""
    digest = hashlib.sha256()
    for path, data in sorted(changes.items()):
        digest.update(path.encode("utf-8", "surrogateescape") + b"\0" + _tree(data) + b"\0")
    return digest.hexdigest()[:24]


@lru_cache(maxsize=64)
def _tree(data: bytes | None) -> bytes:
    if data is None:
        return b"-"
    try:
        return ast.dump(ast.parse(data)).encode()
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return data
