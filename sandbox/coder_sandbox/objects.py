"""File trees as git objects: read as entries, written from exact bytes without any conversion."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .git import Repository

FILE, EXECUTABLE, LINK = 0o100644, 0o100755, 0o120000
AUTHOR = b"coder <coder@localhost> 0 +0000"
"""Of private commits only, with a fixed date: equal trees make equal commits."""

IN_ONE_FILE = {
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "fastimport.unpackLimit",
    "GIT_CONFIG_VALUE_0": "0",
}
"""A small tree too is kept as a pack: that is on the disk at once, where each loose object would be waited for."""


@dataclass(frozen=True)
class Entry:
    """A file as git records one. `oid` is the hash of its bytes, so equal entries are equal files."""

    mode: int  # FILE, EXECUTABLE or LINK
    oid: str
    size: int  # bytes


@dataclass(frozen=True)
class Content:
    """A file to be written: `chunks` add up to exactly `size` bytes."""

    path: str
    mode: int
    size: int
    chunks: Iterable[bytes]


def entry_of(data: bytes, mode: int) -> Entry:
    """The entry that `data` has in a tree."""
    digest = new_hash(len(data))
    digest.update(data)
    return Entry(mode, digest.hexdigest(), len(data))


def new_hash(size: int) -> hashlib._Hash:
    """git's hash of a blob of `size` bytes, to be fed with them."""
    return hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)


def read_tree(repository: Repository, commit: str) -> dict[str, Entry]:
    """Every file of a commit, by its path."""
    entries = {}
    for line in repository.names("ls-tree", "-r", "-z", "-l", "--full-tree", commit):
        head, path = line.split("\t", 1)
        mode, _kind, oid, size = head.split()
        entries[path] = Entry(int(mode, 8), oid, int(size))
    return entries


def write_commit(
    repository: Repository,
    ref: str,
    files: Iterable[Content],
    parent: str = "",
    deleted: Iterable[str] = (),
) -> str:
    """Commit `files` on top of `parent` (on nothing if empty) less `deleted`, at `ref`; the commit's id."""
    stream = _stream(ref, files, parent, deleted)
    env = {} if parent else IN_ONE_FILE
    repository.run("fast-import", "--quiet", "--force", "--depth=0", "--done", stdin=stream, env=env)
    return repository.text("rev-parse", "--verify", ref)


def _stream(ref: str, files: Iterable[Content], parent: str, deleted: Iterable[str]) -> Iterable[bytes]:
    yield b"commit %s\ncommitter %s\ndata 0\n" % (ref.encode(), AUTHOR)
    yield b"from %s\n" % parent.encode() if parent else b"deleteall\n"
    for path in deleted:
        yield b"D %s\n" % _quoted(path)
    for file in files:
        yield b"M %o inline %s\ndata %d\n" % (file.mode, _quoted(file.path), file.size)
        yield from file.chunks
        yield b"\n"
    yield b"done\n"


def _quoted(path: str) -> bytes:
    raw = os.fsencode(path).replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
    return b'"' + raw + b'"'


def patch_content(changes: Mapping[str, bytes], entries: Mapping[str, Entry]) -> list[Content]:
    """Changed files as content: with the mode they have in `entries`, plain files where they are new."""
    return [
        Content(path, entries[path].mode if path in entries else FILE, len(data), (data,))
        for path, data in changes.items()
    ]
