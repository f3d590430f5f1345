"""Podman's Docker-compatible socket in Docker's place: found, and used as Docker is."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from coder_sandbox.contract import Limits, SandboxError, Workspace
from coder_sandbox.daemon import DOCKER, Daemon, connect, sockets
from coder_sandbox.docker import open_docker, probe
from coder_sandbox.launch import identity

NEEDED = "needs podman (Debian: apt-get install podman)"


@pytest.fixture
def podman(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A service of its own, with its storage in the test's directory; DOCKER_HOST names its socket."""
    program = shutil.which("podman")
    if program is None:
        pytest.skip(NEEDED)
    config = tmp_path / "containers.conf"
    runtime = shutil.which("runc")  # crun, the usual one, refuses hybrid control groups
    config.write_text(f'[engine]\nruntime = "{runtime}"\n' if runtime else "")
    short = tempfile.mkdtemp(prefix="p-")  # Podman takes no path over 50 characters
    storage = ["--root", str(tmp_path / "root"), "--runroot", f"{short}/run", "--tmpdir", f"{short}/tmp"]
    socket = tmp_path / "podman.sock"
    with (tmp_path / "log").open("wb") as log:
        service = subprocess.Popen(
            [program, *storage, "system", "service", "-t", "0", f"unix://{socket}"],
            env={**os.environ, "CONTAINERS_CONF": str(config)},
            stdout=log,
            stderr=log,
        )
    try:
        monkeypatch.setenv("DOCKER_HOST", f"unix://{socket}")
        for _ in range(100):
            if service.poll() is None and probe()[0]:
                break
            if service.poll() is not None:
                pytest.skip(f"podman does not serve here: {(tmp_path / 'log').read_text()[-300:]}")
            time.sleep(0.1)
        yield socket
    finally:
        service.terminate()
        service.wait(10)
        subprocess.run([program, *storage, "system", "reset", "--force"], capture_output=True, check=False)
        shutil.rmtree(short, ignore_errors=True)


@pytest.mark.podman
@pytest.mark.skipif(os.geteuid() != 0, reason="serves as root")
def test_podman_is_used_like_docker(podman: Path, workspace: Workspace) -> None:
    works, words = probe()
    assert works and words.startswith("Podman ")
    before = workspace.worktree.stat()
    code = """
import os, socket
status = dict(line.split(':', 1) for line in open('/proc/self/status'))
open('made', 'w').close()
try: open('/usr/x', 'w'); print('writable')
except OSError: pass
try: socket.create_connection(('1.1.1.1', 53), 2); print('net')
except OSError: pass
print(os.getuid() != 0, status['CapBnd'].strip(), status['NoNewPrivs'].strip(), status['Seccomp'].strip())
"""
    try:
        box = open_docker(workspace, Limits(processes=64))
    except SandboxError as error:
        pytest.skip(f"podman starts no container here: {error}")
    with box:
        done = box.run([str(workspace.python), "-c", code], timeout=20)
        assert done.stdout.split() == ["True", "0" * 16, "1", "2"], done.stderr
        bomb = "import os\nwhile True:\n try: os.fork()\n except OSError: pass"
        assert box.run([str(workspace.python), "-c", bomb], timeout=20).killed_by == "processes"
    made = (workspace.worktree / "made").stat()
    assert (made.st_uid, made.st_gid) == (before.st_uid, before.st_gid)
    import docker

    client = docker.from_env()
    try:
        assert client.containers.list(all=True) == []
    finally:
        client.close()


def test_a_socket_is_found_where_docker_and_podman_put_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from coder_sandbox import daemon

    environ = {"XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path / "home")}
    places = sockets(environ)
    assert places[0] == Path("/var/run/docker.sock") and places[-1] == Path("/run/podman/podman.sock")
    assert tmp_path / "podman" / "podman.sock" in places and tmp_path / "docker.sock" in places
    monkeypatch.setattr(daemon, "_exists", lambda place: place in (places[2], places[4]))
    monkeypatch.setattr(daemon.os, "access", lambda place, mode: place == places[4])
    assert daemon._socket(environ) == places[4]  # the one that this user may use
    monkeypatch.setattr(daemon.os, "access", lambda place, mode: False)
    assert daemon._socket(environ) == places[2]
    monkeypatch.setattr(daemon, "_exists", lambda place: False)
    assert daemon._socket(environ) == places[0]


def test_docker_host_is_heeded(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="not running"):
        connect({"DOCKER_HOST": f"unix://{tmp_path}/nobody.sock"})


def test_a_rootless_daemons_root_is_the_caller() -> None:
    assert DOCKER.identity() == identity() and DOCKER.identity()[0] != 0
    assert Daemon(rootless=True).identity() == (0, 0)
    assert replace(DOCKER, podman=True).identity() == identity()
    assert "nproc" in Daemon(podman=True).ulimits(Limits()) and "nproc" not in DOCKER.ulimits(Limits())
