"""Collects and runs tests under pytest, with the target's own configuration, plugins and conftest files."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Set, Tuple

import pytest
from _pytest.assertion import util as assertions
from _pytest.runner import runtestprotocol

from .coverage import open_coverage
from .items import Items
from .outcome import Watcher
from .override import keep, listen_to_imports
from .place import Ran
from .project import Project, shorten
from .report import Record, Report
from .router import Router
from .warm import Loaded, Role, single

NEUTRAL: Dict[str, Any] = {
    # All tests, in the order of the files, in this process, and nothing written beside them.
    "maxfail": 0,
    "continue_on_collection_errors": True,
    "collectonly": False,
    "usepdb": False,
    "trace": False,
    "tbstyle": "line",  # nobody reads pytest's own account of a failure, and the long one parses whole files for it
    "lf": False,
    "failedfirst": False,
    "newfirst": False,
    "stepwise": False,
    "stepwise_skip": False,
    "xmlpath": None,
    "numprocesses": None,
    "distload": False,
    "dist": "no",
    "tx": [],
    "no_cov": True,
    "cov_source": [],
    "randomly_reorganize": False,
    "randomly_seed": 0,
    "random_order": False,
    "random_order_bucket": "none",
}
WARM_UP = """\
import pytest
@pytest.fixture
def one(): yield 1
@pytest.mark.parametrize("n", range(24))
def test_one(one, n): assert one == n % 2
"""
PLUGINS_OFF = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
COLLECT_MESSAGE = 1000  # characters of why a file cannot be collected


class Neutral:
    """Takes back what the target's configuration asks for and what would get in the way."""

    def __init__(self, capture: str = "") -> None:
        self._capture = capture  # in place of capturing by descriptor

    def _settle(self, options: Any) -> None:
        for name, value in NEUTRAL.items():
            setattr(options, name, value)
        if self._capture and getattr(options, "capture", "") == "fd":
            options.capture = self._capture

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_load_initial_conftests(self, early_config: Any) -> Iterator[None]:
        self._settle(early_config.known_args_namespace)
        yield

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_cmdline_main(self, config: Any) -> Iterator[None]:
        self._settle(config.option)
        yield


class Picker:
    """Collects only the files that hold the wanted tests, and notes what cannot be collected."""

    def __init__(self, wanted: Optional[Set[str]] = None, done: Sequence[str] = (), whole_files: bool = False) -> None:
        self.wanted = wanted  # None: all
        self.errors: List[Record] = []
        self._done = set(done)
        self._whole_files = whole_files
        self._files: Optional[Tuple[Set[str], Set[str]]] = None  # files, and the directories above them

    def _is_ignored(self, path: str, config: Any) -> Optional[bool]:
        if self.wanted is None or os.path.basename(path) == "__init__.py":
            return None
        if self._files is None:
            self._files = self._find_files(str(config.rootdir if not hasattr(config, "rootpath") else config.rootpath))
        files, above = self._files
        if not files or path in files or path in above:
            return None
        return True

    def _find_files(self, root: str) -> Tuple[Set[str], Set[str]]:
        files = {os.path.normpath(os.path.join(root, test.split("::")[0])) for test in self.wanted or ()}
        if not all(map(os.path.isfile, files)):
            return set(), set()  # ids that do not begin with a file: look everywhere
        above: Set[str] = set()
        for path in files:
            path = os.path.dirname(path)
            while path not in above:  # the root's parent is the root
                above.add(path)
                path = os.path.dirname(path)
        return files, above

    if int(pytest.__version__.split(".")[0]) >= 7:

        def pytest_ignore_collect(self, collection_path: Any, config: Any) -> Optional[bool]:
            return self._is_ignored(str(collection_path), config)

    else:

        def pytest_ignore_collect(self, path: Any, config: Any) -> Optional[bool]:  # type: ignore[misc]
            return self._is_ignored(str(path), config)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items: List[Any]) -> Iterator[None]:
        yield
        if not self._whole_files and (self.wanted is not None or self._done):
            wanted, done = self.wanted, self._done
            items[:] = [i for i in items if (wanted is None or i.nodeid in wanted) and i.nodeid not in done]

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self.errors.append({"path": report.nodeid, "message": _reason(str(report.longrepr))})


def _reason(text: str) -> str:
    """Of a long traceback what says why: pytest marks it with an E."""
    marked = [line[1:].strip() for line in text.splitlines() if line.startswith("E  ")]
    return shorten("\n".join(marked) or text, COLLECT_MESSAGE)


class Quiet:
    """Runs tests without telling anybody but the plugins around them: nobody reads what the terminal would say."""

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_call(self) -> Iterator[None]:
        assertions._reprcompare = None  # what differs is drawn for a reader, and there is none
        yield

    def pytest_runtest_protocol(self, item: Any, nextitem: Any) -> bool:
        runtestprotocol(item, log=False, nextitem=nextitem)
        return True


class LastTest:
    """Says when all tests have run. What plugins do after that, a second of it with some, tells nothing of them."""

    def __init__(self, report: Report) -> None:
        self._report = report

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: Any) -> Iterator[None]:
        ending: Any = yield
        if ending.excinfo is None:
            self._report({"end": int(session.testsfailed > 0)})


