"""The process that hands candidates out: to the warm process, or to forks that import the project anew."""

from __future__ import annotations

import json
import os
import sys
import time
from select import POLLIN, poll
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Set, Union

from .judge import Task, outcome
from .override import Sources
from .place import Ran
from .pool import Child, Forked, Pool, end_orphans, end_tree, leave, mute
from .project import Project
from .replay import Comparison
from .report import Inbox, Record, Report, hide, new_word, reporter
from .warm import Ends, Loaded, Role, Single, Warm

RESTARTS = 3  # of the warm process, in one request
STARTUP = 1.0  # seconds that an import may take over what it took at first
TOGETHER = 8  # verdicts that are handed on at once: each time wakes the agent, and coder behind it
SILENCE = 20  # milliseconds after which those there are handed on


class Link:
    """The router's end of the warm process."""

    def __init__(self, pid: int, inbox: Inbox, commands: int, ids: Sequence[str]) -> None:
        self.pid, self._inbox, self._commands, self.ids = pid, inbox, commands, set(ids)
        self._poll = poll()
        self._poll.register(inbox.fd, POLLIN)

    @property
    def fds(self) -> List[int]:
        return [self._inbox.fd, self._commands]

    def send(self, message: Any) -> bool:
        """Whether it could be sent."""
        view = memoryview(json.dumps(message).encode() + b"\n")
        try:
            while view:
                view = view[os.write(self._commands, view) :]
        except OSError:
            return False
        return True

    def records(self) -> Iterator[Record]:
        """What it says, as it comes, up to its end; an empty record whenever it says nothing for a moment."""
        while not self._inbox.closed:
            yield from self._inbox.read() if self._poll.poll(SILENCE) else [{}]

    def end(self) -> None:
        end_tree(self.pid)
        for fd in self.fds:
            os.close(fd)


