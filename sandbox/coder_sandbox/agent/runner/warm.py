"""The warm validator: hundreds of candidates a second, each checked in a fork that has everything imported.

Three kinds of processes. The router (the process the agent started) has the runner and its plugins loaded and
nothing of the project. The warm process, forked from it, has imported and collected the tests, and forks for each
candidate a child that swaps the changed functions' code. What cannot be swapped exactly goes back to the router,
which forks a child that imports the project with the changed source in place of the file's. Only where a file of
the project is loaded in the router already (a project that is a plugin of its own runner) must the agent start a
fresh process.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import shutil
import signal
import sys
import threading
import time
from select import POLLIN, poll
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, NoReturn, Optional, Sequence, Set, Tuple, Union

from .override import Sources, compile_source, install
from .place import Placer, Plan, Ran
from .pool import Child, Forked, Pool, end_orphans, end_tree, leave, mute
from .project import Project, shorten
from .replay import Comparison, compare
from .report import Inbox, Record, Report, hide, new_word, reporter
from .swap import Reload

SPAWN = ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.spawn", "os.system", "pty.spawn")
SHELLS = ("sh", "bash", "dash", "zsh", "busybox", "env", "make")
PROBE = 5.0  # seconds that the goal tests may take for a look at what they start
PASSING = ("passed", "xpassed")
MESSAGE = 2000  # characters of why a candidate fails
RESTARTS = 3  # of the warm process, in one request
STARTUP = 1.0  # seconds that an import may take over what it took at first


class Tests:
    """What a runner has collected."""

    why_not: str  # what could not be collected, and why

    def __contains__(self, test: str) -> bool:
        raise NotImplementedError

    def run(self, ids: Sequence[str], each: Callable[[Record], bool]) -> None:
        """Run tests in this order, and hand over the result of each. Ends when `each` returns False."""
        raise NotImplementedError


class Task:
    """One candidate to check."""

    def __init__(self, candidate: Record, goal: Sequence[str]) -> None:
        self.key = str(candidate["key"])
        self.splices = candidate["splices"]
        self.goal = list(goal)
        self.companions = [test for test in candidate["companions"] if test not in set(goal)]
        self.limit = float(candidate["limit"])
        self.cpu = float(candidate.get("cpu", self.limit))
        self.record = candidate
        self.plan: Optional[Plan] = None

    @property
    def ids(self) -> List[str]:
        return [*self.goal, *self.companions]

    def limits(self, more: float = 0.0) -> Tuple[float, float]:
        """Seconds it may live, and of processor time. `more`: for what comes before the tests."""
        return self.limit + more, self.cpu + more


def judge(task: Task, tests: Any, say: Report) -> None:
    """Run the goal tests, then the companions, up to the first that fails, and say the verdict."""
    goal, passed = len(task.goal), 0
    say({"began": True})
    unknown = [test for test in task.ids if test not in tests]
    if any(test in unknown for test in task.goal):
        message = tests.why_not or "the goal test is no longer there"
        say({"verdict": "broken", "failed_test": unknown[0], "message": shorten(message, MESSAGE)})
        return

    def each(result: Record) -> bool:
        nonlocal passed
        if result["outcome"] not in PASSING:
            verdict = "failed" if passed < goal else "goal"
            message = result.get("message") or f"the test is {result['outcome']}"
            end = {"verdict": verdict, "goal_passed": min(passed, goal), "failed_test": result["id"]}
            frames = result.get("frames") or [["", 0, ""]]
            where = {"exception": result.get("exception", ""), "line": frames[0][1]}
            say({**end, **where, "message": shorten(message, MESSAGE)})
            return False
        passed += 1
        if passed == goal and task.companions:
            say({"goal_passed": passed})
        return True

    known = [test for test in task.ids if test not in unknown]
    tests.run(known, each)
    if passed < len(known):
        return  # and said why
    if unknown:
        say({"verdict": "goal", "goal_passed": goal, "failed_test": unknown[0], "message": "it is not collected"})
    else:
        say({"verdict": "plausible", "goal_passed": goal})


def outcome(child: Child[Task]) -> Record:
    """What a child that has ended says of its candidate, or what its end does."""
    said, task = child.said, child.task
    verdict, message = said.get("verdict"), str(said.get("message", ""))
    if verdict is None:
        overrun = child.status is not None and os.WIFSIGNALED(child.status)
        if child.timed_out or (overrun and os.WTERMSIG(child.status or 0) == signal.SIGXCPU):
            verdict, message = "timeout", f"not done within {task.limit:g} s, {task.cpu:g} s of them at work"
        elif not said.get("began"):
            verdict, message = "broken", child.fate
        else:
            verdict, message = "goal" if said.get("goal_passed") else "failed", child.fate
    return {
        "key": task.key,
        "verdict": verdict,
        "goal_passed": said.get("goal_passed", 0),
        "failed_test": said.get("failed_test", ""),
        "message": message,
        "exception": said.get("exception", ""),
        "line": said.get("line", 0),
        "seconds": child.seconds,
        "starved": child.starved,
    }


class Role:
    """What a fork of the router (or a fresh process) has been made for."""

    ids: Sequence[str] = ()  # the tests whose files it needs

    def play(self, tests: Any) -> NoReturn:
        """Do it: the tests are collected."""
        raise NotImplementedError

    def fail(self, reason: str) -> NoReturn:
        """The tests could not be collected."""
        raise NotImplementedError


class Single(Role):
    """Check one candidate, whose source is taken when the project is imported."""

    def __init__(self, task: Task, sources: Sources, say: Report) -> None:
        self.ids, self._task, self._say = task.ids, task, say
        try:
            changed = sources.changed(task.splices)
            for path, content in changed.items():
                compile_source(content, path)
        except Exception as error:
            self.fail(f"{type(error).__name__}: {error}")
        install(changed)

    def play(self, tests: Any) -> NoReturn:
        try:
            judge(self._task, tests, self._say)
        except BaseException as error:  # pytest.exit, KeyboardInterrupt: the test under way has ended the run
            self._say({"verdict": "failed", "message": f"the run was ended by {type(error).__name__}"})
        leave()

    def fail(self, reason: str) -> NoReturn:
        self._say({"verdict": "broken", "message": shorten(reason, MESSAGE)})
        leave()


def single(job: Record, report: Report) -> Single:
    """The role of a fresh process for one candidate. Its last record is `candidate`, as of a child's."""
    task = Task(job["candidate"], job["goal"])
    return Single(task, Sources(job["root"]), lambda record: report({"said": record}))