class Loop:
    """Does what this process is for where pytest would run the tests, or lets pytest run them."""

    def __init__(self, instead: Callable[[Any], None]) -> None:
        self._instead = instead

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: Any) -> bool:
        self._instead(session)
        return True


def _main(job: Record, plugins: Sequence[Any]) -> int:
    """pytest.main, seen from inside as `python -m pytest ARGS`."""
    arguments = [str(argument) for argument in job["args"]]
    sys.argv = [os.path.join(os.path.dirname(pytest.__file__), "__main__.py"), *arguments]
    cache = os.path.join(job["scratch"], "cache")
    return int(pytest.main(["-o", f"cache_dir={cache}", *arguments], plugins=list(plugins)))


def collect(job: Record, report: Report) -> None:
    """Say which tests there are, in run order, and which files cannot be collected."""
    picker = Picker()

    def tell(session: Any) -> None:
        ids = list(dict.fromkeys(item.nodeid for item in session.items))
        report({"collected": {"version": pytest.__version__, "ids": ids, "errors": picker.errors}})

    report({"end": _main(job, [Neutral(), picker, Loop(tell)])})


def run(job: Record, report: Report) -> None:
    """Run tests, and say of each when it starts and how it ended."""
    project = Project(job["root"])
    ids = job["ids"]
    watcher = Watcher(
        project,
        lambda test: report({"start": test}),
        lambda result: report({"test": result}),
        open_coverage(project, job),
    )
    picker = Picker(None if ids is None else set(ids), job["done"])
    report({"end": _main(job, [Neutral(), picker, watcher, LastTest(report)])})


@contextlib.contextmanager
def _environment(variables: Dict[str, str]) -> Iterator[None]:
    """Environment variables that are set for a while."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    yield
    for name, value in before.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value


class ForkPoint:
    """Holds pytest where its plugins are loaded and nothing of the project is."""

    def __init__(self, prepare: Callable[[Any], None]) -> None:
        self._prepare = prepare

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_load_initial_conftests(self, early_config: Any) -> Iterator[None]:
        self._prepare(early_config)
        yield


def _compile_ahead(loaded: Sequence[Loaded], config: Any) -> None:
    """Keep the code of modules for forks of this process, of test files as pytest rewrites it."""
    keep(path for path, is_rewritten in loaded if not is_rewritten)
    rewrite = sys.modules["_pytest.assertion.rewrite"]
    original: Any = getattr(rewrite, "_rewrite_test", None)
    if original is None:  # a pytest that does it in another way: then each fork does it anew
        return
    kept: Dict[str, Any] = {}
    for path, is_rewritten in loaded:
        if is_rewritten:
            with contextlib.suppress(Exception):  # the fork that needs it will say why it cannot be had
                kept[path] = original(Path(path), config)
    setattr(rewrite, "_rewrite_test", lambda file, config: kept.get(str(file)) or original(file, config))  # noqa: B010


def _warm_up(scratch: str) -> None:
    """Run a test of our own some times. The interpreter rewrites code as it learns what it does, and each fork pays
    for every page of memory that is written to: pytest's own code shall be as it stays before the first fork."""
    path = os.path.join(scratch, "warm_up.py")
    with open(path, "w") as file:
        file.write(WARM_UP)
    modules = set(sys.modules)
    plain = ["-q", "-s", "-c", os.devnull, "--rootdir", scratch, "--import-mode=importlib", "-p", "no:cacheprovider"]
    with open(os.devnull, "w") as nothing, contextlib.redirect_stdout(nothing), _environment(PLUGINS_OFF):
        pytest.main([*plain, path])
    for name in [name for name in sys.modules if name not in modules and name.endswith("warm_up")]:
        del sys.modules[name]


def serve(job: Record, report: Report, commands: Any) -> None:
    """Be the warm validator: see router.py and warm.py. Returns in no process but one whose pytest could not run."""
    _warm_up(job["scratch"])
    listen_to_imports()
    project, results = Project(job["root"]), []  # type: Tuple[Project, List[Record]]
    watcher = Watcher(project, lambda test: None, results.append)
    picker = Picker(whole_files=True)
    roles: List[Role] = []
    ran = Ran(project)
    ran.watch()

    def prepare(config: Any) -> None:
        ahead = functools.partial(_compile_ahead, config=config)
        roles.append(Router(job, project, ran, report, commands, ahead).run())
        picker.wanted = set(roles[0].ids)

    def loop(session: Any) -> None:
        roles[0].play(Items(session, project, results, picker.errors))

    _main(job, [ForkPoint(prepare), Neutral("sys"), picker, watcher, Quiet(), Loop(loop)])
    if roles:
        roles[0].fail("; ".join(error["message"] for error in picker.errors) or "the tests cannot be collected")


def candidate(job: Record, report: Report) -> None:
    """Check one candidate in this process, which has nothing of the project yet."""
    project, results = Project(job["root"]), []  # type: Tuple[Project, List[Record]]
    listen_to_imports()
    role = single(job, report)
    picker = Picker(set(role.ids), whole_files=True)
    watcher = Watcher(project, lambda test: None, results.append)
    loop = Loop(lambda session: role.play(Items(session, project, results, picker.errors)))
    _main(job, [Neutral(), picker, watcher, loop])
    role.fail("; ".join(error["message"] for error in picker.errors) or "the tests cannot be collected")
