"""The collected pytest tests, to run some of them: the `Tests` of the warm validator.

The first goal test is run by nearly every fork. Where it has no fixtures, its set-up is done once, before the forks,
and each fork goes on at the call of its function: pytest's way up to there would cost it more than most tests do,
since a fork pays for every page of memory that it writes to.
"""

from __future__ import annotations

import ast
import contextlib
import inspect
import os
import unittest
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, NoReturn, Optional, Sequence

import pytest
from _pytest.unittest import TestCaseFunction

from .judge import Task, Tests
from .pool import Forked
from .project import Project
from .report import Record

DECIDING = ("skip", "skipif", "xfail")  # marks that decide what an exception means
HOOKS = ("pytest_pyfunc_call", *(f"pytest_runtest_{phase}" for phase in ("protocol", "setup", "call", "makereport")))
HARMLESS = ("_pytest", "_coder_agent", "anyio", "_hypothesis_pytestplugin", "pytest_asyncio", "pytest_mock")
"""Packages whose hooks around a test without fixtures neither start anything nor change what its outcome means."""
CLASS_SETUP = "unittest_setUpClass"  # in the name of the fixture that calls it
DIRECT = "get_direct_param_fixture_func"  # what stands in for a fixture where a mark gives the value


class Items(Tests):
    """The collected tests."""

    def __init__(self, session: Any, project: Project, results: List[Record], errors: List[Record]) -> None:
        """`results`: where a watcher of the tests puts how each ended."""
        self._items: Dict[str, Any] = {}
        for item in session.items:
            self._items.setdefault(item.nodeid, item)
            if isinstance(item, pytest.Function):
                item.repr_failure = _unread  # type: ignore[method-assign]
        self._project, self._results = project, results
        self._begun: Dict[str, Record] = {}  # what the test said that was begun before this fork
        self.why_not = "\n".join(f"{error['path']}: {error['message']}" for error in errors)
        self._config = session.config

    def __contains__(self, test: str) -> bool:
        return test in self._items

    def run(self, ids: Sequence[str], each: Callable[[Record], bool]) -> None:
        """Run the tests in this order while `each` says so. One that says nothing is "missing"."""
        factory = getattr(self._config, "_tmp_path_factory", None)
        if factory is not None:  # temporary directories of this fork only, and no numbered ones to look for
            factory._given_basetemp, factory._basetemp = Path(os.environ["TMPDIR"]) / "pytest", None
        items = [self._items[test] for test in ids]
        for item, following in zip(items, [*items[1:], None]):
            if not each(self._begun.pop(item.nodeid, {}) or self._result(item, following)):
                return

    def _result(self, item: Any, following: Any) -> Record:
        self._results.clear()
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        return self._results[-1] if self._results else {"id": item.nodeid, "outcome": "missing"}

    def fork_from(self, test: str, serve: Callable[[], Forked], go_on: Callable[[Forked], NoReturn]) -> NoReturn:
        item: Any = self._items.get(test)
        begins = False
        with contextlib.suppress(Exception):  # a pytest that has its insides arranged in another way
            begins = can_begin(item, self._project)
        if not begins:
            go_on(serve())
        forks: List[Forked] = []

        def runtest() -> None:
            item.runtest = original
            forks.append(serve())
            if not isinstance(forks[0].task, Task):
                raise forks[0]  # out of the test: this fork has another purpose
            error = _call(item)
            if error is not None:  # pytest's way back would cost as much as its way up to here
                failure = self._project.failure(error, error.__traceback__)
                self._begun[test] = {"id": test, "outcome": "failed", **failure}
                go_on(forks[0])

        original, item.runtest = item.runtest, runtest
        result = self._result(item, None)
        if not forks:
            item.runtest = original
            go_on(serve())  # it was skipped, or its set-up failed
        if isinstance(forks[0].task, Task):
            self._begun[test] = result
        go_on(forks[0])


def _unread(excinfo: Any, style: Any = None) -> str:
    """In place of the picture of a traceback, which nobody sees here: making it takes 15 times as long as the test."""
    return "failed"


def _call(item: Any) -> Optional[Exception]:
    """Call a test's function. Gives the exception with which it failed; None if pytest has to say what it means."""
    if type(item) is TestCaseFunction:
        item.runtest()
        error = next((info.value for info in item._excinfo or ()), None)
        return error if isinstance(error, Exception) and not isinstance(error, unittest.SkipTest) else None
    try:
        value = item.obj(**{name: item.funcargs[name] for name in item._fixtureinfo.argnames})
    except unittest.SkipTest:
        raise
    except Exception as error:
        return error
    if value is not None:  # pytest has its own view of that
        item.obj = lambda **given: value
        item.runtest()
    return None


def can_begin(item: Any, project: Project) -> bool:
    """Whether all that comes before the call of a test's function does the same with a candidate and without."""
    if type(item) not in (pytest.Function, TestCaseFunction) or _is_asynchronous(item.obj):
        return False
    if item.cls is not None and item.cls.__mro__[1:] not in ((object,), (unittest.TestCase, object)):
        return False  # its base may be the project's
    if any(item.get_closest_marker(name) for name in DECIDING):
        return False
    if not all(_is_given(item, name) for name in item._fixtureinfo.names_closure):
        return False
    if not all(_is_bare(node) for node in item.listchain() if isinstance(node, pytest.Package)):
        return False
    return not _has_watchdog(item.config) and all(_is_harmless(hook, project) for hook in _hooks(item))


def _is_asynchronous(function: Any) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)


def _is_given(item: Any, name: str) -> bool:
    """Whether a fixture is a value from a parametrize mark, or unittest's set-up of a class that has none."""
    if name == "request":
        return name not in item._fixtureinfo.argnames  # only others want it
    if CLASS_SETUP in name:
        return not {"setUpClass", "tearDownClass"} & set(vars(item.cls))
    if name not in getattr(getattr(item, "callspec", None), "params", {}):
        return False
    return all(fixture.func.__name__ == DIRECT for fixture in item._fixtureinfo.name2fixturedefs.get(name, ()))


def _is_bare(package: Any) -> bool:
    """Whether a package of tests has nothing in its `__init__.py` that could be run."""
    path = Path(str(package.path))
    source = path / "__init__.py" if path.is_dir() else path
    body = ast.parse(source.read_bytes()).body
    return all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in body)


def _has_watchdog(config: Any) -> bool:
    """Whether pytest would start a thread that waits for the test's end."""
    return bool(float(config.getini("faulthandler_timeout") or 0))


def _hooks(item: Any) -> Iterator[Callable[..., Any]]:
    """The functions that plugins and conftest files have around the test."""
    for name in HOOKS:
        yield from (hook.function for hook in getattr(item.ihook, name).get_hookimpls())


def _is_harmless(hook: Any, project: Project) -> bool:
    code = inspect.unwrap(getattr(hook, "__func__", hook)).__code__
    return hook.__module__.split(".")[0] in HARMLESS and project.relative(code.co_filename) is None
