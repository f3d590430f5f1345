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
import itertools
import json
import os
import shutil
import sys
import threading
from typing import Any, Dict, Iterator, List, NamedTuple, NoReturn, Sequence, Tuple

from .judge import MESSAGE, Task, Tests, judge, outcome
from .override import Sources, compile_source, install
from .place import Placer, Plan, Ran
from .pool import Child, Forked, Pool, leave, mute
from .project import Project, shorten
from .replay import Comparison, compare
from .report import Record, Report
from .swap import Reload

SPAWN = ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.spawn", "os.system", "pty.spawn")
SHELLS = ("sh", "bash", "dash", "zsh", "busybox", "env", "make")
PROBE = 2.0  # seconds that the goal tests may take for a look at what they start
STARTUP = 1.0  # seconds that a comparison's fork may take over its limit
AHEAD = 24  # candidates that are planned before they are checked
REWRITER = "AssertionRewritingHook"  # pytest's, which compiles test files its own way

Loaded = Tuple[str, bool]  # path of a module, and whether pytest has rewritten its assertions


class Role:
    """What a fork of the router (or a fresh process) has been made for."""

    ids: Sequence[str] = ()  # the tests whose files it needs

    def play(self, tests: Tests) -> NoReturn:
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

    def play(self, tests: Tests) -> NoReturn:
        self._say({"began": True})
        finish(self._task, tests, self._say)
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
        first: str,
        project: Project,
        workers: int,
        ends: Ends,
        report: Report,
        ran: Ran,
        probes: bool,
    ) -> None:
        """`first`: the test that every candidate is tried on first.
        `probes`: run these tests once, to see whether they start processes that would import from the disk."""
        self.ids, self._first, self._project, self._workers = ids, first, project, workers
        self._ends, self._report = ends, report
        self._probes = probes
        self._sources, self._ran = Sources(project.root), ran

    def fail(self, reason: str) -> NoReturn:
        self._report({"ready": False, "reason": reason})
        leave()

    def play(self, tests: Tests) -> NoReturn:
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
        tests.fork_from(self._first, lambda: self._fork(tests), lambda fork: self._go_on(fork, tests))

    def _fork(self, tests: Tests) -> Forked:
        """Serve. Returns in forks only; one for a candidate has it in place."""
        try:
            try:
                self._serve(tests)
            except Forked as fork:
                if isinstance(fork.task, Task) and fork.task.plan:
                    fork.task.plan.carry_out()
                return fork
        except BaseException:  # whatever it is, it must not lead back into a test half run
            pass
        return leave()

    def _go_on(self, fork: Forked, tests: Tests) -> NoReturn:
        """Do what a fork has been made for."""
        if isinstance(fork.task, Task):
            finish(fork.task, tests, fork.say)
        elif isinstance(fork.task, Comparison):
            compare(fork.task, tests, self._project, fork.say)
        else:
            probe(fork.task, tests, fork.say)
        leave()

    def _serve(self, tests: Tests) -> None:
        missing = [test for test in self.ids if test not in tests]
        spawned: Dict[str, str] = {}  # what a test starts
        self._pool.run(
            [[test for test in self.ids if test in tests]] if self._probes else [],
            lambda ids: (PROBE, PROBE),
            lambda child: spawned.update(child.said.get("spawned", {})),
        )
        self._report(
            {
                "ready": True,
                "missing": missing,
                "why": tests.why_not,
                "loaded": self._loaded(),
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
                self._pool.run(self._planned(tasks), Task.limits, self._done, self._begun)
                self._report({"checked": True})

    def _loaded(self) -> List[Loaded]:
        """The project's modules that are imported."""
        found: List[Loaded] = []
        for module in list(sys.modules.values()):
            path, spec = getattr(module, "__file__", None), getattr(module, "__spec__", None)
            if isinstance(path, str) and path.endswith(".py") and self._project.relative(path) is not None:
                found.append((path, type(getattr(spec, "loader", None)).__name__ == REWRITER))
        return found

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

    def _planned(self, tasks: Iterator[Task]) -> Iterator[Task]:
        """Those that can be swapped. All is worked out here and for some at a time, since after a fork both sides pay
        for each page of memory that they touch."""
        while True:
            some = list(itertools.islice(tasks, AHEAD))
            if not some:
                return
            yield from list(filter(self._plan, some))

    def _plan(self, task: Task) -> bool:
        try:
            task.plan = self._placer.plan(task.splices)
        except (Reload, OSError, ValueError, SyntaxError, LookupError, TypeError):
            self._report({"reload": task.key})
            return False
        return True

    def _begun(self, task: Task) -> None:
        self._report({"begun": task.key})

    def _done(self, child: Child[Task]) -> None:
        self._report({"candidate": outcome(child)})


def finish(task: Task, tests: Tests, say: Report) -> None:
    """Judge a candidate that is in place."""
    try:
        judge(task, tests, say)
    except BaseException as error:  # pytest.exit, KeyboardInterrupt: the test under way has ended the run
        say({"verdict": "failed", "message": f"the run was ended by {type(error).__name__}"})


def probe(ids: Sequence[str], tests: Tests, say: Report) -> None:
    """Run tests, and say which start a process that may be Python: it would see the files on the disk."""
    spawned: Dict[str, str] = {}
    done = 0

    def hook(event: str, arguments: Any) -> None:
        if event in SPAWN and done < len(ids) and may_be_python(arguments[0]):
            spawned[ids[done]] = os.path.basename(os.fsdecode(arguments[0]))
            say({"spawned": spawned})

    def each(result: Record) -> bool:
        nonlocal done
        done += 1
        return True

    sys.addaudithook(hook)
    with contextlib.suppress(BaseException):  # what its end is, the checks will tell
        tests.run(ids, each)
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
