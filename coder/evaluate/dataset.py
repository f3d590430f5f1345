"""Sets of tasks: a directory of fixtures with task.toml files, or SWE-bench rows in a .jsonl file."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from coder.errors import UsageError

TASK_FILE = "task.toml"
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""What an instance id may be: it names directories and files."""

Expect = Literal["fixed", "not_fixed"]
Needs = Literal["search", "model"]


class DatasetError(UsageError):
    """A task cannot be used; the message names the file and the key."""


@dataclass(frozen=True)
class Instance:
    """One task: a repository, what is asked of coder, and what would be an answer."""

    id: str
    source: Path  # directory with the repository
    goal: str  # handed to coder as a user would type it
    fail_to_pass: tuple[str, ...]
    pass_to_pass: tuple[str, ...] | None = None  # None: every test that passes at the base
    expect: Expect = "fixed"
    needs: Needs = "search"
    kind: str = ""
    tests: tuple[str, ...] = ()  # handed to coder with --test where the goal is prose
    flaky: tuple[str, ...] = ()  # known to flicker at the base
    test_cmd: str = ""
    leave_out: frozenset[str] = frozenset()  # names at the top of `source` that are not the repository's
    base_commit: str = ""
    test_patch: str = ""  # brings the failing tests in

    def materialise(self, to: Path) -> Path:
        """Make the repository as coder is to find it in the new directory `to`. Raises DatasetError."""
        if self.base_commit:
            _checkout(self.source, self.base_commit, to)
        else:
            shutil.copytree(self.source, to, symlinks=True, ignore=self._ignored)
        if self.test_patch:
            apply_patch(to, self.test_patch)
        return to

    def _ignored(self, directory: str, names: list[str]) -> set[str]:
        junk = {"__pycache__", ".pytest_cache"}
        return junk | (set(self.leave_out) if Path(directory) == self.source else set())


def load(path: Path) -> list[Instance]:
    """The tasks of a dataset, sorted by id where it is a directory. Raises DatasetError."""
    if path.is_dir():
        files = sorted(path.glob(f"*/{TASK_FILE}")) or sorted(path.glob(TASK_FILE))
        instances = [_read_task(file) for file in files]
    elif path.suffix == ".jsonl" and path.is_file():
        instances = list(_read_rows(path))
    else:
        raise DatasetError(f"{path}: not a dataset; give a directory of tasks or a .jsonl file of rows")
    if not instances:
        raise DatasetError(f"{path}: holds no task (a {TASK_FILE} in each directory, or rows in a .jsonl file)")
    seen: set[str] = set()
    for instance in instances:
        if instance.id in seen:
            raise DatasetError(f"{path}: instance_id: {instance.id!r} is there twice")
        seen.add(instance.id)
    return instances


