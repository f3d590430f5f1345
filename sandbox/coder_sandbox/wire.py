"""The byte stream between coder and one agent, and its form over a local process's pipes."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from coder_sandbox.contract import SandboxError

CHUNK = 1 << 16
LAST_WORDS = 4000  # bytes of the agent's standard error that are kept for error messages
CLOSE_SECONDS = 2.0  # for an agent to end by itself, or for the kernel to end it


class Wire(Protocol):
    """What an AgentClient speaks through. No method blocks longer than the time it is given."""

    def send(self, data: bytes, timeout: float) -> None:
        """Write all of `data`. Raises OSError if nobody reads it any more, TimeoutError if nobody reads it in time."""
        ...

    def receive(self, timeout: float) -> bytes | None:
        """What has come within `timeout` seconds: None for nothing, b"" when the agent has ended."""
        ...

    def last_words(self) -> str:
        """The end of what the agent wrote to its standard error."""
        ...

    def close(self) -> None:
        """End the agent and all that it started. Safe to call twice."""
        ...


class PipeWire:
    """A wire over the pipes of a process started here."""

    def __init__(
        self,
        argv: Sequence[str],
        env: Mapping[str, str],
        *,
        cwd: str = "/",
        pass_fds: Sequence[int] = (),
        end: Callable[[], None] | None = None,
    ) -> None:
        """`end` ends the process at once with all it started; without it, its closed input has to do.

        Raises SandboxError if the program cannot be started.
        """
        self._end = end
        self._errors = bytearray()
        self._process = _start(argv, env, cwd, pass_fds)
        assert self._process.stdin and self._process.stdout and self._process.stderr
        self._in = self._process.stdin.fileno()
        self._out = self._process.stdout.fileno()
        self._err = self._process.stderr.fileno()
        for descriptor in (self._in, self._out, self._err):
            os.set_blocking(descriptor, False)
        self._reading = [self._out, self._err]
        self._closed = False

    @property
    def pid(self) -> int:
        """The process's id on the host."""
        return self._process.pid

    def send(self, data: bytes, timeout: float) -> None:
        view = memoryview(data)
        deadline = time.monotonic() + timeout
        while view:
            left = deadline - time.monotonic()
            _, writable, _ = select.select([], [self._in], [], max(0.0, left))
            if writable:
                view = view[os.write(self._in, view[:CHUNK]) :]
            elif left <= 0:
                raise TimeoutError("the agent does not take its request")

    def receive(self, timeout: float) -> bytes | None:
        readable, _, _ = select.select(self._reading, [], [], max(0.0, timeout))
        if self._err in readable:
            self._listen_to_errors()
        if self._out in readable:
            return os.read(self._out, CHUNK)
        return None

    def _listen_to_errors(self) -> None:
        data = os.read(self._err, CHUNK)
        if not data:
            self._reading.remove(self._err)
        self._errors += data
        del self._errors[:-LAST_WORDS]

    def last_words(self) -> str:
        deadline = time.monotonic() + 0.5  # a dying process may still be writing them
        while self._err in self._reading and (left := deadline - time.monotonic()) > 0:
            if select.select([self._err], [], [], left)[0]:
                self._listen_to_errors()
        return self._errors.decode("utf-8", "replace").strip()

    def close(self) -> None:
        if self._closed:
            return
        assert self._process.stdin and self._process.stdout and self._process.stderr
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        if self._end is not None:
            self._end()
        try:
            self._process.wait(CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._process.stderr.close()
        self._closed = True


def _start(argv: Sequence[str], env: Mapping[str, str], cwd: str, pass_fds: Sequence[int]) -> subprocess.Popen[bytes]:
    """Start a process from a thread that lives as long as it.

    A process that asks to die with its parent (bwrap does) dies with the thread that started it, and the
    caller's thread may be a pool's, gone long before the run is over.
    """
    started: list[subprocess.Popen[bytes] | OSError] = []
    ready = threading.Event()

    def live() -> None:
        try:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=dict(env),
                cwd=cwd,
                pass_fds=pass_fds,
                start_new_session=True,  # the terminal's Ctrl-C is coder's to act on
            )
        except OSError as error:
            started.append(error)
            ready.set()
            return
        started.append(process)
        ready.set()
        with contextlib.suppress(ChildProcessError):
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # leaves the status to close()

    threading.Thread(target=live, name="sandbox-parent", daemon=True).start()
    ready.wait()
    first = started[0]
    if isinstance(first, OSError):
        raise SandboxError(f"{argv[0]} cannot be started: {first}")
    return first


def kill_and_wait(pid: int, patience: float = CLOSE_SECONDS) -> None:
    """End a process that need not be our child, and return when the kernel has finished with it.

    For the first process of a pid namespace that means: when everything in the namespace is gone.
    """
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        select.select([descriptor], [], [], patience)
    finally:
        os.close(descriptor)
