"""Writing to the state directory: atomically, privately, and with faults in words."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from coder.errors import EnvironmentFault

_ADVICE = {
    errno.ENOSPC: "the disk is full; free some space or set CODER_HOME to another disk",
    errno.EDQUOT: "your disk quota is used up; free some space or set CODER_HOME to another disk",
    errno.EROFS: "the file system is read-only; set CODER_HOME to a directory you can write to",
    errno.EACCES: "permission denied; set CODER_HOME to a directory you can write to",
    errno.EPERM: "permission denied; set CODER_HOME to a directory you can write to",
}


@contextmanager
def faults(path: Path) -> Iterator[None]:
    """Turn an OSError about the state directory into an EnvironmentFault that says what to do."""
    try:
        yield
    except OSError as error:
        why = _ADVICE.get(error.errno or 0) or f"{error.strerror or error}; set CODER_HOME to another directory"
        raise EnvironmentFault(f"cannot keep the record in {path}: {why}") from error


def write_atomic(path: Path, data: bytes) -> None:
    """Replace a file whole or not at all, on the disk when this returns. EnvironmentFault if it cannot be."""
    with faults(path):
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
            sync_directory(path.parent)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def sync_directory(path: Path) -> None:
    """Return when the names in a directory are on the disk: a file may be there, and its name not."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def private_dir(path: Path) -> None:
    """Make a directory (and its parents) that only its owner can enter."""
    with faults(path):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