def apply_patch(directory: Path, patch: str) -> None:
    """Apply a unified diff in a directory of coder's own. Raises DatasetError if it is refused or does not apply.

    `git apply` as a plain patch tool: no repository, no configuration, nothing outside the directory. What CI runs,
    and coder's configuration, a patch may not touch (nor rename a file into it): a task has no user who could allow it.
    """
    from coder_sandbox.faults import SnapshotError
    from coder_sandbox.patches import paths_of
    from coder_tools.protect import forbidden

    try:
        named = paths_of(patch)
    except SnapshotError as error:
        raise DatasetError(str(error)) from None
    for path in sorted(named):
        if why := forbidden(path):
            raise DatasetError(f"the patch is refused: {path!r}: {why}")
    env = {"PATH": os.environ.get("PATH", os.defpath), "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    env |= {"GIT_CEILING_DIRECTORIES": str(directory.parent), "GIT_DIR": os.devnull, "LC_ALL": "C"}
    done = subprocess.run(
        ["git", "apply", "--whitespace=nowarn", "-"],
        cwd=directory,
        env=env,
        input=patch.encode(errors="surrogateescape"),
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        raise DatasetError(f"the patch does not apply: {done.stderr.decode(errors='replace').strip()}")


def _checkout(source: Path, commit: str, to: Path) -> None:
    """A clone at a commit. No filter, hook or other program that a configuration names is run for it."""
    from coder_sandbox.git import ENVIRONMENT, OPTIONS, PRIVATE_ENVIRONMENT

    env = {"PATH": os.environ.get("PATH", os.defpath), **ENVIRONMENT, **PRIVATE_ENVIRONMENT}
    env["GIT_ALLOW_PROTOCOL"] = "file"  # from this disk, and from nowhere else
    git = ["git", *OPTIONS]
    for argv in (
        [*git, "clone", "--quiet", "--no-checkout", "--no-hardlinks", "--", str(source), str(to)],
        [*git, "-C", str(to), "checkout", "--quiet", "--detach", commit],
    ):
        done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise DatasetError(f"{source}: base_commit: {commit}: {done.stderr.strip()}")


def _read_task(file: Path) -> Instance:
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DatasetError(f"{file}: cannot be read: {error}") from error
    field = _Fields(str(file), table)
    reference = field.text("reference", "")
    return Instance(
        id=field.identifier(),
        source=file.parent,
        goal=field.text("goal"),
        fail_to_pass=field.ids("fail_to_pass"),
        pass_to_pass=None if table.get("pass_to_pass") == "rest" else field.ids("pass_to_pass"),
        expect=cast(Expect, field.choice("expect", ("fixed", "not_fixed"))),
        needs=cast(Needs, field.choice("needs", ("search", "model"))),
        kind=field.text("kind", ""),
        flaky=field.ids("flaky", ()),
        test_cmd=field.text("test_cmd", ""),
        leave_out=frozenset({TASK_FILE, reference} - {""}),
    )


def _read_rows(path: Path) -> Iterator[Instance]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            row = json.loads(line)
        except ValueError as error:
            raise DatasetError(f"{where}: not JSON: {error}") from error
        if not isinstance(row, dict):
            raise DatasetError(f"{where}: a row must be a JSON object")
        yield _from_row(_Fields(where, row), path.parent)


def _from_row(field: _Fields, beside: Path) -> Instance:
    source = beside / field.text("repo")
    if not source.is_dir():
        raise DatasetError(f"{field.where}: repo: no directory {source}; rows name local repositories")
    fail_to_pass = field.ids("FAIL_TO_PASS")
    return Instance(
        id=field.identifier(),
        source=source,
        goal=field.text("problem_statement", ""),
        fail_to_pass=fail_to_pass,
        pass_to_pass=field.ids("PASS_TO_PASS"),
        tests=fail_to_pass,
        base_commit=field.text("base_commit", ""),
        test_patch=field.text("test_patch", ""),
    )


@dataclass(frozen=True)
class _Fields:
    """Typed access to a task's keys; each error names the file and the key."""

    where: str
    table: Mapping[str, Any]

    def text(self, key: str, default: str | None = None) -> str:
        value = self.table.get(key, default)
        if value is None:
            raise DatasetError(f"{self.where}: {key}: is missing")
        if not isinstance(value, str):
            raise DatasetError(f"{self.where}: {key}: must be text, not {value!r}")
        return value

    def identifier(self) -> str:
        value = self.text("instance_id")
        if not ID.fullmatch(value):
            raise DatasetError(f"{self.where}: instance_id: letters, digits, dot, dash and _ only, not {value!r}")
        return value

    def choice(self, key: str, allowed: Sequence[str]) -> str:
        value = self.text(key, allowed[0])
        if value not in allowed:
            raise DatasetError(f"{self.where}: {key}: must be one of {', '.join(allowed)}, not {value!r}")
        return value

    def ids(self, key: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """Test ids, as a list or, as in SWE-bench's public files, as the JSON text of one."""
        value = self.table.get(key, default)
        if value is None:
            raise DatasetError(f"{self.where}: {key}: is missing")
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                raise DatasetError(f"{self.where}: {key}: neither a list nor the JSON text of one") from None
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
            raise DatasetError(f"{self.where}: {key}: must be a list of test ids")
        return tuple(value)