class Ends(NamedTuple):
    """Descriptors of the warm process."""

    commands: int
    report: int


class Warm(Role):
    """The process that has everything imported, and forks for each candidate that can be swapped."""

    def __init__(
        self,
        ids: Sequence[str],
        project: Project,
        workers: int,
        ends: Ends,
        report: Report,
        ran: Ran,
        probes: bool,
    ) -> None:
        """`probes`: run these tests once, to see whether they start processes that would import from the disk."""
        self.ids, self._project, self._workers = ids, project, workers
        self._ends, self._report = ends, report
        self._probes = probes
        self._sources, self._ran = Sources(project.root), ran

    def fail(self, reason: str) -> NoReturn:
        self._report({"ready": False, "reason": reason})
        leave()

    def play(self, tests: Any) -> NoReturn:
        self._ran.stop()
        others = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
        if others:
            self.fail(f"the project leaves threads running when it is imported ({', '.join(others[:3])})")
        self._placer = Placer(self._sources, self._project, self._ran)
        mute()
        self._pool: Pool[Any] = Pool(self._workers, self._project.root)
        self._pool.private = self._ends
        gc.collect()
        gc.freeze()
        try:
            self._serve(tests)
        except Forked as fork:
            if isinstance(fork.task, Task):
                self._check(fork.task, tests, fork.say)
            elif isinstance(fork.task, Comparison):
                compare(fork.task, tests, self._project, fork.say)
            else:
                probe(fork.task, tests, fork.say)
        leave()

    def _serve(self, tests: Any) -> None:
        missing = [test for test in self.ids if test not in tests]
        spawned: List[str] = []
        self._pool.run(
            [[test for test in self.ids if test in tests]] if self._probes else [],
            lambda ids: (PROBE, PROBE),
            lambda child: spawned.extend(filter(None, [child.said.get("spawned")])),
        )
        self._report(
            {
                "ready": True,
                "missing": missing,
                "why": tests.why_not,
                "spawned": spawned,
                "workers": self._pool.workers,
            }
        )
        with os.fdopen(self._ends.commands, "rb", closefd=False) as commands:  # a child has closed it
            for line in commands:
                message = json.loads(line)
                if isinstance(message, dict):
                    self._compare(message)
                    continue
                goal, candidates = message
                tasks = (Task(candidate, goal) for candidate in candidates)
                self._pool.run(self._swappable(tasks), Task.limits, self._done)
                self._report({"checked": True})

    def _compare(self, payload: Record) -> None:
        """Put those candidates side by side that can be swapped, and say what each does."""
        plans: Dict[str, Plan] = {}
        for candidate in payload["candidates"]:
            with contextlib.suppress(Reload, OSError, ValueError, SyntaxError, LookupError, TypeError):
                plans[str(candidate["key"])] = self._placer.plan(candidate["splices"])
        task = Comparison(payload, plans)
        answer: Record = {"reason": "none of them changes only the bodies of functions"}

        def done(child: Child[Any]) -> None:
            answer.update({"reason": "" if "inputs" in child.said else child.fate, **child.said})

        self._pool.run([task] if plans else [], lambda task: (task.limit + STARTUP,) * 2, done)
        self._report({"compared": answer})

    def _swappable(self, tasks: Iterator[Task]) -> Iterator[Task]:
        """Those that can be swapped. All is worked out here, since a fork pays for each page of memory it touches."""
        for task in tasks:
            self._report({"begun": task.key})
            try:
                task.plan = self._placer.plan(task.splices)
            except (Reload, OSError, ValueError, SyntaxError, LookupError, TypeError):
                self._report({"reload": task.key})
            else:
                yield task

    def _done(self, child: Child[Task]) -> None:
        self._report({"candidate": outcome(child)})

    def _check(self, task: Task, tests: Any, say: Report) -> None:
        assert task.plan
        task.plan.carry_out()
        try:
            judge(task, tests, say)
        except BaseException as error:  # as in Single
            say({"verdict": "failed", "message": f"the run was ended by {type(error).__name__}"})


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
        """What it says, as it comes, up to its end."""
        while not self._inbox.closed:
            self._poll.poll()
            yield from self._inbox.read()

    def end(self) -> None:
        end_tree(self.pid)
        for fd in self.fds:
            os.close(fd)


