"""What the agent knows of the processes below it: who they are, and how all of them are ended.

The agent is the first process of its sandbox (or a "child subreaper" where there is no sandbox), so a process
that daemonises comes back to it as a child and cannot leave the tree.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import contextmanager, suppress
from typing import Collection, Dict, Iterator, Optional, Set, Tuple

PINNED: Set[int] = set()
"""Direct children that outlive one request (the warm validator): their trees survive the end of a command."""

Row = Tuple[int, str, int]
"""(parent's pid, state letter, threads)"""

Table = Dict[int, Row]


def _row(pid: int) -> Optional[Row]:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()  # the command's name may hold anything
    except OSError:
        return None
    return int(fields[1]), fields[0].decode(), int(fields[17])


def table() -> Table:
    """Every process that can be seen, by its pid. Processes that end meanwhile are left out."""
    rows = ((int(name), _row(int(name))) for name in os.listdir("/proc") if name.isdigit())
    return {pid: row for pid, row in rows if row is not None}


def is_living(row: Row) -> bool:
    """Whether any of its threads is: the first, which speaks for all, may have ended before the others."""
    return row[1] not in "ZX" or row[2] > 1


def speaker(pid: int, row: Row) -> int:
    """Of a living process, a thread of which /proc tells memory and descriptors (as if it were a process)."""
    if row[1] in "ZX":
        with suppress(OSError):
            for name in os.listdir(f"/proc/{pid}/task"):
                if (its := _row(int(name))) is not None and its[1] not in "ZX":
                    return int(name)
    return pid


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
    return {pid for pid in descendants(processes, keep) if is_living(processes[pid])}


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


class OomScore:
    """Makes the kernel, where memory runs out, end what the agent starts and not the agent."""

    def __init__(self) -> None:
        self._file = -1

    def open(self) -> None:
        """Before the agent's own /proc is closed to it. Under bubblewrap, where /proc is read-only, it always is."""
        with suppress(OSError):
            self._file = os.open("/proc/self/oom_score_adj", os.O_RDWR)

    @contextmanager
    def raised(self) -> Iterator[None]:
        """What is started meanwhile inherits the highest score."""
        before = b""
        with suppress(OSError):
            before = os.pread(self._file, 8, 0)
            os.pwrite(self._file, b"1000", 0)
        yield
        with suppress(OSError):
            os.pwrite(self._file, before, 0)


oom_score = OomScore()
