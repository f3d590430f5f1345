"""The bulk of a run, by its content: test results, change sets, what was sent to the model. One SQLite file.

A step writes several values and waits for the disk once, at `commit`, before the checkpoint that names them.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from coder.errors import EnvironmentFault


class Blobs:
    """JSON values under the hash of their text. EnvironmentFault if the file cannot be read or written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting = False  # whether something was saved since the last commit
        with self._faults():
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))  # SQLite's own files take its mode
            # The graph may run a node in a thread of its own, never two at a time.
            self._db = sqlite3.connect(path, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")  # whatever this SQLite was built with
            self._db.execute("CREATE TABLE IF NOT EXISTS blobs (ref TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID")

    def save(self, value: Any) -> str:
        """Keep a value; what is there already is not written again. Its name, to load it by."""
        text = json.dumps(value)
        ref = hashlib.sha256(text.encode()).hexdigest()[:24]
        with self._faults():
            added = self._db.execute("INSERT OR IGNORE INTO blobs VALUES (?, ?)", (ref, text)).rowcount
        self._waiting |= bool(added)
        return ref

    def load(self, ref: str) -> Any:
        """The value of that name, None if there is none."""
        with self._faults():
            row = self._db.execute("SELECT value FROM blobs WHERE ref = ?", (ref,)).fetchone()
        return json.loads(row[0]) if row else None

    def remove(self, refs: Iterable[str]) -> None:
        """Forget values. On the disk they go with the next commit."""
        with self._faults():
            self._db.executemany("DELETE FROM blobs WHERE ref = ?", [(ref,) for ref in refs])

    def commit(self) -> None:
        """Return when everything saved so far is on the disk."""
        if self._waiting:
            with self._faults():
                self._db.commit()
            self._waiting = False

    def close(self) -> None:
        """Commit and let go of the file."""
        with self._faults():
            self._db.commit()
            self._db.close()

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise EnvironmentFault(
                f"cannot keep the record in {self._path}: {error}; free some space or mend the disk, and resume the run"
            ) from error
