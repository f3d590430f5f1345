"""What can go wrong with a snapshot or with landing a patch, in words for the reader."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
NAMED = 10
"""How many file names a message lists before it only counts them."""


class SnapshotError(Exception):
    """The snapshot, a checkout or a landing cannot be made. The message says what failed, why, and what to do."""


class WrongRepository(SnapshotError):
    """What was named is no directory that a run can be about: it is not there, is a bare repository, holds the runs."""


class TreeMoved(Exception):
    """The user's files (or branches) are not as coder left them, so nothing was touched."""

    def __init__(self, names: Iterable[str], why: str) -> None:
        self.names = tuple(sorted(names))
        super().__init__(f"{why}: {listed(self.names)}")


def listed(names: Iterable[str]) -> str:
    """Names for a message: printable whatever bytes they hold, cut where there are too many."""
    shown = [shown_name(name) for name in names]
    more = len(shown) - NAMED
    return ", ".join(shown[:NAMED]) + (f" and {more} more" if more > 0 else "")


def shown_name(name: str) -> str:
    """A file name that a terminal can print: no control characters, no lone surrogates."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


@contextmanager
def in_words(doing: str) -> Iterator[None]:
    """Turn the system's own errors into a SnapshotError that says what coder was doing."""
    try:
        yield
    except OSError as error:
        raise SnapshotError(f"cannot {doing}: {reason(error)}") from error


def reason(error: OSError) -> str:
    """Why a system call failed, with the file it was about and the remedy where there is one."""
    if error.errno in DISK_FULL:
        return "the disk is full; free some space, or set CODER_HOME to a directory on another disk"
    where = f" ({shown_name(str(error.filename))})" if error.filename else ""
    return f"{error.strerror or error}{where}"
