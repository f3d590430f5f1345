"""Speaks the agent's protocol (docs/agent-protocol.md) over a wire: the part of a sandbox all backends share."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from coder_sandbox.contract import Event, ExecResult, Limits, SandboxError, Workspace
from coder_sandbox.wire import Wire

LINE_BYTES = 16 << 20
START_SECONDS = 30.0
GRACE_SECONDS = 10.0  # what the agent may take to end a command, over the command's own time


class AgentClient:
    """A Sandbox on top of any wire to an agent.

    After a fault of the sandbox itself, or a request that was interrupted half way, nothing can be asked any
    more: every request raises SandboxError, and only close() is left.
    """

    def __init__(
        self,
        name: str,
        workspace: Workspace,
        limits: Limits,
        wire: Wire,
        release: Callable[[], None] = lambda: None,
    ) -> None:
        """Takes over the wire and waits for the agent. `release` is called after the agent has ended,
        again if it was interrupted.

        Raises SandboxError, with everything closed, if the agent does not come up.
        """
        self.name = name
        self.workspace = workspace
        self._limits = limits
        self._wire = wire
        self._release = release
        self._buffer = bytearray()
        self._last_id = 0
        self._broken = ""  # why nothing can be asked any more
        self._closed = False
        self.python_version = ""
        try:
            self.python_version = self._await_ready()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _await_ready(self) -> str:
        message = self._next_message(time.monotonic() + START_SECONDS, "to start")
        if message.get("event") != "ready" or not isinstance(message.get("python"), str):
            raise self._fault(f"its agent began with {_short(message)} in place of 'ready'")
        return str(message["python"])

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout: float,
        stdin: str = "",
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> ExecResult:
        payload = {
            "argv": list(argv),
            "timeout": timeout,
            "stdin": stdin,
            "env": dict(env or {}),
            "cwd": str(cwd or self.workspace.inside),
            "output_bytes": self._limits.output_bytes,
        }
        result = self.request("exec", payload, timeout=timeout + GRACE_SECONDS)
        try:
            return ExecResult(**result)
        except TypeError:
            raise self._fault(f"its agent answered {_short(result)} to a command") from None

    def request(
        self,
        op: str,
        payload: Mapping[str, Any],
        *,
        timeout: float,
        on_event: Callable[[Event], None] | None = None,
    ) -> dict[str, Any]:
        if self._closed or self._broken:
            raise SandboxError(f"The {self.name} sandbox is closed" + (f": {self._broken}" if self._broken else "."))
        self._last_id += 1
        deadline = time.monotonic() + timeout
        self._broken = "a request was interrupted half way"  # stands if anything at all leaves this method early
        self._send({**payload, "id": self._last_id, "op": op}, timeout)
        while True:
            message = self._next_message(deadline, f"to answer '{op}' within {timeout:g} s")
            if message.get("id") != self._last_id:
                raise self._fault(f"its agent answered something that was not asked: {_short(message)}")
            if "event" in message:
                if on_event is not None:
                    on_event(message)
                continue
            self._broken = ""
            if isinstance(message.get("result"), dict):
                return dict(message["result"])
            if isinstance(message.get("error"), str):
                raise SandboxError(message["error"] or f"the agent refused '{op}' and gave no reason")
            raise self._fault(f"its agent answered {_short(message)}")

    def tell(self, op: str, payload: Mapping[str, Any]) -> None:
        """Add to the request under way, without an answer: from another thread than the one that waits for that.

        Raises SandboxError if the agent cannot be reached.
        """
        self._send({**payload, "id": self._last_id, "op": op}, GRACE_SECONDS)

    def _send(self, message: Mapping[str, Any], timeout: float) -> None:
        # surrogates (file names that are no UTF-8) travel as \udcXX escapes
        line = json.dumps(message).encode() + b"\n"
        if len(line) > LINE_BYTES:
            self._broken = ""
            raise SandboxError(f"The request '{message['op']}' is too long: {len(line)} bytes of {LINE_BYTES}.")
        try:
            self._wire.send(line, timeout)
        except OSError as error:
            raise self._fault(f"its agent cannot be reached: {error}") from None

    def _next_message(self, deadline: float, what: str) -> dict[str, Any]:
        """The next line, as an object. `what` completes "did not manage"."""
        line = self._next_line(deadline, what)
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            raise self._fault(f"its agent wrote something that is not the protocol: {_short(line)}")
        return message

    def _next_line(self, deadline: float, what: str) -> bytes:
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            if searched > LINE_BYTES:
                raise self._fault(f"its agent wrote a line of over {LINE_BYTES} bytes")
            left = deadline - time.monotonic()
            if left <= 0:
                raise self._fault(f"its agent did not manage {what}")
            data = self._wire.receive(left)
            if data == b"":
                raise self._fault("its agent has ended" if self.python_version else self._no_start())
            self._buffer += data or b""
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line

    def _no_start(self) -> str:
        named = "name another with --test-cmd 'PYTHON -m pytest' if that is not the one that has the tests' packages"
        return f"its agent could not be started with {self.workspace.python}; {named}"

    def _fault(self, what: str) -> SandboxError:
        """Note that the sandbox cannot be used any more, and give the error that says so."""
        words = self._wire.last_words()
        self._broken = what
        return SandboxError(f"The {self.name} sandbox failed: {what}." + (f" Its last words: {words}" if words else ""))

    def close(self) -> None:
        if self._closed:
            return
        try:
            self._wire.close()
        finally:
            self._release()
        self._closed = True  # not before: an interrupted close can be called again


def _short(value: object) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else json.dumps(value)
    return repr(text if len(text) <= 200 else text[:200] + "…")
