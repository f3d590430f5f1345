"""Files without a name that processes hold: what can be counted of them, and whether there is more that cannot."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import Any, Collection, Dict, Iterator, Tuple

DESCRIPTORS = 100_000  # of all processes together; more would take longer to look at than the time between two looks


class TooMany(Exception):
    """More descriptors are open than can be looked at."""


def held_bytes(pids: Collection[int], device: int) -> Dict[bool, int]:
    """Bytes of files that have no name any more and are open, by whether they lie on `device`. A memfd is such a file.

    Raises TooMany.
    """
    seen = _nameless(pids)
    there = sum(size for (where, _), size in seen.items() if where == device)
    return {True: there, False: sum(seen.values()) - there}


def hides_files(pids: Collection[int], root: str) -> bool:
    """Whether something may hold files of the tree at `root` in a way that `held_bytes` does not see.

    That is: with its descriptors closed to others (PR_SET_DUMPABLE, or a program that may not be read), in a thread
    with descriptors of its own, on its way through a socket, or mapped into memory and closed.
    """
    seen = _nameless(pids)
    looked_at = 0
    for pid in pids:
        with suppress(FileNotFoundError, ProcessLookupError):
            try:
                if _has_deleted_mapping(pid, root):
                    return True
                for thread, name in _descriptors(pid):
                    looked_at += 1
                    if looked_at > DESCRIPTORS or _is_hidden(thread, name, seen):
                        return True
            except PermissionError:
                return True
    return False


def _nameless(pids: Collection[int]) -> Dict[Any, int]:
    """The bytes of each file without a name, by device and number. What cannot be looked at is left out."""
    seen: Dict[Any, int] = {}
    count = 0
    for pid in pids:
        with suppress(OSError):
            names = os.listdir(f"/proc/{pid}/fd")
            count += len(names)
            if count > DESCRIPTORS:
                raise TooMany
            for name in names:
                with suppress(OSError):
                    status = os.stat(f"/proc/{pid}/fd/{name}")
                    if status.st_nlink == 0 and status.st_blocks:
                        seen[status.st_dev, status.st_ino] = status.st_blocks * 512
    return seen


def _descriptors(pid: int) -> Iterator[Tuple[str, str]]:
    """Those of each thread of a process: (thread, descriptor)."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            for name in os.listdir(f"/proc/{thread}/fd"):
                yield thread, name


def _is_hidden(thread: str, name: str, seen: Collection[Any]) -> bool:
    """Whether it is a nameless file that is not among those seen, or a socket with descriptors on their way in it.

    Linux 5.6 or newer tells the latter.
    """
    with suppress(FileNotFoundError):
        status = os.stat(f"/proc/{thread}/fd/{name}")
        if stat.S_ISSOCK(status.st_mode):
            with open(f"/proc/{thread}/fdinfo/{name}", "rb") as file:
                return any(line.startswith(b"scm_fds:") and line.split()[1] != b"0" for line in file)
        return status.st_nlink == 0 and status.st_blocks > 0 and (status.st_dev, status.st_ino) not in seen
    return False


def _has_deleted_mapping(pid: int, root: str) -> bool:
    return any(path.startswith(root.rstrip("/") + "/") for path in _deleted_mappings(pid))


def _deleted_mappings(pid: int) -> Iterator[str]:
    with open(f"/proc/{pid}/maps", "rb") as file:
        for line in file:
            if line.endswith(b" (deleted)\n"):
                yield os.fsdecode(line.split(None, 5)[5])
