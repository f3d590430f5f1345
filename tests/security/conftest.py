"""A host with something to lose, the sandbox as it is, and the same sandbox with its protections taken away.

Each attack is tried in both: `box` must hold, and in `open_door`, whose profile is this test's own weakened copy,
the same code must succeed. So an attack that is refused for some other reason does not pass for a protection.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from coder_sandbox import bwrap, docker
from coder_sandbox.choose import open_sandbox
from coder_sandbox.contract import Limits, Mount, Sandbox, Workspace
from coder_sandbox.toolchain import Toolchain

SECRET = "hunter2-of-the-host"
BACKENDS = [
    pytest.param("bwrap", marks=pytest.mark.bwrap),
    pytest.param("docker", marks=pytest.mark.docker),
]

Attack = Callable[..., Any]


@dataclass(frozen=True)
class Host:
    """Directories of the user's: what may not be touched, and the worktree, which may."""

    top: Path
    workspace: Workspace

    def state(self) -> dict[str, str]:
        """Every file but those of the worktree, with its content."""
        files = (p for p in self.top.rglob("*") if self.workspace.worktree not in p.parents)
        return {str(p.relative_to(self.top)): p.read_text() for p in files if p.is_file()}


def make_host(top: Path, toolchain: Toolchain) -> Host:
    """`repo` is the user's checkout, `tool` part of the toolchain; `checkout`, `home` and `tmp` are shown nowhere."""
    for name in ("repo", "worktree", "checkout", "home/.ssh", "home/.config/pip", "tool/lib", "tmp"):
        (top / name).mkdir(parents=True)
    for name in ("repo/file", "checkout/file", "home/.bashrc", "home/.ssh/id_ed25519", "home/.netrc", "tool/lib/x.py"):
        (top / name).write_text(SECRET)
    (top / "worktree/file").write_text("work")
    for path in (top, *top.rglob("*")):  # so that it is the sandbox that forbids, and not the rights of a file
        path.chmod(0o777 if path.is_dir() else 0o666)
    mounts = (*toolchain.mounts, Mount(top / "tool", top / "tool"))
    return Host(top, Workspace(top / "worktree", top / "repo", toolchain.python, mounts, "attack", env=toolchain.env))


@contextmanager
def weakened(kind: str, weaken: Callable[[Any], Any]) -> Iterator[None]:
    """Open sandboxes with a changed profile. `weaken` takes and gives bwrap's options, or Docker's arguments."""
    with pytest.MonkeyPatch.context() as patch:
        if kind == "bwrap":
            options = bwrap.profile
            patch.setattr(bwrap, "profile", lambda *args: weaken(list(options(*args))))
        else:
            arguments = docker.profile
            patch.setattr(docker, "profile", lambda *args: weaken(arguments(*args)))
        yield


def exposing(top: Path) -> Callable[[Any], Any]:
    """Takes away what keeps the host's files apart: all of `top` is shown, and may be written."""

    def weaken(profile: Any) -> Any:
        if isinstance(profile, dict):
            bind = {"Target": str(top), "Source": str(top), "Type": "bind", "ReadOnly": False}
            kept = [{**m, "ReadOnly": m["ReadOnly"] and m["Target"] != str(top / "tool")} for m in profile["mounts"]]
            return {**profile, "mounts": [bind, *kept]}
        profile = [("--bind", *o[1:]) if o[0] == "--ro-bind" and o[2] == str(top / "tool") else o for o in profile]
        last = max(n for n, option in enumerate(profile) if "--tmpfs" in option)
        return [*profile[: last + 1], ("--bind", str(top), str(top)), *profile[last + 1 :]]

    return weaken


@pytest.fixture(scope="module", params=BACKENDS)
def kind(request: pytest.FixtureRequest) -> str:
    """The name of each backend that keeps the host safe."""
    return str(request.param)


@pytest.fixture(scope="module")
def host(kind: str, tmp_path_factory: pytest.TempPathFactory, toolchain: Toolchain) -> Host:
    return make_host(tmp_path_factory.mktemp("host"), toolchain)


@pytest.fixture(scope="module")
def box(kind: str, host: Host) -> Iterator[Sandbox]:
    """The sandbox as it is, opened by a host with secrets, for attacks that leave it in order."""
    with pytest.MonkeyPatch.context() as patch, ExitStack() as undo:
        patch.setenv("GITHUB_TOKEN", SECRET)
        opened = open_sandbox(kind, host.workspace, Limits(tmp_mb=64))  # type: ignore[arg-type]
        undo.callback(opened.close)
        yield opened


@pytest.fixture(scope="module")
def door(kind: str, host: Host, tmp_path_factory: pytest.TempPathFactory, toolchain: Toolchain) -> Iterator[Sandbox]:
    """A sandbox that shows the files of a host of its own, `door.workspace.worktree.parent`."""
    other = make_host(tmp_path_factory.mktemp("door"), toolchain)
    with weakened(kind, exposing(other.top)):
        opened = open_sandbox(kind, other.workspace, Limits(tmp_mb=64))  # type: ignore[arg-type]
    with ExitStack() as undo:
        undo.callback(opened.close)
        yield opened


@pytest.fixture(scope="session")
def attack() -> Attack:
    """Run Python inside, with arguments, and give back what it prints, read as JSON."""

    def run(box: Sandbox, code: str, *args: object, timeout: float = 30) -> Any:
        done = box.run([str(box.workspace.python), "-c", code, *map(str, args)], timeout=timeout)
        assert done.exit_code == 0, (done.exit_code, done.killed_by, done.stderr)
        return json.loads(done.stdout)

    return run


@pytest.fixture
def open_weak(kind: str, host: Host) -> Iterator[Callable[..., Sandbox]]:
    """Opens sandboxes with a profile that the test has weakened: open_weak(weaken, limits=..., **workspace)."""
    with ExitStack() as boxes:

        def open_one(weaken: Callable[[Any], Any], limits: Limits | None = None, **changes: Any) -> Sandbox:
            with weakened(kind, weaken):
                box = open_sandbox(kind, replace(host.workspace, **changes), limits or Limits())  # type: ignore[arg-type]
            boxes.callback(box.close)
            return box

        yield open_one


@pytest.fixture(scope="session")
def as_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can set this up")
