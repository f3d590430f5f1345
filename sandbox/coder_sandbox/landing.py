"""Writing the files of a patch into the user's directory, and back: each one atomically, none through a link."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from .landed import Landed, LandedFile
from .objects import FILE, LINK, Entry, entry_of
from .safe_files import create, directory, entry_below, look, split, unlink
from .snapshot import Base

Changes = Mapping[str, bytes | None]


def planned(base: Base, path: str, data: bytes | None) -> LandedFile:
    """What is to become of a file, with what undo needs to know of it as it is now."""
    status = None
    head, name = split(path)
    with suppress(OSError), directory(base.repo, head) as parent:
        status = look(parent, name)
    return LandedFile(
        path,
        outcome(base, {path: data})[path],
        stat.S_IMODE(status.st_mode) if status else None,
        status.st_mtime_ns if status else None,
        f".coder-{secrets.token_hex(8)}",
    )


def outcome(base: Base, changes: Changes) -> dict[str, Entry | None]:
    """The files as the changes make them; a file keeps its mode."""
    modes = {path: entry.mode for path, entry in base.entries.items()}
    return {p: None if data is None else entry_of(data, modes.get(p, FILE)) for p, data in changes.items()}


def is_expected(base: Base, file: LandedFile, *, may_be_done: bool) -> bool:
    """Is the user's file as in the base, or (if that may be) already as the patch makes it?"""
    now = entry_below(base.repo, file.path)
    return now == base.entries.get(file.path) or (may_be_done and now == file.after)


def missing_directories(root: Path, files: Iterable[LandedFile]) -> list[str]:
    """Directories that the new files need, parents first."""
    return sorted({path for f in files if f.after for path in _parents(f.path) if not os.path.lexists(root / path)})


def write(root: Path, landed: Landed, changes: Changes) -> None:
    """First all the new bytes beside the files, which may fail, then all the renames, which hardly can."""
    for path in landed.directories:
        _make_directory(root, path)
    to_do = [file for file in landed.files if entry_below(root, file.path) != file.after]
    for file in to_do:
        data = changes[file.path]
        if data is not None:
            _stage(root, file, data)
    for file in to_do:
        head, name = split(file.path)
        with directory(root, head) as parent:
            if file.after is None:
                unlink(parent, name)
            else:
                os.rename(file.temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
            os.fsync(parent)


def take_back(base: Base, landed: Landed) -> None:
    """Every file as it was: bytes, rights, time of change. Directories that coder made go if they are empty."""
    for file in landed.files:
        before = base.entries.get(file.path)
        _discard(base.repo, split(file.path)[0], file.temporary)
        if entry_below(base.repo, file.path) != before:
            if before is None:
                _discard(base.repo, *split(file.path))
            else:
                _put_back(base, file, before)
    for path in reversed(landed.directories):
        head, name = split(path)
        with suppress(OSError), directory(base.repo, head) as parent:
            os.rmdir(name, dir_fd=parent)  # fails where it was never made, or where something of the user's is in it


def _put_back(base: Base, file: LandedFile, before: Entry) -> None:
    for path in _parents(file.path):
        _make_directory(base.repo, path)
    data = base.read(file.path)
    head, name = split(file.path)
    if before.mode != LINK:
        _stage(base.repo, file, data, file.mtime_ns)
    with directory(base.repo, head) as parent:
        if before.mode == LINK:
            os.symlink(data, file.temporary, dir_fd=parent)
        os.rename(file.temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
        os.fsync(parent)


def _stage(root: Path, file: LandedFile, data: bytes, mtime_ns: int | None = None) -> None:
    """Write the bytes to the temporary file, with the rights and the owner that the file had."""
    head, name = split(file.path)
    with directory(root, head) as parent:
        unlink(parent, file.temporary)  # of an apply that was killed
        handle = create(parent, file.temporary, data)
        try:
            _give_to_owner_of(look(parent, name) or os.fstat(parent), handle)
            if file.rights is not None:
                os.fchmod(handle, file.rights)
            if mtime_ns is not None:
                os.utime(handle, ns=(mtime_ns, mtime_ns))
            os.fsync(handle)
        finally:
            os.close(handle)


def _make_directory(root: Path, path: str) -> None:
    head, name = split(path)
    with directory(root, head) as parent, suppress(FileExistsError):
        os.mkdir(name, dir_fd=parent)
        with directory(root, path) as made:
            _give_to_owner_of(os.fstat(parent), made)


def _give_to_owner_of(like: os.stat_result, handle: int) -> None:
    """Root, working in somebody's directory, must not leave him files that he cannot change."""
    if os.geteuid() == 0:
        os.fchown(handle, like.st_uid, like.st_gid)


def _discard(root: Path, head: str, name: str) -> None:
    with suppress(FileNotFoundError), directory(root, head) as parent:
        unlink(parent, name)


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:n]) for n in range(1, len(parts))]
