"""The program inside the sandbox: reads requests as JSON lines, does them, answers (docs/agent-protocol.md).

Started as `python -I -S -B main.py SETTINGS`, SETTINGS being a JSON object: the limits, and `cwd`.
It ends, and with it everything it started, when its standard input ends: so nothing outlives coder.
"""

from __future__ import annotations

import ctypes
import json
import os
import queue
import shutil
import signal
import sys
import threading
import traceback
from typing import IO, TYPE_CHECKING, Any, Callable, Dict, Optional

if TYPE_CHECKING:
    from coder_sandbox.agent import disk, execute, guard, processes
else:
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # -I leaves the script's directory out
    import disk
    import execute
    import guard
    import processes

LINE_BYTES = 16 << 20
PR_SET_DUMPABLE = 4
PR_SET_CHILD_SUBREAPER = 36

Message = Dict[str, Any]


class Channel:
    """The two descriptors of the protocol, moved to where nothing that the agent starts can inherit them."""

    def __init__(self) -> None:
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))  # whatever the sandbox's starter has left open
        self.requests: "queue.Queue[bytes]" = queue.Queue()
        self._in: IO[bytes] = os.fdopen(os.dup(0), "rb")  # os.dup gives descriptors that close on exec
        self._out: IO[bytes] = os.fdopen(os.dup(1), "wb", buffering=0)
        self._lock = threading.Lock()
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        os.dup2(nothing, 1)
        os.close(nothing)

    def send(self, message: Message) -> None:
        """Write one line. Raises ValueError if it is too long to be read."""
        line = json.dumps(message, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        if len(line) > LINE_BYTES:
            raise ValueError(f"the answer is too long: {len(line)} bytes, {LINE_BYTES} are allowed")
        view = memoryview(line)
        with self._lock:
            while view:
                view = view[self._out.write(view) :]

    def listen(self, remove: Optional[str]) -> None:
        """Take requests until there are no more, then end everything, whatever is under way."""
        for line in self._in:
            self.requests.put(line)
        processes.kill_descendants()
        if remove:
            shutil.rmtree(remove, ignore_errors=True)
        os._exit(0)


def harden() -> None:
    """Close /proc/<agent> to processes of the same user, adopt those that daemonise, heed no signal of theirs."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # which the first process of a namespace never gets from inside
    libc = ctypes.CDLL(None, use_errno=True)
    for option, value in ((PR_SET_DUMPABLE, 0), (PR_SET_CHILD_SUBREAPER, 1)):
        if libc.prctl(option, value, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), f"prctl({option}) failed")


def operation(name: str) -> Optional[Callable[[Message, Callable[[Message], None]], Message]]:
    """The function for an operation, None if there is no such. The test suite's are loaded when first used."""
    if TYPE_CHECKING:
        from coder_sandbox.agent import suite
    else:
        import suite
    return suite.OPS.get(name)


def start_relay(socket_path: str) -> None:
    """Carry the loopback's connections to coder's proxy. Loaded only where there is one: asyncio is slow to import."""
    if TYPE_CHECKING:
        from coder_sandbox.agent import relay
    else:
        import relay
    relay.Relay(socket_path).start()


def answer(request: Message, channel: Channel, cwd: str) -> Message:
    """Do one request, and give the body of its last line."""
    name = request.get("op")

    def emit(event: Message) -> None:
        channel.send({"id": request.get("id"), **event})

    try:
        if name == "exec":
            return {"result": execute.operation(request, cwd)}
        if name == "terminal":
            if TYPE_CHECKING:
                from coder_sandbox.agent import terminal
            else:
                import terminal
            return {"result": terminal.operation(request, channel.requests, emit, cwd)}
        wanted = operation(str(name))
        if wanted is None:
            return {"error": f"unknown operation: {name!r}"}
        return {"result": wanted(request, emit)}
    except Exception as error:
        traceback.print_exc()
        return {"error": f"{name}: {type(error).__name__}: {error}"}


def main() -> None:
    settings = json.loads(sys.argv[1])
    channel = Channel()
    processes.oom_score.open()
    harden()
    os.makedirs(os.environ.get("HOME", "/tmp"), exist_ok=True)
    execute.set_limits(settings)
    quota = disk.Disk(settings["cwd"], settings["worktree_mb"], settings["worktree_files"])
    guard.guard.start(settings["memory_mb"], settings["processes"], quota)
    if settings.get("relay"):
        start_relay(settings["relay"])
    threading.Thread(target=channel.listen, args=(settings["remove"],), daemon=True).start()
    version = ".".join(map(str, sys.version_info[:3]))
    channel.send({"event": "ready", "python": version, "pid": os.getpid()})
    while True:
        request = json.loads(channel.requests.get())
        with guard.guard:
            body = answer(request, channel, settings["cwd"])
        processes.reap(keep=processes.PINNED)
        try:
            channel.send({"id": request.get("id"), **body})
        except ValueError as error:
            channel.send({"id": request.get("id"), "error": str(error)})


if __name__ == "__main__":
    main()
