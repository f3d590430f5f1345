"""The run store: one private directory a run under $CODER_HOME or the XDG state directory."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import secrets
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any

from coder.errors import EnvironmentFault, UsageError
from coder.record.blobs import Blobs
from coder.record.events import SCHEMA, Event, EventLog, read_events
from coder.record.mask import Masker
from coder.record.result import Result
from coder.record.storage import faults, private_dir, sync_directory, write_atomic

META_SCHEMA = "coder.run/1"
CHANGES = "changes.json"
_CLAIM_SECONDS = 1.0  # how long to wait for a listing that holds the lock for an instant


def default_home(environ: Mapping[str, str] = os.environ) -> Path:
    """Where run data live: $CODER_HOME, else the XDG state directory."""
    if home := environ.get("CODER_HOME"):
        return Path(home).expanduser().absolute()
    from platformdirs import user_state_path

    return user_state_path("coder")


@dataclass(frozen=True)
class RunSummary:
    """One line of `coder runs`."""

    run_id: str
    status: str  # a result's status, or "running"
    repo: str
    goal: str
    started: str  # UTC, ISO 8601
    resumable: bool

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of `coder runs --json`."""
        return asdict(self)


class RunDir:
    """The directory of one run.

    The process that works on the run holds a lock in it, which the kernel takes back whenever and however
    that process ends; so "running" is never a guess.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.id = path.name
        self._lock = -1

    @cached_property
    def log(self) -> EventLog:
        """The event log, open for appending."""
        return EventLog(self.path / "events.jsonl", self.id)

    @cached_property
    def blobs(self) -> Blobs:
        """The bulk that events and checkpoints name."""
        return Blobs(self.path / "blobs.sqlite")

    def settle(self) -> None:
        """Return when what was saved and appended so far is on the disk: the end of a step."""
        self.blobs.commit()
        self.log.sync()

    def events(self) -> Iterator[Event]:
        """What the log holds so far."""
        return read_events(self.path / "events.jsonl")

    def meta(self) -> dict[str, Any]:
        """What the run was asked: repo, goal, request, started."""
        meta = self.read_json("meta.json")
        if not isinstance(meta, dict) or not {"repo", "goal", "request", "started"} <= meta.keys():
            raise EnvironmentFault(f"the record of run {self.id} is damaged: {self.path / 'meta.json'}")
        return meta

    def is_of_a_newer_coder(self) -> bool:
        """Whether the record has a form that came after what this coder reads."""
        newest = max((_version(event.schema) for event in self.events()), default=0)
        return newest > _version(SCHEMA) or _version(str(self.meta().get("schema", ""))) > _version(META_SCHEMA)

    def write_json(self, name: str, value: Any) -> None:
        """Replace a JSON file of the run atomically; `name` may lie in a directory ("alternatives/1.json").

        Not masked: it holds what the run needs, exactly.
        """
        private_dir((self.path / name).parent)
        write_atomic(self.path / name, json.dumps(value, indent=1).encode())

    def read_json(self, name: str) -> Any:
        """A JSON file of the run, None if there is none. EnvironmentFault if it is damaged or unreadable."""
        with faults(self.path):
            try:
                return json.loads((self.path / name).read_bytes())
            except FileNotFoundError:
                return None
            except ValueError as error:
                message = f"the record of run {self.id} is damaged: {self.path / name}: {error}"
                raise EnvironmentFault(message) from error

    def save_result(self, result: Result) -> Result:
        """Keep the result with secrets masked, and return it as kept.

        The patch stays exact, or it would not apply: a secret in it is one that the repository's own lines hold.
        It is masked where it is shown.
        """
        kept = Result.from_dict({**Masker().value(result.to_dict()), "patch": result.patch})
        for alternative, exact in zip(kept.alternatives, result.alternatives, strict=True):
            alternative.patch = exact.patch
        self.write_json("result.json", kept.to_dict())
        return kept

    def result(self) -> Result | None:
        """The result, None while there is none."""
        data = self.read_json("result.json")
        if data is None:
            return None
        try:
            return Result.from_dict(data)
        except (ValueError, TypeError, AttributeError) as error:
            raise EnvironmentFault(f"the record of run {self.id} is damaged: {self.path / 'result.json'}") from error

    def forget_result(self) -> None:
        """The run goes on: what it ended with before no longer holds."""
        (self.path / "result.json").unlink(missing_ok=True)

    def save_changes(self, changes: Mapping[str, bytes | None], name: str = CHANGES) -> None:
        """Keep a change set byte for byte; without a name the one that the patch is made of."""
        coded = [
            [
                base64.b64encode(os.fsencode(path)).decode(),
                None if new is None else base64.b64encode(new).decode(),
            ]
            for path, new in changes.items()
        ]
        self.write_json(name, coded)

    def changes(self, name: str = CHANGES) -> dict[str, bytes | None]:
        """A change set kept by the run, empty if it has none."""
        return {
            os.fsdecode(base64.b64decode(path)): None if new is None else base64.b64decode(new)
            for path, new in self.read_json(name) or []
        }

    def running(self) -> bool:
        """Whether a process is at work on the run at this moment."""
        if self._lock >= 0:
            return True
        try:
            descriptor = os.open(self.path / "lock", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def claim(self) -> None:
        """Become the one process that works on this run, until close() or the process ends.

        UsageError if another is at it.
        """
        if self._lock >= 0:
            return
        with faults(self.path):
            descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + _CLAIM_SECONDS
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    os.close(descriptor)
                    raise UsageError(f"run {self.id} is being driven by {self.owner()}") from None
                time.sleep(0.02)
            else:
                self._lock = descriptor
                self._sign()
                return

    def _sign(self) -> None:
        """Say in the lock whose it is."""
        owner = json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode()
        with faults(self.path):
            os.ftruncate(self._lock, 0)
            os.pwrite(self._lock, owner, 0)

    def beat(self) -> None:
        """Show that the process at work is alive; `owner` tells others when it last did."""
        if self._lock >= 0:
            os.utime(self._lock)

    def owner(self) -> str:
        """Who holds the lock, and how long ago that process finished a step, in words."""
        try:
            signed = json.loads((self.path / "lock").read_bytes())
            since = max(0.0, time.time() - (self.path / "lock").stat().st_mtime)
            return f"process {signed['pid']} on {signed['host']}, whose last step ended {since:.0f} s ago"
        except (OSError, ValueError, KeyError, TypeError):
            return "another process"

    def elapsed(self) -> float:
        """Wall seconds that the processes that worked on the run have spent, by its record: each from its start to
        its last event, so that a kill does not give them back."""
        total, began, last = 0.0, None, None
        for event in self.events():
            at = datetime.fromisoformat(event.at)
            if (event.node, event.kind) == ("run", "start"):
                total += (last - began).total_seconds() if began and last else 0.0
                began = at
            last = at
        return max(0.0, total + ((last - began).total_seconds() if began and last else 0.0))

    def unanswered(self) -> dict[str, int]:
        """What the model calls cost that ended the run or an earlier part of it, by its record: no step and so no
        checkpoint holds them."""
        lost = {"model_calls": 0, "prompt_tokens": 0}
        for event in self.events():
            if (event.node, event.kind) == ("run", "unanswered"):
                lost = {name: amount + int(event.data.get(name, 0)) for name, amount in lost.items()}
        return lost

    def size(self) -> int:
        """Bytes of the run's record: its own files, not the worktrees."""
        entries = (entry for entry in os.scandir(self.path) if entry.is_file(follow_symlinks=False))
        return sum(entry.stat(follow_symlinks=False).st_size for entry in entries)

    def close(self) -> None:
        """Close the log and give the run free. Safe to call twice."""
        if "log" in self.__dict__:
            self.log.close()
        if "blobs" in self.__dict__:
            self.__dict__.pop("blobs").close()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def summary(self) -> RunSummary:
        """The run's line in the list."""
        result = self.result()
        if self.running():
            status, resumable = "running", False
        elif result is None:
            status, resumable = "interrupted", True
        else:
            status, resumable = result.status, result.resumable
        meta = self.meta()
        return RunSummary(self.id, status, meta["repo"], meta["goal"], meta["started"], resumable)


