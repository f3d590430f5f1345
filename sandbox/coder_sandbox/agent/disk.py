"""How much of the disk the worktree takes: measured, since few file systems have quotas that anybody may set."""

from __future__ import annotations

import os
import stat
import time
from typing import Callable, Iterator, NamedTuple, Set, Tuple

DEEPEST = 500  # directories within each other; each costs a descriptor while it is measured
OFTEN = 5.0  # seconds between two measurements that nothing calls for, or 50 times what one takes
IN_MEMORY = ("/tmp", "/dev/shm")
INODES = 500_000  # new files in one of these: each costs a kilobyte that the size of the file system does not count


class Use(NamedTuple):
    """What is taken."""

    bytes: int
    files: int


class Disk:
    """The worktree's quota.

    The whole tree is only measured when the file system has filled by so much since the last time that the
    worktree, if all of that were its own, would be over: asking the file system costs next to nothing. And, since
    somebody else may free what is taken here, now and then.

    By how much more the file system has filled than what was measured explains is somebody else's doing, unless
    something inside hides files: then it is taken for theirs.
    """

    def __init__(self, root: str, megabytes: int, files: int) -> None:
        self.root, self._limit = root, Use(megabytes << 20, files)
        self._apart = set(_mounted_below(root))
        self.device = os.stat(root).st_dev
        self._taken, self._then = Use(0, 0), _used(root)
        self._unexplained = Use(0, 0)
        self._due = time.monotonic() + OFTEN
        self._scratch = [(place, _used(place).files) for place in IN_MEMORY if os.path.isdir(place)]

    def over(self, held: int, hides: Callable[[], bool]) -> bool:
        """Whether more is taken than may be.

        `held` are bytes of files that are open and have no name; `hides` says whether there may be more of them
        than can be seen.
        """
        if any(_used(place).files - before > INODES for place, before in self._scratch):
            return True
        now = _used(self.root)
        began = time.monotonic()
        most = _more(self._taken, _less(now, self._then))
        if _within(most, self._limit) and began < self._due:
            return False
        try:
            tree = _measure(self.root, self._apart)
        except RecursionError:  # made to be too deep to look into
            return True
        self._due = time.monotonic() + max(OFTEN, 50 * (time.monotonic() - began))
        before, filled = self._taken, _less(now, self._then)
        self._taken, self._then = Use(tree.bytes + held, tree.files), now
        strange = _more(self._unexplained, _less(filled, _less(self._taken, before)))
        self._unexplained = Use(*(max(0, number) for number in strange))
        if not _within(self._taken, self._limit):
            return True
        return not _within(_more(self._taken, self._unexplained), self._limit) and hides()


def _more(one: Use, other: Use) -> Use:
    return Use(*(a + b for a, b in zip(one, other)))


def _less(one: Use, other: Use) -> Use:
    return Use(*(a - b for a, b in zip(one, other)))


def _within(use: Use, limit: Use) -> bool:
    return use.bytes <= limit.bytes and use.files <= limit.files


def _used(root: str) -> Use:
    """Of the whole file system. Some (btrfs) do not count files."""
    status = os.statvfs(root)
    return Use((status.f_blocks - status.f_bfree) * status.f_frsize, status.f_files - status.f_ffree)


def _mounted_below(root: str) -> Iterator[Tuple[int, int]]:
    """What is mounted in the worktree (an environment, say) is not part of it."""
    with open("/proc/self/mountinfo", "rb") as file:
        for line in file:
            place = os.fsdecode(line.split()[4].decode("unicode_escape").encode("latin-1"))  # a space is \040
            if place.startswith(root.rstrip("/") + "/"):
                try:
                    status = os.stat(place)
                except OSError:
                    continue
                yield status.st_dev, status.st_ino


def _measure(root: str, apart: Set[Tuple[int, int]]) -> Use:
    """Everything below a directory. Raises RecursionError if it is too deep."""
    size, count, linked = 0, 0, set()
    for status in _below(os.open(root, os.O_RDONLY | os.O_DIRECTORY), apart, 0):
        count += 1
        if status.st_nlink > 1 and not stat.S_ISDIR(status.st_mode):
            if (status.st_dev, status.st_ino) in linked:
                continue
            linked.add((status.st_dev, status.st_ino))
        size += status.st_blocks * 512
    return Use(size, count)


def _below(place: int, apart: Set[Tuple[int, int]], depth: int) -> Iterator[os.stat_result]:
    """Every entry below an open directory, which is closed at the end."""
    try:
        if depth > DEEPEST:
            raise RecursionError
        for name in os.listdir(place):
            try:
                status = os.stat(name, dir_fd=place, follow_symlinks=False)
                if (status.st_dev, status.st_ino) in apart:
                    continue
                below = _opened(name, place) if stat.S_ISDIR(status.st_mode) else None
            except FileNotFoundError:
                continue
            yield status
            if below is not None:
                yield from _below(below, apart, depth + 1)
    finally:
        os.close(place)


def _opened(name: str, place: int) -> int:
    """A directory, made readable if somebody has seen to it that it is not."""
    try:
        return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=place)
    except PermissionError:
        os.chmod(name, 0o700, dir_fd=place)
        return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=place)
