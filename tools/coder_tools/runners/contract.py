"""What a test runner is to coder: how it is recognised, called and read. One file a runner, and each is exactly this.

Nothing here runs anything. A runner says which commands to run in the sandbox, and reads what they said.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path

from coder_sandbox.programs import Needs
from coder_tools.contract import Frame, Outcome, TestResult

ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
"""How an argument begins that sets a variable, as a shell has it before a command."""
_OWN = frozenset({".git", "node_modules"})


@dataclass(frozen=True)
class Project:
    """A repository's files: what a runner is recognised by. `read` raises KeyError for a path that is not there."""

    files: tuple[str, ...]
    read: Callable[[str], bytes]
    _texts: dict[str, str] = field(default_factory=dict, init=False, repr=False, compare=False)
    _tails: dict[str, str] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def at(cls, root: Path) -> Project:
        """The files below a directory as they are on disk, git's own and installed dependencies left out."""
        found = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
        files = tuple(sorted(path.as_posix() for path in found if not _OWN.intersection(path.parts)))
        return cls(files, lambda path: (root / path).read_bytes())

    @cached_property
    def names(self) -> frozenset[str]:
        return frozenset(self.files)

    def text(self, path: str) -> str:
        """The text of a file, "" if there is none. It is read once: these are the base's files."""
        if path not in self._texts:
            self._texts[path] = self.read(path).decode("utf-8", "replace") if path in self.names else ""
        return self._texts[path]

    def known(self, path: str, root: str, beside: str = "") -> str:
        """A path of a tool's words as the repository has it, "" if it is none of its files.

        `root`: the repository as the tool names it; `beside`: a directory to which the path may be relative. A path
        that is too short is completed where only one file can be meant.
        """
        path = path.removeprefix("file://").removeprefix(root.rstrip("/") + "/").removeprefix("./")
        if beside and f"{beside}/{path}" in self.names:
            return f"{beside}/{path}"
        if path in self.names:
            return path
        if path not in self._tails:
            found = [] if path.startswith("/") or not path else [n for n in self.files if n.endswith(f"/{path}")]
            self._tails[path] = found[0] if len(found) == 1 else ""
        return self._tails[path]


@dataclass(frozen=True)
class Call:
    """What is asked of a runner in one run. `wanted` None: every test; else ids, of which it may run more."""

    project: Project
    args: tuple[str, ...]  # the user's own, of the test command
    root: str  # the repository as seen inside
    scratch: str  # an empty directory inside, gone afterwards: reports go there
    build: str  # a directory inside that stays as long as the sandbox: what is built goes there
    limit: float  # seconds that one test may take
    wanted: tuple[str, ...] | None = None
    alone: bool = False  # what is wanted is one test, and nothing else may run: others hang


@dataclass(frozen=True)
class Command:
    """One command to run in the repository; of several each runs only if the one before it ended with 0."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    told: str = ""  # a file inside that grows as tests begin and end
    quiet: float = 0.0  # seconds that it may stay as it is before the command counts as hung; 0: for ever
    begins: str = ""  # what must stand in it before that counts


@dataclass(frozen=True)
class Ran:
    """How the last command that was run ended, and the report files it left: path -> text."""

    call: Call
    step: int  # which of the commands that was, from 0
    steps: int  # how many there are
    exit_code: int
    stdout: str
    stderr: str
    timed_out: bool
    reports: Mapping[str, str]

    @property
    def output(self) -> str:
        return "\n".join(part for part in (self.stdout.strip(), self.stderr.strip()) if part)

    @property
    def built(self) -> bool:
        """Whether it came as far as the last command."""
        return self.step == self.steps - 1


@dataclass(frozen=True)
class Broken:
    """Why the tests of a file, or with path "" all that said nothing, could not run."""

    path: str
    message: str
    outcome: Outcome = "error"
    frames: tuple[Frame, ...] = ()


@dataclass(frozen=True)
class Report:
    """What one run said.

    `cut`: tests that were not reached because another ended their process, or held it up. `stuck`: the files that were
    under way then, where the runner tells. `unavailable`: the runner itself cannot work
    here, in words for the reader.
    """

    results: tuple[TestResult, ...] = ()
    broken: tuple[Broken, ...] = ()
    cut: tuple[str, ...] = ()
    stuck: tuple[str, ...] = ()
    unavailable: str = ""


class Runner:
    """A test runner. Test ids are `file::name`, the file as it is in the repository, `name` the runner's own."""

    name = ""  # as people call it
    suffixes: tuple[str, ...] = ()  # of the code under test
    needs = Needs()
    takes_line = False  # its last argument is a whole line for a shell
    streams = False  # its results are in what it prints
    reports: tuple[str, ...] = ()  # patterns below the repository of report files it leaves there
    configuration: tuple[str, ...] = ()  # patterns of names, or of paths, that decide which tests run and how

    def detect(self, project: Project) -> str:
        """What in the repository says that its tests are run by this; "" if nothing does."""
        raise NotImplementedError

    def own_arguments(self, project: Project) -> tuple[str, ...]:
        """The arguments that the repository's own files give it, where nobody has typed a command."""
        return ()

    def arguments(self, words: Sequence[str], project: Project) -> tuple[str, ...] | None:
        """The runner's own arguments in a command that a person typed; None if that calls something else.

        There is at least one word. Variables to set may stand before the arguments, as `NAME=value`.
        """
        raise NotImplementedError

    def commands(self, call: Call) -> list[Command]:
        """What to run."""
        raise NotImplementedError

    def read(self, ran: Ran) -> Report:
        """What it said."""
        raise NotImplementedError

    def tests_in(self, path: str, project: Project) -> list[str]:
        """The ids of the tests in a file, as far as its text shows them: for files that cannot be run."""
        return []

    def set_up(self, project: Project) -> frozenset[str]:
        """The files that the runner's configuration names and that run before the tests."""
        return frozenset()

    def protects(self, path: str) -> str:
        """Why this path is not edited, beyond what is_protected knows; "" if it may be."""
        name = path.rsplit("/", 1)[-1]
        if any(fnmatchcase(path if "/" in pattern else name, pattern) for pattern in self.configuration):
            return f"it decides how {self.name} builds and runs the tests"
        return ""


def file_of(test_id: str) -> str:
    """The file in a test's id, "" if there is none."""
    return test_id.partition("::")[0] if "::" in test_id else ""


def name_of(test_id: str) -> str:
    """The runner's own name in a test's id."""
    return test_id.partition("::")[2] or test_id


def grouped(wanted: Sequence[str]) -> dict[str, list[str]]:
    """File -> the names of the tests that are wanted of it."""
    by_file: dict[str, list[str]] = {}
    for test_id in wanted:
        by_file.setdefault(file_of(test_id), []).append(name_of(test_id))
    return by_file