class RunStore:
    """All runs under one home directory."""

    def __init__(self, home: Path | None = None) -> None:
        self.home = home or default_home()
        self.runs = self.home / "runs"

    def create(self, repo: Path, goal: str, request: Mapping[str, Any]) -> RunDir:
        """Begin a run: its directory (readable by nobody else), its meta.json, and the claim on it.

        EnvironmentFault if the home cannot be written.
        """
        private_dir(self.home)
        private_dir(self.runs)
        now = datetime.now(UTC)
        run = RunDir(self._new_dir(now))
        run.claim()
        masker = Masker()
        run.write_json(
            "meta.json",
            {
                "schema": META_SCHEMA,
                "run_id": run.id,
                "repo": str(repo),
                "goal": masker.text(goal),
                "request": {**request, **({"goal": masker.text(request["goal"])} if "goal" in request else {})},
                "started": now.isoformat(timespec="milliseconds"),
            },
        )
        return run

    def open(self, name: str) -> RunDir:
        """The run of that id, or the one run whose id begins so (or ends so, after the time).

        UsageError naming the near ones if there is none, or more than one.
        """
        ids = self._ids()
        if name in ids:
            return RunDir(self.runs / name)
        found = [run_id for run_id in ids if name and (run_id.startswith(name) or run_id.endswith(f"-{name}"))]
        if len(found) == 1:
            return RunDir(self.runs / found[0])
        if found:
            raise UsageError(f"{name!r} could be any of {len(found)} runs: {_some(found)}")
        near = get_close_matches(name, ids, n=3, cutoff=0.5)
        hint = f"; near it: {_some(near)}" if near else f"; the newest: {_some(ids)}" if ids else "; there are none yet"
        raise UsageError(f"no run {name!r}{hint} (`coder runs` lists them)")

    def newest(self, repo: Path) -> RunDir:
        """The newest run of a repository. UsageError if it has none."""
        for summary in self.list():
            if summary.repo == str(repo):
                return RunDir(self.runs / summary.run_id)
        raise UsageError(f"no run of {repo} yet (`coder runs` lists those of other repositories)")

    def list(self) -> Sequence[RunSummary]:
        """Every run, newest first. A directory whose record is damaged is left out."""
        found = []
        for run_id in self._ids():
            with suppress(EnvironmentFault):
                found.append(RunDir(self.runs / run_id).summary())
        return sorted(found, key=lambda run: (run.started, run.run_id), reverse=True)

    def _ids(self) -> Sequence[str]:
        """Ids of the runs that began, newest first."""
        try:
            names = [entry.name for entry in os.scandir(self.runs) if (Path(entry) / "meta.json").is_file()]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise EnvironmentFault(f"cannot read the runs in {self.runs}: {error.strerror}") from error
        return sorted(names, reverse=True)

    def _new_dir(self, now: datetime) -> Path:
        while True:
            path = self.runs / f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
            with faults(self.home), suppress(FileExistsError):
                path.mkdir(mode=0o700)
                for place in (self.home.parent, self.home, self.runs):
                    with suppress(PermissionError):  # of a parent that may be entered only
                        sync_directory(place)
                return path


def _version(schema: str) -> int:
    """The number of a schema such as `coder.event/1`; 0 where it has none."""
    number = schema.rpartition("/")[2]
    return int(number) if number.isdecimal() else 0


def _some(ids: Sequence[str]) -> str:
    return ", ".join(ids[:5]) + (" ..." if len(ids) > 5 else "")
