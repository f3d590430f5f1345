"""The event log of a run: append-only JSON lines, from which everything shown about it is derived."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

from coder.record.mask import Masker
from coder.record.storage import faults, sync_directory

SCHEMA = "coder.event/1"

Listener = Callable[["Event"], None]


@dataclass(frozen=True)
class Event:
    """One thing that happened. `at` is UTC, ISO 8601; `seq` counts from 1 within a run."""

    run: str
    seq: int
    at: str
    node: str
    kind: str
    data: Mapping[str, Any] = field(default_factory=dict)
    schema: str = SCHEMA

    def to_json(self) -> str:
        """The event's line, without the newline. ASCII, so that any bytes of a repository survive in it."""
        return json.dumps(
            {
                "schema": self.schema,
                "run": self.run,
                "seq": self.seq,
                "at": self.at,
                "node": self.node,
                "kind": self.kind,
                "data": self.data,
            }
        )

    @classmethod
    def from_json(cls, line: str | bytes) -> Event:
        """Read a line back; keys of a newer coder are ignored. ValueError if it is no event."""
        try:
            raw = json.loads(line)
            return cls(
                raw["run"],
                int(raw["seq"]),
                raw["at"],
                raw["node"],
                raw["kind"],
                dict(raw["data"]),
                raw["schema"],
            )
        except (KeyError, TypeError, RecursionError) as error:
            raise ValueError(f"not an event: {error}") from error


class EventLog:
    """Appends events to one file and tells the listeners. Secrets are masked before anyone sees an event.

    Opening a log that exists goes on counting where it ended. A line that a crash left half-written is cut
    off, and a `record`/`cut` event says how many bytes that were.
    """

    def __init__(self, path: Path, run_id: str) -> None:
        self.path = path
        self.run = run_id
        self.listeners: list[Listener] = []
        self._mask = Masker()
        self._lock = Lock()
        with faults(path):
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            sync_directory(path.parent)
            self._seq, cut = self._recover()
        if cut:
            self.append("record", "cut", {"bytes": cut})

    def append(self, node: str, kind: str, data: Mapping[str, Any] | None = None) -> Event:
        """Record one event and hand it to the listeners. EnvironmentFault if it cannot be written."""
        masked = self._mask.value(data or {})
        with self._lock:
            at = datetime.now(UTC).isoformat(timespec="milliseconds")
            event = Event(self.run, self._seq + 1, at, node, kind, masked)
            with faults(self.path):
                self._write(event.to_json().encode() + b"\n")
            self._seq += 1
        for listener in self.listeners:
            listener(event)
        return event

    def sync(self) -> None:
        """Return when everything appended so far is on the disk."""
        with faults(self.path):
            os.fsync(self._file)

    def close(self) -> None:
        """Sync and let go of the file. Safe to call twice."""
        if self._file >= 0:
            self.sync()
            os.close(self._file)
            self._file = -1

    def _write(self, line: bytes) -> None:
        """Write a whole line or, where the disk is full, nothing of it."""
        start = os.fstat(self._file).st_size
        rest = memoryview(line)
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError:
            os.ftruncate(self._file, start)
            raise

    def _recover(self) -> tuple[int, int]:
        """The last sequence number, and the length of a half-written tail that was cut off."""
        content = self.path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            os.ftruncate(self._file, whole)
        events = (_readable(line) for line in content[:whole].splitlines(keepends=True))
        last = max((event.seq for event in events if event), default=0)
        return last, len(content) - whole


def read_events(path: Path) -> Iterator[Event]:
    """The events of a log in order, kinds this coder does not know included (readers ignore those).

    What cannot be read, as a tail that a crash left half-written, is left out; a last event `record`/`cut`
    then says how many bytes that were. A log that does not exist has no events.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return
    last, skipped = None, 0
    for line in content.splitlines(keepends=True):
        if (event := _readable(line)) is None:
            skipped += len(line)
        else:
            last = event
            yield event
    if skipped:
        run, seq, at = (last.run, last.seq + 1, last.at) if last else ("", 1, "")
        yield Event(run, seq, at, "record", "cut", {"bytes": skipped})


def _readable(line: bytes) -> Event | None:
    if not line.endswith(b"\n"):
        return None
    try:
        return Event.from_json(line)
    except ValueError:
        return None
