"""Records: what a runner process says to the one that watches it, over a descriptor that the tests do not own.

The writer's descriptor has a random high number and is closed on exec; each record carries a word that only the
writer's closure and the reader know; and a fork of the writer is mute.
"""

from __future__ import annotations

import fcntl
import json
import os
import resource
import threading
from typing import Any, Callable, Dict, List

Record = Dict[str, Any]
Report = Callable[[Record], None]

CHUNK = 1 << 18
LONGEST = 64 << 20  # bytes of one record: what is longer is no record


def new_word() -> str:
    """A word nobody can guess."""
    return os.urandom(16).hex()


def hide(fd: int) -> int:
    """Move a descriptor to a random high number, out of the way of tests that close the first few hundred."""
    ceiling = min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 4096)
    lowest = ceiling // 2 + int.from_bytes(os.urandom(4), "big") % max(1, ceiling // 3)
    hidden = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, lowest)
    os.close(fd)
    return hidden


def reporter(fd: int, word: str) -> Report:
    """The writing end. What it needs is bound now: tests may replace functions of `os` and `json`."""
    prefix = word.encode()
    write, getpid, encode, lock, owner = os.write, os.getpid, json.JSONEncoder().encode, threading.Lock(), os.getpid()

    def report(record: Record) -> None:
        if getpid() != owner:
            return
        view = memoryview(prefix + encode(record).encode() + b"\n")
        with lock:
            while view:
                view = view[write(fd, view) :]

    return report


class Inbox:
    """The reading end: the records of one writer; whatever does not carry its word is dropped."""

    def __init__(self, fd: int, word: str) -> None:
        self.fd = fd
        self.closed = False  # no writer is left
        self._word = word.encode()
        self._buffer = bytearray()
        os.set_blocking(fd, False)

    def read(self) -> List[Record]:
        """The records that have come since the last look. Never waits."""
        while not self.closed:
            try:
                data = os.read(self.fd, CHUNK)
            except BlockingIOError:
                break
            self.closed = not data
            self._buffer += data
            if len(data) < CHUNK or len(self._buffer) > LONGEST:
                break
        lines = self._buffer.split(b"\n")
        self._buffer = lines.pop() if len(lines[-1]) <= LONGEST else bytearray()
        return [record for record in map(self._parse, lines) if record]

    def _parse(self, line: bytearray) -> Record:
        if not line.startswith(self._word):
            return {}
        try:
            record = json.loads(line[len(self._word) :])
        except (ValueError, RecursionError):
            return {}
        return record if isinstance(record, dict) else {}

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self.fd)
