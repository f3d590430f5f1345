"""What is on the disk for sure, and what a power loss has left of the things that were not."""

from __future__ import annotations

import hashlib
import os
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

from .faults import in_words
from .git import Repository
from .safe_files import directory


def write_durably(path: Path, data: bytes) -> None:
    """Replace a file of coder's own at once, and on the disk when this returns."""
    fresh = path.with_name(path.name + ".new")
    with fresh.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    with directory(path.parent) as handle:
        os.fsync(handle)


def sync_tree(root: Path) -> None:
    """Return when every file and directory below `root` is on the disk."""
    for _, _, names, handle in os.fwalk(root, topdown=False):
        for name in names:
            file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=handle)
            try:
                os.fsync(file)
            finally:
                os.close(file)
        os.fsync(handle)


def mend(store: Repository) -> list[str]:
    """Remove the loose objects and the refs of a private repository that are not whole; what that was.

    git waits for the disk neither with them nor here, and takes an object that is there for one that is right.
    """
    with in_words(f"mend {store.git_dir}"):
        torn = [path for path in _loose(store.git_dir) if not _is_whole(path)]
        for path in torn:
            path.unlink()
        astray = [path for path in _refs(store.git_dir) if not _leads_somewhere(store, path)]
        for path in astray:
            path.unlink()
    return [path.relative_to(store.git_dir).as_posix() for path in (*torn, *astray)]


def _loose(git_dir: Path) -> Iterator[Path]:
    yield from sorted((git_dir / "objects").glob("[0-9a-f][0-9a-f]/*"))


def _is_whole(path: Path) -> bool:
    """Whether a loose object is what its name says."""
    try:
        content = zlib.decompress(path.read_bytes())
    except zlib.error:
        return False
    return hashlib.sha1(content, usedforsecurity=False).hexdigest() == path.parent.name + path.name


def _refs(git_dir: Path) -> Iterator[Path]:
    yield from sorted(path for path in (git_dir / "refs").rglob("*") if path.is_file())


def _leads_somewhere(store: Repository, ref: Path) -> bool:
    """Whether everything that a ref leads to is there."""
    oid = ref.read_bytes().strip().decode(errors="replace")
    if not re.fullmatch("[0-9a-f]{40}", oid):
        return False
    return store.says("rev-list", "--objects", "--quiet", oid) is not None
