"""Which paths a change may name."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .faults import SnapshotError, shown_name
from .objects import LINK, Entry, entry_of

GIT_NAMES = frozenset((".git", "git~1"))
IGNORED = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
"""Characters that HFS+, the older file system of macOS, does not see in a name."""
LONGEST_NAME, LONGEST_PATH = 255, 4000  # bytes


def checked(
    changes: Mapping[str, bytes | None], entries: Mapping[str, Entry], products: Mapping[str, Entry]
) -> dict[str, bytes | None]:
    """The changes less those that change nothing, sorted. SnapshotError if one is not about a file of the tree."""
    directories = _directories(entries)
    for path, data in changes.items():
        if why := path_fault(path) or _conflict(path, data, changes, entries, directories):
            raise SnapshotError(f"{shown_name(path)!r} cannot be changed: {why}")
        if path in products:
            raise SnapshotError(f"{shown_name(path)!r} cannot be changed: it is a build product that git ignores")
    return {path: changes[path] for path in sorted(changes) if not _is_same(path, changes[path], entries)}


def path_fault(path: str) -> str:
    """What is wrong with the path of a file in a tree, whatever the tree; "" if nothing is."""
    parts = path.split("/")
    if not path or path.startswith("/") or "" in parts or "\0" in path:
        return "it is not a relative path of a file"
    if "." in parts or ".." in parts:
        return "it has . or .. in it"
    if any(plain_name(part) in GIT_NAMES for part in re.split(r"[/\\]", path)):
        return "it belongs to git"
    if any(0xD800 <= ord(c) < 0xDC80 or 0xDCFF < ord(c) < 0xE000 for c in path):
        return "it has half a character in it"
    longest = max(len(part.encode("utf-8", "surrogateescape")) for part in parts)
    if longest > LONGEST_NAME or len(path.encode("utf-8", "surrogateescape")) > LONGEST_PATH:
        return "the name is too long"
    return ""


def plain_name(part: str) -> str:
    """What one part of a path is on a file system that is less exact than Linux's: HFS+ leaves characters out,
    NTFS what follows a colon and dots and spaces at the end; neither tells capitals from small letters."""
    return IGNORED.sub("", part).partition(":")[0].rstrip(". ").lower() or part


def _conflict(
    path: str,
    data: bytes | None,
    changes: Mapping[str, bytes | None],
    entries: Mapping[str, Entry],
    directories: frozenset[str],
) -> str:
    """What in the tree stands against the change, "" if nothing does."""
    if data is None:
        return "" if path in entries else "there is no such file to delete"
    if path in directories:
        return "it is a directory"
    if path in entries and entries[path].mode == LINK:
        return "it is a symbolic link"
    for parent in _parents(path):
        if changes.get(parent) is not None or (parent in entries and parent not in changes):
            link = parent in entries and entries[parent].mode == LINK
            return f"{shown_name(parent)} is a {'symbolic link' if link else 'file'}, not a directory"
    return ""


def _is_same(path: str, data: bytes | None, entries: Mapping[str, Entry]) -> bool:
    return data is not None and path in entries and entry_of(data, entries[path].mode) == entries[path]


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:n]) for n in range(1, len(parts))]


def _directories(entries: Mapping[str, Entry]) -> frozenset[str]:
    return frozenset(parent for path in entries for parent in _parents(path))
