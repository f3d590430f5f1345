"""The caller's terminal, for a program in a sandbox that has one of its own."""

from __future__ import annotations

import base64
import contextlib
import os
import signal
import sys
import termios
import threading
import tty
from collections.abc import Iterator, Sequence
from typing import Any

from coder_sandbox.client import AgentClient
from coder_sandbox.contract import Event, SandboxError

DAY = 86_400.0  # seconds that a session may last


def attach(box: AgentClient, argv: Sequence[str]) -> int:
    """Run a program with the caller's terminal and return its exit code. Ctrl-C and all else that is typed is its own.

    What it prints reaches the terminal as it is. Raises SandboxError if the sandbox dies.
    """
    inside, outside = sys.stdin.fileno(), sys.stdout.fileno()
    telling = threading.Lock()

    def tell(op: str, **payload: Any) -> None:
        with telling, contextlib.suppress(SandboxError):  # which the request under way will meet too
            box.tell(op, payload)

    def type_on() -> None:
        while data := os.read(inside, 1 << 14):
            tell("input", data=base64.b64encode(data).decode())

    def show(event: Event) -> None:
        data = memoryview(base64.b64decode(str(event.get("data") or "")))
        while data:
            data = data[os.write(outside, data) :]

    def resized() -> None:
        tell("resize", **_size(outside))

    with _raw(inside), _on_resize(resized):
        payload = {"argv": list(argv), "term": os.environ.get("TERM", "dumb"), **_size(outside)}
        threading.Thread(target=type_on, name="typing", daemon=True).start()
        done = box.request("terminal", payload, timeout=DAY, on_event=show)
    code = int(done["exit_code"])
    return code if code >= 0 else 128 - code


def _size(descriptor: int) -> dict[str, int]:
    size = os.get_terminal_size(descriptor)
    return {"rows": size.lines, "columns": size.columns}


@contextlib.contextmanager
def _raw(descriptor: int) -> Iterator[None]:
    before = termios.tcgetattr(descriptor)
    tty.setraw(descriptor)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


@contextlib.contextmanager
def _on_resize(told: Any) -> Iterator[None]:
    """A thread tells of it: the signal may come while another message is half written."""
    before = signal.signal(signal.SIGWINCH, lambda *_: threading.Thread(target=told, daemon=True).start())
    try:
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)
