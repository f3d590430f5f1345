"""Which runner a repository's tests are run with: the one that the user's command calls, else what its files say."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import dropwhile
from pathlib import Path

from coder_sandbox.contract import Sandbox
from coder_tools.command import parse_test_command
from coder_tools.contract import PYTHON
from coder_tools.languages import grammar_of
from coder_tools.runners import javascript
from coder_tools.runners.cargo import CargoTest
from coder_tools.runners.command import AnyCommand, Make, NpmTest
from coder_tools.runners.contract import ASSIGNMENT, Project, Runner
from coder_tools.runners.ctest import CTest
from coder_tools.runners.go import GoTest
from coder_tools.runners.gradle import Gradle
from coder_tools.runners.jest import Jest
from coder_tools.runners.maven import Maven
from coder_tools.runners.node_test import NodeTest
from coder_tools.runners.suite import CommandSuite
from coder_tools.runners.vitest import Vitest
from coder_tools.testing import Suite

RUNNERS: tuple[Runner, ...] = (
    *(Vitest(), Jest(), NodeTest(), CargoTest(), GoTest()),
    *(Maven(), Gradle(), CTest(), NpmTest(), Make()),
)
"""In the order in which a repository that several would fit is given to them."""

_SHELL = re.compile(r"[|&;<>$`\n]")  # what only a shell understands
_PYTHON_TEST = re.compile(r"(.*/)?(test_[^/]*|[^/]*_test|tests?|conftest)\.py")
_PYTHON_PROJECT = ("pyproject.toml", "setup.py", "setup.cfg", "pytest.ini", "tox.ini")


@dataclass(frozen=True)
class Chosen:
    """How the tests are run. `runner` None: by Python's own, `python_runner` ("auto": pytest, else unittest)."""

    runner: Runner | None
    args: tuple[str, ...] = ()
    python_runner: str = "auto"
    python: str | None = None  # the interpreter that the command names
    why: str = ""
    set_up: frozenset[str] = frozenset()  # files that its configuration has run before the tests

    @property
    def name(self) -> str:
        return self.runner.name if self.runner else PYTHON

    def protects(self, path: str) -> str:
        """Why this path is not edited, beyond what is_protected knows; "" if it may be."""
        if self.runner is None:
            return ""
        if path in self._named:
            return "the test command names it"
        if path in self.set_up:
            return "it is run before the tests"
        return self.runner.protects(path)

    @cached_property
    def _named(self) -> frozenset[str]:
        return frozenset(word.removeprefix("./") for arg in self.args for word in re.split(r"[\s'\"=;&|<>()]+", arg))


def choose_runner(command: str, project: Project) -> Chosen:
    """The runner for a test command ("": none was given) and a repository.

    Raises ValueError for a command that is none: nothing but white space, or quotes that do not end.
    """
    chosen = _chosen(command, project)
    return replace(chosen, set_up=chosen.runner.set_up(project)) if chosen.runner is not None else chosen


def _chosen(command: str, project: Project) -> Chosen:
    if not command:
        return _detected(project)
    try:
        name, python, args = parse_test_command(command)
        return Chosen(None, args, name, python, "the test command calls it")
    except ValueError:
        words = shlex.split(command)
        if not words:
            raise
    if not _SHELL.search(command) and (found := _called(words, project)):
        return Chosen(*found, why=f"the test command calls {found[0].name}")
    return Chosen(AnyCommand(), (command,), why="the test command")


def _called(words: Sequence[str], project: Project) -> tuple[Runner, tuple[str, ...]] | None:
    """The runner that a command calls, and its arguments there, the variables that it sets before them."""
    rest = list(dropwhile(ASSIGNMENT.match, words))
    assigned = words[: len(words) - len(rest)]
    for runner in RUNNERS if rest else ():
        if (own := runner.arguments(rest, project)) is not None:
            return runner, (*assigned, *own)
    return None


def _detected(project: Project) -> Chosen:
    """Python where it is a Python project or nothing else fits, else the first runner that sees its marks."""
    python = _python(project)
    if python and not (_has_python_beside(project) and _foreign(project)):
        return Chosen(None, why=python)
    found = _foreign(project) or next((r for r in map(partial(_seen, project), RUNNERS) if r), None)
    fault = javascript.fault(project)
    why = f"package.json cannot be read ({fault})" if fault else "nothing in it tells of another language"
    return found or Chosen(None, why=why)


def _foreign(project: Project) -> Chosen | None:
    """The runner of another language that is used here, None where there is at most a command to call."""
    if (words := javascript.script(project)) and (found := _called(words, project)):
        return Chosen(*found, why=f"package.json's test script calls {found[0].name}")
    named = (runner for runner in RUNNERS if not isinstance(runner, AnyCommand))
    return next((chosen for runner in named if (chosen := _seen(project, runner))), None)


def _seen(project: Project, runner: Runner) -> Chosen | None:
    why = runner.detect(project)
    return Chosen(runner, runner.own_arguments(project), why=why) if why else None


def _python(project: Project) -> str:
    """Why this is a Python project; "" if it is none. A script or two in another language's project make none."""
    if any(_PYTHON_TEST.fullmatch(path) for path in project.files):
        return "it has Python tests"
    if found := next((name for name in _PYTHON_PROJECT if name in project.names), ""):
        return f"it has a {found}"
    return "most of its code is Python" if 2 * _python_share(project) >= 1 else ""


def _has_python_beside(project: Project) -> bool:
    """Whether what there is of Python may be another language's project's tools: nothing marks a Python project, its
    tests lie deeper than the root, and no more than half of the code is Python."""
    tests = [path for path in project.files if _PYTHON_TEST.fullmatch(path)]
    marked = any(name in project.names for name in _PYTHON_PROJECT) or any("/" not in path for path in tests)
    return not marked and 2 * _python_share(project) <= 1


def _python_share(project: Project) -> float:
    """The share of the files of code that are Python's."""
    languages = [grammar.name for path in project.files if (grammar := grammar_of(path))]
    return languages.count("python") / len(languages) if languages else 0.0


def open_suite(sandbox: Sandbox, root: Path, chosen: Chosen, project: Project) -> Suite:
    """The repository's tests in an open sandbox. `root`: the repository as seen inside."""
    if chosen.runner is None:
        return Suite(sandbox, root, chosen.python_runner, chosen.args)
    return CommandSuite(sandbox, root, chosen.runner, chosen.args, project)
