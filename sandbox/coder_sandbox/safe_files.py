"""File operations below a directory that somebody hostile may be rearranging.

Everything goes through directory descriptors and O_NOFOLLOW, so no step ever goes through a symbolic link,
opens a device or a FIFO for good, or writes into a file that exists (it may be a hard link to another).
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .objects import EXECUTABLE, FILE, LINK, Entry, new_hash

CHUNK = 1 << 20
LEVELS = 60  # of directories that are emptied in one another, each with a descriptor open
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def directory(root: Path, path: str = "") -> Iterator[int]:
    """A descriptor of the directory `path` below `root`.

    OSError (ENOTDIR or ELOOP) if a component is something else or a symbolic link, FileNotFoundError if missing.
    """
    handle = os.open(root, _DIRECTORY)
    try:
        for part in path.split("/") if path else ():
            below = os.open(part, _DIRECTORY, dir_fd=handle)
            os.close(handle)
            handle = below
        yield handle
    finally:
        os.close(handle)


@contextmanager
def opened(parent: int, name: str) -> Iterator[int]:
    """A descriptor of the directory `name`, which is made accessible if its mode forbids it."""
    handle = _open_accessible(parent, name)
    try:
        yield handle
    finally:
        os.close(handle)


def _open_accessible(parent: int, name: str) -> int:
    try:
        handle = os.open(name, _DIRECTORY, dir_fd=parent)
    except PermissionError:
        make_accessible(parent, name)
        return os.open(name, _DIRECTORY, dir_fd=parent)
    if os.fstat(handle).st_mode & 0o700 != 0o700:
        os.fchmod(handle, 0o700)
    return handle


def make_accessible(parent: int, name: str) -> None:
    """Give the owner all rights on the directory `name`; never on what a link of that name points to."""
    handle = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=parent)
    try:
        Path(f"/proc/self/fd/{handle}").chmod(0o700)
    finally:
        os.close(handle)


def split(path: str) -> tuple[str, str]:
    """(directory, name) of a relative path; the directory is "" at the top."""
    head, _, name = path.rpartition("/")
    return head, name


def look(parent: int, name: str) -> os.stat_result | None:
    """What `name` itself is, None if there is no such thing."""
    try:
        return os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return None


def entry_at(parent: int, name: str) -> Entry | None:
    """The entry of the file `name`, None if it is missing.

    Something that is neither file nor link has an entry too, one that equals no other.
    """
    status = look(parent, name)
    if status is None:
        return None
    if stat.S_ISLNK(status.st_mode):
        target = os.fsencode(os.readlink(name, dir_fd=parent))
        digest = new_hash(len(target))
        digest.update(target)
        return Entry(LINK, digest.hexdigest(), len(target))
    if not stat.S_ISREG(status.st_mode):
        return Entry(status.st_mode, "", 0)
    return _file_entry(parent, name)


def _file_entry(parent: int, name: str) -> Entry:
    with os.fdopen(os.open(name, _READ, dir_fd=parent), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            return Entry(status.st_mode, "", 0)
        digest = new_hash(status.st_size)
        size = 0
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return Entry(EXECUTABLE if status.st_mode & 0o100 else FILE, digest.hexdigest(), size)


def entry_below(root: Path, path: str) -> Entry | None:
    """As `entry_at`, for a path. A link or a file where a directory should be gives an entry that equals no other."""
    head, name = split(path)
    try:
        with directory(root, head) as parent:
            return entry_at(parent, name)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno in (errno.ENOTDIR, errno.ELOOP):
            return Entry(0, "", 0)
        raise


def create(parent: int, name: str, data: bytes, mode: int = 0o666) -> int:
    """Make a new file (FileExistsError if there is one) with the rights `mode`, less the umask; its descriptor."""
    handle = os.open(name, _CREATE, mode, dir_fd=parent)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(handle, view) :]
    except BaseException:
        os.close(handle)
        raise
    return handle


def remove(parent: int, name: str) -> None:
    """Remove `name` whatever it is: any depth, any mode. Missing is fine.

    Directories that lie deeper than LEVELS are moved up before they are emptied, so that no tree is too deep: neither
    for the stack, nor for the number of open descriptors, nor for the longest path.
    """
    if unlink(parent, name):
        return
    with opened(parent, name) as top:
        while os.listdir(top):  # noqa: PTH208 a descriptor has no Path
            _empty(top, top, LEVELS)
    os.rmdir(name, dir_fd=parent)


def _empty(top: int, place: int, levels: int) -> None:
    """Empty a directory; what is too deep in it comes to lie in `top`."""
    for name in os.listdir(place):
        if unlink(place, name):
            continue
        with opened(place, name) as below:  # made accessible: one that its owner may not write cannot be moved
            if levels == 0:
                os.rename(name, secrets.token_hex(16), src_dir_fd=place, dst_dir_fd=top)
                continue
            _empty(top, below, levels - 1)
        os.rmdir(name, dir_fd=place)


def unlink(parent: int, name: str) -> bool:
    """Remove `name` unless it is a directory: then False. Missing is fine."""
    try:
        os.unlink(name, dir_fd=parent)
    except FileNotFoundError:
        pass
    except (IsADirectoryError, PermissionError):
        status = look(parent, name)
        if status is None or not stat.S_ISDIR(status.st_mode):
            raise
        return False
    return True
