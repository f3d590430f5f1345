"""The harness's own clean room: whether a patch that coder calls a fix is one.

It shares nothing with the run that made the patch: the instance is made anew, the patch is applied as data, and the
tests run in new sandboxes, twice at the base and once (what fails, twice) with the patch.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coder.evaluate.dataset import DatasetError, Instance, apply_patch
from coder.evaluate.outcome import Verdict

if TYPE_CHECKING:
    from coder_tools.testing import Suite

TEST_SECONDS = 60.0  # what one test may take
Room = Callable[..., Any]
"""Opens the tests of a directory in a sandbox: instance, directory and kind in, a context manager that yields a Suite
out. It is given `image` where one is asked for."""


@contextmanager
def sandboxed_suite(instance: Instance, repo: Path, kind: str, image: str = "") -> Iterator[Suite]:
    """The tests of a directory in a new sandbox, with the host's toolchain or in an image."""
    from coder_sandbox.choose import open_sandbox
    from coder_sandbox.content import choose_content
    from coder_sandbox.contract import Limits, Workspace
    from coder_sandbox.programs import equip
    from coder_tools.runners.choose import choose_runner, open_suite
    from coder_tools.runners.contract import Project

    project = Project.at(repo)
    runner = choose_runner(instance.test_cmd, project)
    wanted: Any = kind
    chosen, toolchain = choose_content(wanted, image, repo, os.environ, runner.python)
    if runner.runner is not None:
        toolchain = equip(toolchain, runner.runner.needs, repo, os.environ)
    workspace = Workspace(
        worktree=repo,
        inside=repo,
        python=toolchain.python,
        mounts=toolchain.mounts,
        label=f"eval-{instance.id}",
        env=toolchain.env,
        image=toolchain.image,
    )
    sandbox = open_sandbox(chosen, workspace, Limits())
    try:
        yield open_suite(sandbox, repo, runner, project)
    finally:
        sandbox.close()


def judge(
    instance: Instance, patch: str, *, sandbox: str, scratch: Path, timeout: float, room: Room = sandboxed_suite
) -> Verdict:
    """Apply a patch to the instance made anew and run its tests. A fault is a verdict with `error`."""
    from coder_sandbox.contract import SandboxError
    from coder_tools.testing import TestRunFailed

    try:
        base = instance.materialise(scratch / "base")
        patched = instance.materialise(scratch / "patched")
        apply_patch(patched, patch)
        changed = changed_files(base, patched)  # before any test can write there
        with room(instance, base, sandbox) as suite:
            ids = list(suite.collect(timeout=timeout).ids)
            runs = [_passing(suite, ids, timeout) for _ in range(2)]
        touched = _protected(changed, ids, base, patched)
        if touched:
            return Verdict(tests_touched=touched)
        with room(instance, patched, sandbox) as suite:
            return _compare(instance, suite, runs, timeout)
    except (DatasetError, SandboxError, TestRunFailed, OSError, ValueError) as error:
        return Verdict(error=f"{type(error).__name__}: {error}")


def _compare(instance: Instance, suite: Suite, runs: Sequence[set[str]], timeout: float) -> Verdict:
    always, sometimes = runs[0] & runs[1], runs[0] | runs[1]
    flaky = (sometimes - always) | set(instance.flaky)
    must = always if instance.pass_to_pass is None else set(instance.pass_to_pass)
    must -= flaky | set(instance.fail_to_pass)
    passing = _passing(suite, sorted(must | set(instance.fail_to_pass)), timeout)
    failed = sorted(must - passing)
    again = _passing(suite, failed, timeout) if failed else set()
    return Verdict(
        goal_passed=set(instance.fail_to_pass) <= passing,
        regressed=tuple(sorted(set(failed) - again)),
        flaky=tuple(sorted(flaky | again)),
    )


def _passing(suite: Suite, ids: Sequence[str], timeout: float) -> set[str]:
    return {result.id for result in suite.run(ids, timeout=timeout, test_timeout=TEST_SECONDS) if result.passed}


def _protected(paths: Sequence[str], ids: Sequence[str], before: Path, after: Path) -> tuple[str, ...]:
    """Those that are tests, their fixtures or their configuration, or in which tests have been changed."""
    from coder_tools.doctests import is_doctest
    from coder_tools.protect import bends_tests, collected_files, is_protected

    def read(path: str, root: Path = before) -> bytes:
        inside = (root / path).resolve().is_relative_to(root.resolve())
        return (root / path).read_bytes() if inside and (root / path).is_file() else b""

    def bent(path: str) -> bool:
        return bends_tests(path, read(path), read(path, after))

    files = collected_files(i for i in ids if not is_doctest(i, read))
    return tuple(path for path in paths if is_protected(path, files) or bent(path))


def changed_files(before: Path, after: Path) -> list[str]:
    """Files that differ in content, kind or mode between two directories, or are in one of them only."""
    then, now = _files(before), _files(after)
    return sorted(path for path in then.keys() | now.keys() if then.get(path) != now.get(path))


def _files(root: Path) -> dict[str, tuple[int, bytes]]:
    found = {}
    for directory, directories, names in os.walk(root):
        for name in [*names, *(d for d in directories if Path(directory, d).is_symlink())]:
            path = Path(directory, name)
            content = os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()
            found[path.relative_to(root).as_posix()] = (path.lstat().st_mode, content)
    return found
