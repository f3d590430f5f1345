"""Which sandbox is opened, and what is said where there is none."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from coder_sandbox import docker as docker_backend
from coder_sandbox.choose import Kind, open_sandbox, probe
from coder_sandbox.contract import Limits, SandboxError, Workspace
from coder_sandbox.userns import why_forbidden


@pytest.fixture
def no_docker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-such.sock")


@pytest.fixture
def path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A PATH that holds nothing but what a test puts there."""
    directory = tmp_path / "bin"
    directory.mkdir()
    monkeypatch.setenv("PATH", str(directory))
    return directory


def put_bwrap(directory: Path, version: str, failure: str) -> None:
    program = directory / "bwrap"
    program.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && echo "bubblewrap {version}" && exit\necho "bwrap: {failure}" >&2; exit 1\n'
    )
    program.chmod(0o755)


def refused(kind: Kind, workspace: Workspace) -> str:
    """What is said both when asked beforehand and when tried."""
    works, words = probe(kind)
    assert not works
    with pytest.raises(SandboxError) as error:
        open_sandbox(kind, workspace, Limits())
    assert str(error.value) == words
    return words


def test_bubblewrap_that_is_missing(path: Path, workspace: Workspace) -> None:
    assert "apt-get install bubblewrap" in refused("bwrap", workspace)


def test_bubblewrap_that_is_too_old(path: Path, workspace: Workspace) -> None:
    put_bwrap(path, "0.6.1", "Unknown option --size")
    assert "bubblewrap 0.6.1 is too old" in refused("bwrap", workspace)


def test_bubblewrap_that_may_not_make_user_namespaces(path: Path, workspace: Workspace) -> None:
    put_bwrap(path, "0.9.0", "setting up uid map: Permission denied")
    words = refused("bwrap", workspace)
    assert "setting up uid map: Permission denied" in words and why_forbidden() in words


def test_docker_that_is_not_there(no_docker: None, workspace: Workspace) -> None:
    assert "not running or not installed" in refused("docker", workspace)


def test_docker_that_does_not_answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, workspace: Workspace) -> None:
    with socket.socket(socket.AF_UNIX) as unheard:
        unheard.bind(str(tmp_path / "dead.sock"))
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/dead.sock")
        assert "does not answer" in refused("docker", workspace)


def test_docker_that_the_user_may_not_use(monkeypatch: pytest.MonkeyPatch, workspace: Workspace) -> None:
    def connect(self: Any, address: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "connect", connect)
    assert "usermod -aG docker" in refused("docker", workspace)


@pytest.mark.docker
def test_docker_on_another_machine(monkeypatch: pytest.MonkeyPatch, workspace: Workspace) -> None:
    import docker

    info = {"KernelVersion": "6.10.14-linuxkit", "OperatingSystem": "Docker Desktop"}
    monkeypatch.setattr(docker.DockerClient, "info", lambda self: info)
    works, words = probe("docker")
    assert works and "Docker Desktop" in words and "coder sandbox build" in words  # it works, but not with our files
    with pytest.raises(SandboxError, match="--image"):
        open_sandbox("docker", workspace, Limits())


@pytest.mark.docker
def test_docker_that_fails_later_leaves_nothing(monkeypatch: pytest.MonkeyPatch, workspace: Workspace) -> None:
    """The daemon goes away after the first answers: words, and the worktree as it was."""
    from docker.errors import APIError

    def fail(*_: Any) -> None:
        raise APIError("500 Server Error", explanation="no space left on device")

    monkeypatch.setattr(docker_backend, "host_toolchain", fail)
    before = workspace.worktree.stat().st_uid
    with pytest.raises(SandboxError, match="no space left on device"):
        open_sandbox("docker", workspace, Limits())
    assert workspace.worktree.stat().st_uid == before


@pytest.mark.bwrap
def test_auto_takes_bubblewrap_first(open_box: Any) -> None:
    assert open_box("auto").name == "bwrap"
    assert probe("auto")[1].startswith("bubblewrap ")


@pytest.mark.docker
def test_auto_takes_docker_where_bubblewrap_does_not_work(open_box: Any, path: Path) -> None:
    put_bwrap(path, "0.9.0", "No permissions to create new namespace")
    (path / "chown").symlink_to("/usr/bin/chown")
    assert open_box("auto").name == "docker"


def test_auto_never_goes_without(path: Path, no_docker: None, workspace: Workspace) -> None:
    words = refused("auto", workspace)
    assert "bwrap: bubblewrap" in words and "docker: The Docker daemon" in words and "--sandbox none" in words