class Router:
    """The process that hands candidates out. Its `run` returns only in forks of it."""

    def __init__(
        self, job: Record, project: Project, ran: Ran, report: Report, commands: Any, takes_all: bool = False
    ) -> None:
        """`ran`: already watching, since a plugin may import the project early. `takes_all`: the runner always
        collects all tests there are."""
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
            return Warm(ids, self._project, self._workers, ends, say, self._ran, probes=ids is self._goal)
        return leave()

    def _serve(self) -> None:
        self._early = {os.path.realpath(str(getattr(m, "__file__", ""))) for m in list(sys.modules.values())}
        ready = self._open(self._goal)
        if self._link and ready.get("missing"):  # a candidate may make it importable: each must be imported
            self._is_cold = True
            self._link.end()
            self._link = None
        elif ready.get("spawned"):
            ready["reason"] = f"the goal test starts a process of its own ({ready['spawned'][0]})"
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
        ready = next(self._link.records(), {"reason": "its process ended while the tests were collected"})
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
        waiting = [task.record for key, task in left.items() if key not in reload]
        if self._link.send([self._goal, waiting]):
            for record in self._link.records():
                if "checked" in record:
                    return
                if "begun" in record:
                    under_way.add(record["begun"])
                elif "reload" in record:
                    reload.add(record["reload"])
                elif "candidate" in record:
                    left.pop(record["candidate"]["key"], None)
                    self._report(record)
        reload |= under_way & left.keys()
        self._link.end()
        self._link = None
        end_orphans(())

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
        self._report({"candidate": outcome(child)})


def probe(ids: Sequence[str], tests: Any, say: Report) -> None:
    """Run tests, and say if they start a process that may be Python: it would see the files on the disk."""

    def hook(event: str, arguments: Any) -> None:
        if event in SPAWN and may_be_python(arguments[0]):
            say({"spawned": os.path.basename(os.fsdecode(arguments[0]))})

    sys.addaudithook(hook)
    with contextlib.suppress(BaseException):  # what its end is, the checks will tell
        tests.run(ids, lambda result: True)
    say({"verdict": "probed"})


def may_be_python(program: Any) -> bool:
    """Whether an executable is an interpreter or a script. A command line counts as one."""
    name = os.fsdecode(program)
    path = shutil.which(name) or name
    if os.path.basename(path).startswith(("python", "pypy", *SHELLS)):
        return True
    try:
        with open(path, "rb") as file:
            return file.read(2) == b"#!"
    except OSError:
        return " " in name


def _files(ids: Set[str]) -> Set[str]:
    return {test.split("::")[0] for test in ids}
