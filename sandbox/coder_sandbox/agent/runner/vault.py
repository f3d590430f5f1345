"""Files of the project that a candidate writes to: kept as they were before the first write, and put back.

Seen are writes by Python code, before they happen; a process that a test starts, or an extension in C, is not seen.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sys
from typing import Any, Iterable, Iterator, List, Set

from .report import Report

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# Audit events -> which of their arguments are paths, and where the descriptors stand that these are relative to.
CHANGES = {
    "os.remove": ((0, 1),),
    "os.rename": ((0, 2), (1, 3)),
    "os.mkdir": ((0, 2),),
    "os.rmdir": ((0, 1),),
    "os.link": ((1, 3),),
    "os.symlink": ((1, 2),),
    "os.truncate": ((0, -1),),
    "os.chmod": ((0, 2),),
    "os.utime": ((0, 3),),
    "sqlite3.connect": ((0, -1),),
}
ABSENT = ".absent"


class Vault:
    """What the project's files were before any candidate wrote to them."""

    def __init__(self, root: str, place: str) -> None:
        """`root`: of the project; `place`: a directory outside of it, for the copies."""
        self._root, self._place = os.path.realpath(root) + os.sep, place
        os.makedirs(place, exist_ok=True)

    def watch(self, say: Report) -> None:
        """In a fork, for the rest of its life: before something under the root is written to, keep what it is and say
        so, in a record `wrote` with all such paths."""
        wrote: List[str] = []
        busy: Set[bool] = set()

        def hook(event: str, arguments: Any) -> None:
            if busy or not (event == "open" or event in CHANGES):
                return
            busy.add(True)
            try:
                for path in self._inside(event, arguments):
                    if path not in wrote:
                        self._keep(path)
                        wrote.append(path)
                        say({"wrote": wrote})
            except Exception:  # an exception here would be the test's: nothing that can be kept, then
                pass
            finally:
                busy.clear()

        sys.addaudithook(hook)

    def _inside(self, event: str, arguments: Any) -> Iterator[str]:
        if event == "open":
            path, _, flags = arguments
            if isinstance(path, int) or not (flags or 0) & WRITING:
                return
            paths = [(path, -1)]
        else:
            paths = [(arguments[p], arguments[d] if 0 <= d < len(arguments) else -1) for p, d in CHANGES[event]]
        for path, directory in paths:
            if isinstance(path, int):
                continue
            base = os.readlink(f"/proc/self/fd/{directory}") if isinstance(directory, int) and directory >= 0 else ""
            name = os.path.join(base, os.fsdecode(path))
            full = os.path.join(os.path.realpath(os.path.dirname(name) or "."), os.path.basename(name))
            if full.startswith(self._root):
                yield full

    def _copy_of(self, path: str) -> str:
        return os.path.join(self._place, hashlib.sha1(os.fsencode(path)).hexdigest())

    def _keep(self, path: str) -> None:
        """Copy it, unless that has been done: the first copy is the one from before all candidates."""
        copy = self._copy_of(path)
        if os.path.lexists(copy) or os.path.lexists(copy + ABSENT):
            return
        if not os.path.lexists(path):
            with open(copy + ABSENT, "wb"):
                return
        part = f"{copy}.{os.getpid()}"
        _copy(path, part)
        os.rename(part, copy)

    def restore(self, paths: Iterable[str]) -> None:
        """Put back what these were: the last written first, so that a directory is empty when it goes."""
        for path in reversed(list(paths)):
            copy = self._copy_of(path)
            if os.path.lexists(copy) or os.path.lexists(copy + ABSENT):
                with contextlib.suppress(OSError):
                    _remove(path)
                    if os.path.lexists(copy):
                        os.makedirs(os.path.dirname(path), exist_ok=True)
                        _copy(copy, path)


def _copy(source: str, target: str) -> None:
    if os.path.isdir(source) and not os.path.islink(source):
        shutil.copytree(source, target, symlinks=True)
    else:
        shutil.copy2(source, target, follow_symlinks=False)


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.remove(path)
