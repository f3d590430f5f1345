"""A program on a terminal of the sandbox's own: keys come in as requests, what is shown goes out as events."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import queue
import struct
import subprocess
import termios
import threading
from typing import Any, Callable, Dict

Message = Dict[str, Any]
Emit = Callable[[Message], None]

CHUNK = 1 << 14
POLL = 0.05  # seconds between two looks whether the program has ended


def operation(request: Message, requests: "queue.Queue[bytes]", emit: Emit, cwd: str) -> Message:
    """`terminal`: see docs/agent-protocol.md. While it runs, `input` and `resize` requests are its own."""
    master, slave = os.openpty()
    _resize(master, request)
    process = subprocess.Popen(
        [str(part) for part in request["argv"]],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=request.get("cwd") or cwd,
        env=dict(os.environ, TERM=str(request.get("term") or "dumb")),
        start_new_session=True,
        preexec_fn=_take_terminal,
    )
    os.close(slave)
    reader = threading.Thread(target=_show, args=(master, emit), daemon=True)
    reader.start()
    while process.poll() is None:
        try:
            message = json.loads(requests.get(timeout=POLL))
        except queue.Empty:
            continue
        if message.get("op") == "input":
            _type(master, base64.b64decode(message["data"]))
        elif message.get("op") == "resize":
            _resize(master, message)
    reader.join(1.0)
    os.close(master)
    return {"exit_code": process.returncode}


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _resize(master: int, wanted: Message) -> None:
    size = struct.pack("HHHH", int(wanted.get("rows") or 24), int(wanted.get("columns") or 80), 0, 0)
    fcntl.ioctl(master, termios.TIOCSWINSZ, size)


def _type(master: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(master, view) :]


def _show(master: int, emit: Emit) -> None:
    while True:
        try:
            data = os.read(master, CHUNK)
        except OSError:  # the program, and all that it started, have closed the other end
            return
        if not data:
            return
        emit({"event": "output", "data": base64.b64encode(data).decode()})