class Router:
    """The process that hands candidates out. Its `run` returns only in forks of it."""

    def __init__(
        self,
        job: Record,
        project: Project,
        ran: Ran,
        report: Report,
        commands: Any,
        compile_ahead: Callable[[Sequence[Loaded]], None],
        takes_all: bool = False,
    ) -> None:
        """`ran`: already watching, since a plugin may import the project early. `compile_ahead`: keeps the code of
        modules for the forks that import them. `takes_all`: the runner always collects all tests there are."""
        self._compile_ahead = compile_ahead
        self._loaded: Sequence[Loaded] = ()  # and not compiled yet
        self._takes_all = takes_all
        self._ran = ran
        self._private = [commands.fileno(), job["fd"]]
        self._goal: List[str] = job["goal"]
        self._workers: int = job["workers"]
        self._project, self._report, self._commands = project, report, commands
        self._sources = Sources(project.root)
        self._link: Optional[Link] = None
        self._startup = STARTUP
        self._is_cold = False  # the goal tests cannot be collected before a candidate is in place

    def run(self) -> Role:
        try:
            self._serve()
        except Forked as fork:
            task, say = fork.task, fork.say
            if isinstance(task, Task):
                self._ran.stop()
                return Single(task, self._sources, say)
            ids, ends = task
            probes = ids is self._goal
            return Warm(ids, self._goal[0], self._project, self._workers, ends, say, self._ran, probes)
        return leave()

    def _serve(self) -> None:
        self._early = {os.path.realpath(str(getattr(m, "__file__", ""))) for m in list(sys.modules.values())}
        ready = self._open(self._goal)
        if self._link and ready.get("missing"):  # a candidate may make it importable: each must be imported
            self._is_cold = True
            self._link.end()
            self._link = None
        elif ready.get("spawned"):
            ready = self._without(ready["spawned"], ready)
        self._report({key: ready.get(key) for key in ("ready", "reason", "spawned")})
        self._workers = int(ready.get("workers", self._workers))
        mute()
        self._pool: Pool[Task] = Pool(self._workers, self._project.root)
        for line in self._commands:
            message = json.loads(line)
            if isinstance(message, dict):
                self._report({"compared": self._compare(message)})
                continue
            self._check([Task(candidate, self._goal) for candidate in message])
            self._report({"checked": True})
        if self._link:
            self._link.end()

    def _without(self, spawned: Dict[str, str], ready: Record) -> Record:
        """Be ready for the goal without the tests that start processes; where no other is left, say why it is not."""
        others = [test for test in self._goal if test not in spawned]
        if not others:
            program = next(iter(spawned.values()))
            return {**ready, "reason": f"the goal test starts a process of its own ({program})"}
        self._goal = others
        return {**self._open(others), "spawned": spawned}

    def _open(self, ids: Sequence[str]) -> Record:
        """Start a warm process with the files of these tests. Gives what it says when it is ready, or why not."""
        if self._link:
            self._link.end()
            end_orphans(())
        began = time.monotonic()
        word, mine, its = new_word(), os.pipe(), os.pipe()
        pid = os.fork()
        if pid == 0:
            for fd in (mine[0], its[1], *self._private):
                os.close(fd)
            os.setsid()
            ends = Ends(hide(its[0]), hide(mine[1]))
            raise Forked((ids, ends), reporter(ends.report, word))
        os.close(mine[1])
        os.close(its[0])
        self._link = Link(pid, Inbox(mine[0], word), its[1], ids)
        said = filter(None, self._link.records())
        ready: Record = next(said, {"reason": "its process ended while the tests were collected"})
        self._loaded = ready.get("loaded", [])
        self._startup = STARTUP + 3 * (time.monotonic() - began)
        if not ready.get("ready"):
            self._link.end()
            self._link = None
        return ready

    def _check(self, tasks: List[Task]) -> None:
        reload: Set[str] = set()
        left = {task.key: task for task in tasks}
        for _ in range(RESTARTS):
            if not self._is_warm_for(list(left.values())):
                break
            self._hand_over(left, reload)
            if not left.keys() - reload:
                break
        early = {key for key, task in left.items() if self._is_early(task)}
        for key in early:
            self._report({"cold": key})
        cool = [task for key, task in left.items() if key not in early]
        if cool and self._loaded:  # once for all of them: it takes most of such an import
            self._compile_ahead(self._loaded)
            self._loaded = ()
        self._pool.keep = [self._link.pid] if self._link else []
        self._pool.private = [*self._private, *(self._link.fds if self._link else [])]
        self._pool.run(cool, lambda task: task.limits(self._startup), self._done, self._begun)

    def _is_warm_for(self, tasks: Sequence[Union[Task, Comparison]]) -> bool:
        """Whether there is a warm process that has all these tests' files, after starting it if need be."""
        ids = {test for task in tasks for test in task.ids}
        if self._is_cold:
            return False
        if self._link and (self._takes_all or _files(ids) <= _files(self._link.ids)):
            return True
        return bool(self._open(sorted(ids | (self._link.ids if self._link else set()))).get("ready"))

    def _hand_over(self, left: Dict[str, Task], reload: Set[str]) -> None:
        """Have the warm process check what is left. What has a verdict leaves `left`; what it cannot swap, or was
        at when it died, is added to `reload`."""
        assert self._link
        under_way: Set[str] = set()
        verdicts: List[Record] = []
        waiting = [task.record for key, task in left.items() if key not in reload]
        if self._link.send([self._goal, waiting]):
            for record in self._link.records():
                if "begun" in record:
                    under_way.add(record["begun"])
                elif "reload" in record:
                    reload.add(record["reload"])
                elif "candidate" in record:
                    left.pop(record["candidate"]["key"], None)
                    verdicts.append(record["candidate"])
                if len(verdicts) >= TOGETHER or not record or "checked" in record:
                    self._hand_on(verdicts)
                if "checked" in record:
                    return
        self._hand_on(verdicts)
        reload |= under_way & left.keys()
        self._link.end()
        self._link = None
        end_orphans(())

    def _hand_on(self, verdicts: List[Record]) -> None:
        """Say the verdicts, and forget them."""
        if verdicts:
            self._report({"candidates": verdicts})
            verdicts.clear()

    def _begun(self, task: Task) -> None:
        self._report({"begun": task.key})

    def _compare(self, payload: Record) -> Record:
        """What the warm process says of candidates side by side. Nothing is compared without one."""
        if not self._is_warm_for([Comparison(payload, {})]):
            return {"reason": "there is no warm process"}
        assert self._link
        if self._link.send(payload):
            for record in self._link.records():
                if "compared" in record:
                    answer: Record = record["compared"]
                    return answer
        self._link.end()
        self._link = None
        end_orphans(())
        return {"reason": "the warm process ended"}

    def _is_early(self, task: Task) -> bool:
        try:
            return any(self._sources.path(str(splice[0])) in self._early for splice in task.splices)
        except ValueError:
            return False

    def _done(self, child: Child[Task]) -> None:
        self._report({"candidates": [outcome(child)]})


def _files(ids: Set[str]) -> Set[str]:
    return {test.split("::")[0] for test in ids}
