"""Runs one command to its end: output capped, time limited, nothing of it left afterwards."""

from __future__ import annotations

import json
import os
import resource
import selectors
import signal
import subprocess
import time
from typing import IO, TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Sequence

if TYPE_CHECKING:
    from coder_sandbox.agent.guard import guard
    from coder_sandbox.agent.processes import PINNED, kill_descendants, oom_score
else:
    from guard import guard
    from processes import PINNED, kill_descendants, oom_score

POLL = 0.05  # seconds between two looks whether a command whose output somebody holds open has ended
CHUNK = 1 << 16
FLOOD = 64  # a command is ended when it has written this many times what is kept of a stream
MESSAGE_BYTES = 7 << 20  # of a stream as JSON: two of them fit in one line of the protocol


def set_limits(limits: Mapping[str, Any]) -> None:
    """Limits that every process below inherits. A hard limit already lower stays as it is."""
    for number, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, limits["file_mb"] << 20),
        (resource.RLIMIT_NOFILE, limits["open_files"]),
        (resource.RLIMIT_NPROC, limits.get("rlimit_processes")),
    ):
        if value is not None:
            hard = resource.getrlimit(number)[1]
            wanted = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(number, (wanted, wanted))
    cpus = sorted(os.sched_getaffinity(0))
    if limits.get("cpus"):
        os.sched_setaffinity(0, cpus[: max(1, -(-int(limits["cpus"] * 100) // 100))])


class _Stream:
    """The head of one output stream, and how much more there was."""

    def __init__(self, cap: int) -> None:
        self.cap = cap
        self.head = bytearray()
        self.dropped = 0

    def add(self, data: bytes) -> None:
        kept = data[: self.cap - len(self.head)]
        self.head += kept
        self.dropped += len(data) - len(kept)

    @property
    def flooded(self) -> bool:
        return self.dropped > FLOOD * self.cap

    def text(self) -> str:
        """The head as text that fits in a message: binary output can grow threefold on its way."""
        text = self.head.decode("utf-8", "replace")
        while True:
            size = len(json.dumps(text, ensure_ascii=False).encode())
            if size <= MESSAGE_BYTES:
                return text
            kept = text[: int(len(text) * MESSAGE_BYTES / size * 0.95)]
            self.dropped += len(text[len(kept) :].encode())
            text = kept


class _Pumps:
    """Moves a process's input and output without ever blocking on it."""

    def __init__(self, process: subprocess.Popen[bytes], stdin: bytes, cap: int) -> None:
        self.out, self.err = _Stream(cap), _Stream(cap)
        self._stdin = memoryview(stdin)
        self._selector = selectors.DefaultSelector()
        assert process.stdin and process.stdout and process.stderr
        self._register(process.stdout, selectors.EVENT_READ, self.out)
        self._register(process.stderr, selectors.EVENT_READ, self.err)
        self._register(process.stdin, selectors.EVENT_WRITE, None)

    def _register(self, file: IO[bytes], events: int, stream: Optional[_Stream]) -> None:
        os.set_blocking(file.fileno(), False)
        self._selector.register(file, events, stream)

    @property
    def reading(self) -> bool:
        """Whether somebody still holds an output open."""
        return any(key.data is not None for key in self._selector.get_map().values())

    def turn(self, timeout: float) -> bool:
        """Move what can be moved within `timeout` seconds. Returns whether there was anything."""
        ready = self._selector.select(max(0.0, timeout))
        for key, _ in ready:
            if key.data is None:
                self._write(key.fileobj)
            else:
                self._read(key.fileobj, key.data)
        return bool(ready)

    def _read(self, file: Any, stream: _Stream) -> None:
        data = os.read(file.fileno(), CHUNK)
        if data:
            stream.add(data)
        else:
            self._drop(file)

    def _write(self, file: Any) -> None:
        try:
            if self._stdin:
                self._stdin = self._stdin[os.write(file.fileno(), self._stdin[:CHUNK]) :]
        except BrokenPipeError:
            self._stdin = memoryview(b"")  # it does not want to read: its right
        if not self._stdin:
            self._drop(file)

    def _drop(self, file: Any) -> None:
        self._selector.unregister(file)
        file.close()

    def close(self) -> None:
        for key in list(self._selector.get_map().values()):
            self._drop(key.fileobj)
        self._selector.close()


def _supervise(process: subprocess.Popen[bytes], pumps: _Pumps, deadline: float) -> Optional[str]:
    """Wait for the end of the command itself. Returns why it must be ended, None if it ended on its own."""
    while process.poll() is None:
        left = deadline - time.monotonic()
        if left <= 0:
            return "timeout"
        if pumps.out.flooded or pumps.err.flooded:
            return "output"
        if pumps.reading:
            pumps.turn(min(left, POLL))
        else:  # it has closed its output: only its end can follow
            pumps.turn(0)
            try:
                process.wait(min(left, POLL))
            except subprocess.TimeoutExpired:
                continue
    return None


def run(
    argv: Sequence[str],
    timeout: float,
    stdin: str = "",
    env: Optional[Mapping[str, str]] = None,
    cwd: Optional[str] = None,
    output_bytes: int = 4_000_000,
) -> Dict[str, Any]:
    """The `exec` operation: see docs/agent-protocol.md for what it returns.

    Every process that the command started, daemons too, is ended before this returns.
    """
    started = time.monotonic()
    environment = dict(os.environ, **(env or {}))
    try:
        with oom_score.raised():
            process = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
                cwd=cwd,
                start_new_session=True,
            )
    except (OSError, ValueError, IndexError) as error:
        return _result(None, "", f"{argv[0] if argv else '(no command)'}: {error}", started)
    pumps = _Pumps(process, stdin.encode("utf-8", "surrogateescape"), output_bytes)
    try:
        killed_by = _supervise(process, pumps, started + timeout)
        if killed_by is not None:
            process.kill()
        kill_descendants(keep=PINNED)
        code = process.wait()
        while pumps.reading and pumps.turn(POLL):  # what the pipes still hold; all writers are dead
            pass
    finally:
        pumps.close()
    if killed_by is None and code == -signal.SIGKILL:
        killed_by = guard.why_killed()
    out, err = pumps.out.text(), pumps.err.text()
    return _result(code, out, err, started, killed_by, pumps.out.dropped + pumps.err.dropped)


def _result(
    code: Optional[int], out: str, err: str, started: float, killed_by: Optional[str] = None, dropped: int = 0
) -> Dict[str, Any]:
    return {
        "exit_code": code,
        "stdout": out,
        "stderr": err,
        "duration": time.monotonic() - started,
        "killed_by": killed_by,
        "dropped_bytes": dropped,
    }


def operation(payload: Dict[str, Any], default_cwd: str) -> Dict[str, Any]:
    """`exec` as the protocol has it."""
    argv: List[str] = [str(part) for part in payload["argv"]]
    return run(
        argv,
        float(payload["timeout"]),
        str(payload.get("stdin") or ""),
        payload.get("env"),
        payload.get("cwd") or default_cwd,
        int(payload.get("output_bytes") or 4_000_000),
    )
