"""Forked children, a few at a time, each ended with all it started, whatever it does."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from os import close, fork, getpid, pipe, setsid, waitpid
from select import POLLIN, poll
from typing import Any, Callable, Dict, Generic, Iterable, List, NoReturn, Optional, Sequence, Tuple, TypeVar

from .report import Inbox, Record, Report, hide, new_word, reporter
from .vault import Vault

PR_SET_CHILD_SUBREAPER = 36
TICK = 0.05  # seconds between two looks at children that say nothing
LENIENCE = 3.0  # limits that a child may live besides while it waits for a processor
STARVED = 0.2  # of the time it may live: what a child that only sleeps never waits for a processor
CPU_CLOCK = 2  # of a whole process, in the number that clock_gettime has for it
GROWTH = 2 << 30  # bytes of address space a child may add to what it is born with
PAGE = os.sysconf("SC_PAGE_SIZE")

T = TypeVar("T")


class Forked(BaseException):
    """Raised in a child, to leave the parent's loop: it has a task, and a way to say how it went."""

    def __init__(self, task: Any, say: Report) -> None:
        super().__init__()
        self.task, self.say = task, say


class Child(Generic[T]):
    """One child and what is known of it."""

    def __init__(self, pid: int, task: T, inbox: Inbox, limit: float, cpu: float, scratch: str) -> None:
        self.pid, self.task, self.inbox, self.scratch = pid, task, inbox, scratch
        self.cpu = cpu  # seconds of processor time it may take until it has passed the goal tests
        self.limit = limit  # seconds it may live, those not counted in which it waits for a processor
        self.started = time.monotonic()
        self.deadline = self.started + limit
        self.said: Record = {}
        self.status: Optional[int] = None  # as of waitpid, if it ended by itself
        self.timed_out = False
        self.starved = False  # it timed out, and has spent much of its time waiting for a processor
        self.seconds = 0.0

    @property
    def is_spent(self) -> bool:
        """Whether it has used up its processor time. That clock stands still while other processes have the
        processor, so that it can be set short enough for an endless loop to cost little."""
        return not self.said.get("goal_passed") and cpu_time(self.pid) >= self.cpu

    @property
    def is_late(self) -> bool:
        """Whether it has lived for its limit. On a busy machine the wait for a processor is added, up to a point."""
        over = time.monotonic() - self.deadline
        return over >= 0 and over >= min(waited(self.pid), LENIENCE * self.limit)

    @property
    def fate(self) -> str:
        """How it ended, in words."""
        if self.status is None:
            return "it was ended"
        if os.WIFSIGNALED(self.status):
            return f"its process was killed by signal {os.WTERMSIG(self.status)}"
        return f"its process ended with exit code {os.WEXITSTATUS(self.status)}"


class Pool(Generic[T]):
    """Runs tasks in forks of this process."""

    def __init__(self, workers: int, root: str) -> None:
        """`root`: of the project, whose files are put back after a child that wrote to them."""
        self.private: Sequence[int] = ()  # descriptors of the parent that no child may have
        self.keep: Sequence[int] = ()  # children of the parent that are not the pool's
        self.workers = max(1, workers)
        self._scratch = tempfile.mkdtemp(prefix="warm-")
        self._vault = Vault(root, os.path.join(self._scratch, "vault"))
        self._numbers = 0
        self._running: Dict[int, Child[T]] = {}
        self._dying: List[Child[T]] = []  # killed, and not yet gone: that takes as long as a short test
        self._memory = 0  # bytes of address space that a child may have
        self._poll = poll()
        adopt()

    def run(
        self,
        tasks: Iterable[T],
        limit: Callable[[T], Tuple[float, float]],
        done: Callable[[Child[T]], None],
        begun: Callable[[T], None] = lambda task: None,
    ) -> None:
        """Do the tasks. In each child this raises Forked; a child is done when it has said its first word
        with "verdict" in it, has ended, or has gone to its limits (seconds to live, seconds of processor time)."""
        self._memory = address_space() + GROWTH
        waiting = iter(tasks)
        more = True
        while True:
            while more and len(self._running) < self.workers:
                task = next(waiting, None)
                if task is None:
                    more = False
                    break
                begun(task)
                self._start(task, *limit(task))
            self._bury(wait=not self._running)
            if not self._running:
                return
            for child in self._turn():
                self._end(child)
                done(child)

    def _start(self, task: T, limit: float, cpu: float) -> None:
        self._numbers += 1
        scratch = os.path.join(self._scratch, str(self._numbers))
        word, ends = new_word(), pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = fork()
        if pid == 0:
            for fd in (ends[0], *self.private, *(child.inbox.fd for child in self._running.values())):
                close(fd)
            settle(limit, self._memory, scratch)
            say = reporter(hide(ends[1]), word)
            self._vault.watch(say)
            raise Forked(task, say)
        close(ends[1])
        child = Child(pid, task, Inbox(ends[0], word), limit, cpu, scratch)
        self._running[child.inbox.fd] = child
        self._poll.register(child.inbox.fd, POLLIN)

    def _turn(self) -> List[Child[T]]:
        """Wait a little, listen, and give the children that are done."""
        now = time.monotonic()
        waits = [min(child.cpu / 2, max(TICK / 5, child.deadline - now)) for child in self._running.values()]
        ready = {fd for fd, _ in self._poll.poll(min(TICK, *waits) * 1000)}
        return [child for fd, child in self._running.items() if self._is_done(child, fd in ready)]

    def _is_done(self, child: Child[T], ready: bool) -> bool:
        if ready:
            self._listen(child)
        if "verdict" in child.said:
            return True
        if child.inbox.closed or not ready:
            pid, status = waitpid(child.pid, os.WNOHANG)
            if pid:
                child.status = status
                self._listen(child)  # what it said at the last moment
                return True
        spent, late = child.is_spent, child.is_late
        child.timed_out = spent or late
        child.starved = late and not spent and waited(child.pid) > STARVED * child.limit
        return child.timed_out

    def _listen(self, child: Child[T]) -> None:
        if child.inbox.closed:
            return
        for record in child.inbox.read():
            child.said.update(record)
        if child.inbox.closed:
            self._poll.unregister(child.inbox.fd)

    def _end(self, child: Child[T]) -> None:
        del self._running[child.inbox.fd]
        if not child.inbox.closed:
            self._poll.unregister(child.inbox.fd)
        child.inbox.close()
        child.seconds = time.monotonic() - child.started
        kill_session(child.pid, alive=child.status is None)
        self._dying.append(child)
        if "wrote" in child.said:
            self.workers = 1  # two at a time would see each other's files
            self._bury(wait=True)
            self._vault.restore(child.said["wrote"])

    def _bury(self, wait: bool) -> None:
        """See that what was killed is gone, with all it has left behind."""
        for child in list(self._dying):
            if child.status is None and not waitpid(child.pid, 0 if wait else os.WNOHANG)[0]:
                continue
            self._dying.remove(child)
            mine = [*self._dying, *self._running.values()]
            end_orphans({*self.keep, *(other.pid for other in mine)})
            remove(child.scratch)


