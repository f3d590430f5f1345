"""What the agent knows of the processes below it: who they are, what they use, and how all of them are ended.

The agent is the first process of its sandbox (or a "child subreaper" where there is no sandbox), so a process
that daemonises comes back to it as a child and cannot leave the tree.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress
from typing import Any, Collection, Dict, Iterator, Optional, Set, Tuple

PINNED: Set[int] = set()
"""Direct children that outlive one request (the warm validator): their trees survive the end of a command."""

TICK = 0.1  # seconds between two looks at what is used
PAGE = os.sysconf("SC_PAGE_SIZE")

Table = Dict[int, Tuple[int, str, int]]
"""pid -> (parent's pid, state letter, threads)"""


def table() -> Table:
    """Every process that can be seen. Processes that end meanwhile are left out."""
    found: Table = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                fields = file.read().rpartition(b")")[2].split()  # the command's name may hold anything
        except OSError:
            continue
        found[int(name)] = (int(fields[1]), fields[0].decode(), int(fields[17]))
    return found


def descendants(processes: Table, keep: Collection[int] = ()) -> Set[int]:
    """All below this process, zombies too, without the trees whose root is in `keep`."""
    children: Dict[int, list[int]] = {}
    for pid, (parent, _, _) in processes.items():
        children.setdefault(parent, []).append(pid)
    found: Set[int] = set()
    open_ends = [os.getpid()]
    while open_ends:
        for pid in children.get(open_ends.pop(), ()):
            if pid not in keep and pid not in found:
                found.add(pid)
                open_ends.append(pid)
    return found


def _living(keep: Collection[int]) -> Set[int]:
    processes = table()
    return {pid for pid in descendants(processes, keep) if processes[pid][1] not in "ZX"}


def _signal(pids: Collection[int], number: int) -> None:
    for pid in pids:
        with suppress(OSError):  # gone already
            os.kill(pid, number)


def kill_descendants(keep: Collection[int] = (), patience: float = 2.0) -> bool:
    """End every process below the agent, daemons too, but for the trees rooted at `keep`.

    Returns whether all are gone within `patience` seconds. What is dead is not reaped here, so that whoever
    started a process can still ask how it ended.
    """
    deadline = time.monotonic() + patience
    while True:
        left = _living(keep)
        if not left:
            return True
        if not keep and os.getpid() == 1:
            os.kill(-1, signal.SIGKILL)  # at one instant, so that nothing can fork its way out
        else:
            _signal(left, signal.SIGSTOP)  # what is stopped cannot fork while the others are ended
            _signal(left | _living(keep), signal.SIGKILL)
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)


def reap(keep: Collection[int] = ()) -> None:
    """Bury what has ended. Only between requests: nobody must be waiting for one of these."""
    me = os.getpid()
    for pid, (parent, state, _) in table().items():
        if parent == me and state == "Z" and pid not in keep:
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


def _private_bytes(pid: int) -> int:
    """Memory of one process that no file backs. Pages shared since a fork count in each of them."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            resident, shared = file.read().split()[1:3]
    except OSError:
        return 0
    return (int(resident) - int(shared)) * PAGE


def _proportional_bytes(pid: int) -> int:
    """The same with shared pages divided among those that share them: exact, and too slow for every tick."""
    with suppress(OSError), open(f"/proc/{pid}/smaps_rollup", "rb") as file:
        for line in file:
            if line.startswith(b"Pss_Anon:"):
                return int(line.split()[1]) * 1024
    return _private_bytes(pid)


def oom_kills() -> int:
    """How often the kernel has ended a process here for memory (control groups 2 and 1), 0 if it does not say."""
    for path in ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"):
        with suppress(OSError), open(path) as file:
            for line in file:
                if line.startswith("oom_kill "):
                    return int(line.split()[1])
    return 0


class Guard:
    """Ends everything below the agent when, taken together, it uses more than it may.

    `verdict` says why, from the moment before the kill until the next request begins.
    """

    def __init__(self) -> None:
        self.verdict: Optional[str] = None
        self._memory = 0
        self._tasks = 0
        self._busy = threading.Event()
        self._looking = threading.Lock()  # held from a look to the end of what it leads to
        self._oom_kills = 0

    def start(self, memory_mb: int, processes: int) -> None:
        """Begin to watch, in a thread that sleeps between requests."""
        self._memory, self._tasks = memory_mb << 20, processes
        threading.Thread(target=self._watch, daemon=True).start()

    def __enter__(self) -> Guard:
        self.verdict = None
        self._oom_kills = oom_kills()
        self._busy.set()
        return self

    def __exit__(self, *_: Any) -> None:
        with self._looking:  # a kill under way must not reach into the next request
            self._busy.clear()

    def why_killed(self) -> Optional[str]:
        """Why a process that got SIGKILL got it: "memory", "processes", or None if it was not for its use."""
        if self.verdict is None and oom_kills() > self._oom_kills:
            self.verdict = "memory"
        return self.verdict

    def _watch(self) -> None:
        while self._busy.wait():
            with self._looking:
                over = next(self._excesses(), None) if self._busy.is_set() else None
                if over is not None:
                    self.verdict = over
                    kill_descendants()
            time.sleep(TICK)

    def _excesses(self) -> Iterator[str]:
        processes = table()
        below = descendants(processes)
        if sum(processes[pid][2] for pid in below if processes[pid][1] not in "ZX") > self._tasks:
            yield "processes"
        if sum(map(_private_bytes, below)) > self._memory and sum(map(_proportional_bytes, below)) > self._memory:
            yield "memory"


guard = Guard()
