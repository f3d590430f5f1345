"""What the nodes work with in one process: the base, the sandbox, the tests, the policy, the record.

A session holds no decision and nothing a resume would need: that is in the state and the run's blobs.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from coder.policies.contract import Policy
from coder.record.prompts import Prompts
from coder.record.store import RunDir
from coder.state import Ref
from coder.supervisor.budget import Budget
from coder.supervisor.live import Live
from coder.supervisor.second_opinion import Judge
from coder.task import Request
from coder_sandbox.contract import Limits, Sandbox, Workspace
from coder_sandbox.objects import LINK
from coder_sandbox.snapshot import Base
from coder_sandbox.toolchain import Toolchain
from coder_tools.contract import Changes
from coder_tools.doctests import is_doctest
from coder_tools.protect import bends_tests, collected_files, forbidden, is_protected
from coder_tools.runners.choose import Chosen, open_suite
from coder_tools.runners.contract import Project
from coder_tools.testing import Suite

Open = Callable[[Workspace, Limits], Sandbox]


class Session:
    """Opens what a step needs and closes it again. Every path it hands out is inside the run's directory."""

    def __init__(
        self,
        request: Request,
        rundir: RunDir,
        base: Base,
        toolchain: Toolchain,
        policy: Policy,
        budget: Budget,
        open_sandbox: Open,
        chosen: Chosen,
    ) -> None:
        self.request = request
        self.rundir = rundir
        self.base = base
        self.toolchain = toolchain
        self.policy = policy
        self.judge: Judge | None = None  # asked where the supervisor's rules are unsure
        self.budget = budget
        self._open = open_sandbox
        self._chosen = chosen
        self._project = Project(base.files, base.read)
        self._sandbox: Sandbox | None = None
        self._suite: Suite | None = None
        self._worktree: Path | None = None
        self._passing: set[Ref] = set()
        self.placed: Ref = ""
        self._files = frozenset(base.files)
        self._test_files: frozenset[str] = frozenset()
        self._example_files: frozenset[str] = frozenset()

    # the record

    @cached_property
    def live(self) -> Live:
        """The supervisor's watch over this run."""
        return Live(self.rundir.events())

    @cached_property
    def prompts(self) -> Prompts:
        """Keeps what is sent to the model."""
        return Prompts(self.rundir.blobs)

    def emit(self, node: str, kind: str, data: dict[str, Any]) -> None:
        self.rundir.log.append(node, kind, data)

    def save(self, value: Any) -> Ref:
        """Keep a JSON value in the run's blob store, by its content."""
        return self.rundir.blobs.save(value)

    def save_passing(self, value: Any) -> Ref:
        """Keep a JSON value of which only the newest is needed, such as what the policy remembers."""
        ref = self.save(value)
        self._passing.add(ref)
        return ref

    def forget(self, keep: set[Ref]) -> None:
        """Remove the passing values of this process but for those that the last checkpoint names."""
        self.rundir.blobs.remove(self._passing - keep)
        self._passing &= keep

    def load(self, ref: Ref) -> Any:
        return self.rundir.blobs.load(ref) if ref else None

    def save_changes(self, changes: Changes) -> Ref:
        """Keep a change set; the empty one is ""."""
        encoded = {path: None if data is None else b64encode(data).decode() for path, data in sorted(changes.items())}
        return self.save(encoded) if encoded else ""

    def load_changes(self, ref: Ref) -> dict[str, bytes | None]:
        stored = self.load(ref) or {}
        return {path: None if data is None else b64decode(data) for path, data in stored.items()}

    # the workspace

    def learn_test_files(self, ids: list[str]) -> None:
        """Files in which tests were collected are protected, whatever they are called; of those with examples in
        docstrings only these are."""
        examples = frozenset(i for i in ids if is_doctest(i, self.base.read))
        self._test_files = collected_files(i for i in ids if i not in examples)
        self._example_files = collected_files(examples)

    @property
    def language(self) -> str:
        """What the tests are written for, as people call it: Python, or the name of another runner."""
        return self._chosen.name

    def protected(self, path: str) -> str:
        """Why a path is not to be edited; "" if it may be."""
        reason = is_protected(path, self._test_files, self.request.allow_config_edits)
        return reason or self._chosen.protects(path) or self._link(path)

    def _link(self, path: str) -> str:
        entry = self.base.entries.get(path)
        return "it is a link, not a file" if entry is not None and entry.mode == LINK else ""

    def allowed(self, changes: Changes) -> dict[str, bytes | None]:
        """The part of a change set that counts, after what the user has allowed."""
        return {path: data for path, data in changes.items() if not self._refused(path, data)}

    def _refused(self, path: str, data: bytes | None) -> str:
        """Why a change of this path does not count, after what the user has allowed; "" if it does."""
        if reason := forbidden(path, self.request.allow_config_edits) or self._link(path):
            return reason
        if self.request.allow_test_edits:
            return ""
        before = self.base.read(path) if path in self._files else b""
        bent = bends_tests(path, before, data or b"")
        return self.protected(path) or ("it changes code that is there for tests only" if bent else "")

    def is_source(self, path: str) -> bool:
        """Whether a path is code under test that a repair may touch."""
        suffixes = self._chosen.runner.suffixes if self._chosen.runner else (".py",)
        return path.endswith(suffixes) and path in self._files and not self.protected(path)

    # the sandbox

    @property
    def suite(self) -> Suite:
        """The tests in the run's one long-lived sandbox, over the worktree."""
        if self._suite is None:
            self._worktree = self.base.checkout("work")
            self._sandbox = self._open(self._workspace(self._worktree), Limits())
            self._suite = self._suite_in(self._sandbox)
        return self._suite

    @property
    def python(self) -> tuple[int, ...]:
        """The version of the target's interpreter, () while the sandbox is not open."""
        return tuple(map(int, re.findall(r"\d+", self._sandbox.python_version)[:2])) if self._sandbox else ()

    def place(self, ref: Ref) -> None:
        """Make the worktree the base plus a change set; `placed` says which."""
        _ = self.suite
        mounted = [mount.inside for mount in self.toolchain.mounts if self.base.repo in mount.inside.parents]
        keep = [place.relative_to(self.base.repo).as_posix() for place in mounted]
        self.base.restore("work", self.load_changes(ref), keep)
        self.placed = ref

    @contextmanager
    def clean_room(self, name: str, changes: Changes) -> Iterator[Suite]:
        """The tests over a fresh checkout of the base plus `changes`, in a sandbox of its own.

        Changes to tests and test configuration are left out unless the user allowed them.
        """
        worktree = self.base.checkout(name, self.allowed(changes))
        sandbox: Sandbox | None = None
        try:
            sandbox = self._open(self._workspace(worktree), Limits())
            yield self._suite_in(sandbox)
        finally:
            if sandbox is not None:
                sandbox.close()
            self.base.remove(name)

    def meddled(self, name: str, changes: Changes) -> list[str]:
        """The tests and test configuration that running in a clean room has rewritten, removed or added."""
        if self.request.allow_test_edits:
            return []

        def holds_tests(path: str) -> bool:
            return path in self._example_files or bool(self.protected(path))

        return self.base.altered(name, self.allowed(changes), holds_tests)

    def close(self) -> None:
        """End the sandbox and remove the worktree. Safe to call twice."""
        if self._sandbox is not None:
            self._sandbox.close()
        if self._worktree is not None:
            self.base.remove("work")
        self._sandbox = self._suite = self._worktree = None

    def _workspace(self, worktree: Path) -> Workspace:
        return Workspace(
            worktree=worktree,
            inside=self.base.repo,
            python=self.toolchain.python,
            mounts=self.toolchain.mounts,
            label=self.rundir.id,
            network=self.request.network,
            allow_hosts=self.request.allow_hosts,
            image=self.toolchain.image,
            env=self.toolchain.env,
        )

    def _suite_in(self, sandbox: Sandbox) -> Suite:
        return open_suite(sandbox, sandbox.workspace.inside, self._chosen, self._project)
