"""Ends everything below the agent when, taken together, it uses more than it may.

The kernel's own fences (a container's control group, or one of ours) come on top where there are any. Where there
are none this is the limit, and it is one that looks ten times a second: a program can be over it that long.
"""

from __future__ import annotations

import ctypes
import os
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Collection, Dict, Iterator, Optional

if TYPE_CHECKING:
    from coder_sandbox.agent.disk import Disk
    from coder_sandbox.agent.held import TooMany, held_bytes, hides_files
    from coder_sandbox.agent.processes import PINNED, descendants, is_living, kill_descendants, speaker, table
else:
    from disk import Disk
    from held import TooMany, held_bytes, hides_files
    from processes import PINNED, descendants, is_living, kill_descendants, speaker, table

IPC_RMID = 0
TICK = 0.1  # seconds between two looks at what is used
BLIND = 71  # exit code of an agent that can no longer see what is used
SPARE = 0.03  # of the machine's memory: where no fence of the kernel's stands, that much is left to everybody else
ANONYMOUS, SHARED = b"Anon:", b"Shmem:"


def _fields(path: str, endings: Collection[bytes]) -> Optional[int]:
    """The sum, in bytes, of the lines whose names end so; None if the file cannot be read."""
    try:
        with open(path, "rb") as file:
            parts = [line.split() for line in file]
        return sum(int(part[1]) * 1024 for part in parts if part and part[0].endswith(tuple(endings)))
    except (OSError, IndexError, ValueError):
        return None


def _resident(pid: int) -> int:
    """Memory of one process that no file backs, shared memory too. Pages shared since a fork count in each of them."""
    return _fields(f"/proc/{pid}/status", (b"Rss" + ANONYMOUS, b"Rss" + SHARED)) or 0


def _proportional(pid: int) -> int:
    """The same with shared pages divided among those that share them: exact, and too slow for every look."""
    exact = _fields(f"/proc/{pid}/smaps_rollup", (b"Pss_" + ANONYMOUS, b"Pss_" + SHARED))
    return _resident(pid) if exact is None else exact


def _unattached() -> Dict[int, int]:
    """System V shared memory that no process has mapped: it belongs to none, and stays. Bytes by segment.

    Only in a sandbox, whose agent is its first process: elsewhere the segments may be anybody's.
    """
    if os.getpid() == 1:
        with suppress(OSError, ValueError, IndexError), open("/proc/sysvipc/shm") as file:
            rows = [line.split() for line in file][1:]
            return {int(row[1]): int(row[14]) for row in rows if row[6] == "0"}
    return {}


def _remove_unattached() -> None:
    for segment in _unattached():
        ctypes.CDLL(None).shmctl(segment, IPC_RMID, None)


def is_fenced() -> bool:
    """Whether a control group is shown here and the agent is in it."""
    for place in ("/sys/fs/cgroup", "/sys/fs/cgroup/memory"):
        with suppress(OSError), open(f"{place}/cgroup.procs") as file:
            if str(os.getpid()) in file.read().split():
                return True
    return False


def is_scarce() -> bool:
    """Whether the machine itself is nearly out of memory, whoever has taken it."""
    free, total = _fields("/proc/meminfo", (b"MemAvailable:",)), _fields("/proc/meminfo", (b"MemTotal:",))
    return free is not None and total is not None and free < SPARE * total


def oom_kills() -> int:
    """How often the kernel has ended a process here for memory (control groups 2 and 1), 0 if it does not say."""
    for path in ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"):
        with suppress(OSError), open(path) as file:
            for line in file:
                if line.startswith("oom_kill "):
                    return int(line.split()[1])
    return 0


class Guard:
    """`verdict` says why everything was ended, from the moment before the kill until the next request begins."""

    def __init__(self) -> None:
        self.verdict: Optional[str] = None
        self._memory = 0
        self._tasks = 0
        self._disk: Optional[Disk] = None
        self._busy = threading.Event()
        self._fenced = True
        self._looking = threading.Lock()  # held from a look to the end of what it leads to
        self._oom_kills = 0

    def start(self, memory_mb: int, processes: int, disk: Disk) -> None:
        """Begin to watch, in a thread that sleeps while nothing runs."""
        self._memory, self._tasks, self._disk = memory_mb << 20, processes, disk
        self._fenced = is_fenced()
        threading.Thread(target=self._watch, daemon=True).start()

    def __enter__(self) -> Guard:
        with self._looking:
            self.verdict = None
        self._oom_kills = oom_kills()
        self._busy.set()
        return self

    def __exit__(self, *_: Any) -> None:
        with self._looking:  # a kill under way must not reach into the next request
            if not PINNED:  # what lives on between requests is watched on
                self._busy.clear()
        _remove_unattached()

    def why_killed(self) -> Optional[str]:
        """Why a process that got SIGKILL got it: its use of something, or None if it was not for that."""
        if self.verdict is None and oom_kills() > self._oom_kills:
            self.verdict = "memory"
        return self.verdict

    def _watch(self) -> None:
        """Look for ever. What runs inside may take the agent's means to look away (its limit of open files, say):
        then everything ends, since nothing may run that is not watched."""
        try:
            while self._busy.wait():
                with self._looking:
                    over = next(self._excesses(), None) if self._busy.is_set() else None
                    if over is not None:
                        self.verdict = over
                        kill_descendants()
                time.sleep(TICK)
        finally:
            with suppress(Exception):
                kill_descendants()
            os._exit(BLIND)  # of the first process of its namespace: the kernel ends all others

    def _excesses(self) -> Iterator[str]:
        disk = self._disk
        assert disk
        if not self._fenced and is_scarce():  # what is held where nobody can count it (in sockets, say) is held too
            yield "memory"
        processes = table()
        below = [pid for pid in descendants(processes) if is_living(processes[pid])]
        if sum(processes[pid][2] for pid in below) > self._tasks:
            yield "processes"
        pids = {speaker(pid, processes[pid]) for pid in below}
        try:
            held = held_bytes(pids, disk.device)
        except TooMany:  # each is memory of the kernel's that is counted nowhere, and makes a look take longer
            yield "memory"
            return
        nobodys = held[False] + sum(_unattached().values())
        left = self._memory - nobodys
        if sum(map(_resident, pids)) > left and sum(map(_proportional, pids)) > left:
            yield "memory"
        if disk.over(held[True], lambda: hides_files(pids, disk.root)):
            yield "disk"


guard = Guard()