def cpu_time(pid: int) -> float:
    """Seconds of processor time a child has used."""
    try:
        return time.clock_gettime(~pid << 3 | CPU_CLOCK)
    except OSError:  # it has just ended
        return 0.0


def waited(pid: int) -> float:
    """Seconds that the main thread of a child was ready to run and had no processor; 0 where nobody says."""
    try:
        with open(f"/proc/{pid}/schedstat") as file:
            return int(file.read().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0


def adopt() -> None:
    """Make descendants whose parent has died children of this process, so that they can be found."""
    with contextlib.suppress(OSError, AttributeError):  # then they become the agent's, which ends them later
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def address_space() -> int:
    """Bytes of this process's address space."""
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[0]) * PAGE


def lower(number: int, value: int) -> None:
    """Set a resource limit, unless a lower one stands."""
    hard = resource.getrlimit(number)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(number, (value, hard))


def settle(limit: float, memory: int, scratch: str) -> None:
    """In a new child: a session, limits, a temporary directory and no voice of its own."""
    setsid()
    lower(resource.RLIMIT_CPU, int(limit) + 2)
    lower(resource.RLIMIT_AS, memory)
    os.mkdir(scratch, 0o700)
    os.environ["TMPDIR"] = tempfile.tempdir = scratch


def mute() -> None:
    """Standard input, output and error of this process and those it forks lead nowhere."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(nothing, fd)
    os.close(nothing)


def kill_session(pid: int, alive: bool) -> None:
    """Kill a child and its session at one instant. `alive`: it has not been buried, so its number is its own."""
    for kill in (os.killpg, os.kill) if alive else (os.killpg,):
        with contextlib.suppress(OSError):  # gone already; or it had no time to make its session
            kill(pid, signal.SIGKILL)


def end_tree(pid: int) -> None:
    """Kill a child and its session, and bury it."""
    kill_session(pid, alive=True)
    waitpid(pid, 0)


def children() -> List[int]:
    """The direct children of this process's main thread."""
    try:
        with open(f"/proc/self/task/{getpid()}/children") as file:
            return [int(pid) for pid in file.read().split()]
    except OSError:
        return []


def end_orphans(known: Iterable[int]) -> None:
    """Kill what has daemonised: its parent died, so it is a child of this process that nobody started here."""
    mine = set(known)
    for _ in range(1000):
        orphans = [pid for pid in children() if pid not in mine]
        if not orphans:
            return
        for pid in orphans:
            end_tree(pid)


def remove(directory: str) -> None:
    """Remove a directory with what is in it, mostly nothing."""
    try:
        os.rmdir(directory)
    except OSError:
        shutil.rmtree(directory, ignore_errors=True)


def leave() -> NoReturn:
    """End this process at once, without its parent's clean-up."""
    os._exit(0)
