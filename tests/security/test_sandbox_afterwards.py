"""What is left of a sandbox when it is closed, and when coder is killed: nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from coder_sandbox.contract import Limits, Workspace
from coder_sandbox.owner import Owner

HOST = """
import json, sys, threading
from pathlib import Path
from coder_sandbox.choose import open_sandbox
from coder_sandbox.contract import Limits, Mount, Workspace
kind, worktree, inside, python, label, token, mounts = sys.argv[1:]
mounts = tuple(Mount(Path(h), Path(i)) for h, i in json.loads(mounts))
box = open_sandbox(kind, Workspace(Path(worktree), Path(inside), Path(python), mounts, label=label), Limits())
threading.Timer(0.3, lambda: print("under way", flush=True)).start()
try:
    loop = f"while :; do sleep 1; done # {token}"
    box.run(["sh", "-c", f"setsid sh -c '{loop}' & {loop}"], timeout=60)
except KeyboardInterrupt:
    box.close()
    print("closed", flush=True)
"""


def start_host(kind: str, workspace: Workspace, token: str) -> subprocess.Popen[str]:
    mounts = json.dumps([(str(m.host), str(m.inside)) for m in workspace.mounts])
    paths = map(str, (workspace.worktree, workspace.inside, workspace.python))
    argv = [sys.executable, "-c", HOST, kind, *paths, workspace.label, token, mounts]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout and process.stdout.readline() == "under way\n"
    return process


def containers(label: str) -> list[str]:
    """Those that a run has left; none where there is no Docker."""
    try:
        done = subprocess.run(
            ["docker", "ps", "-aq", "--filter", f"label=coder.run={label}"], capture_output=True, text=True
        )
    except FileNotFoundError:
        return []
    return done.stdout.split()


@pytest.mark.parametrize("way", ["kill", "interrupt"])
def test_nothing_is_left_when_coder_is_killed_or_interrupted(
    backend: str,
    way: str,
    workspace: Workspace,
    processes_with: Callable[[str], list[int]],
    eventually: Callable[[Callable[[], bool], float], bool],
) -> None:
    token = f"coder-test-{os.getpid()}-{time.time_ns()}"
    process = start_host(backend, workspace, token)
    assert len(processes_with(token)) >= 3
    if way == "kill":
        process.kill()
    else:
        os.killpg(process.pid, 2)  # as a terminal does: to the whole foreground group
        assert process.stdout and process.stdout.readline() == "closed\n"
        assert not containers(workspace.label)
    process.communicate(timeout=10)
    assert eventually(lambda: not processes_with(token) and not containers(workspace.label), 5)


@pytest.mark.docker
@pytest.mark.parametrize("state", ["paused", "never started"])
def test_a_container_whose_coder_is_gone_is_swept(state: str, workspace: Workspace) -> None:
    """One whose agent cannot end it: because it is stopped, or because coder was killed before it came up."""
    import docker

    from coder_sandbox.docker import host_toolchain, open_docker, profile

    client = docker.from_env()
    if state == "paused":
        process = start_host("docker", workspace, "sweep")
        (container,) = containers(workspace.label)
        client.api.pause(container)
        process.kill()
        process.communicate()
    else:
        wanted = profile(workspace, Limits(), host_toolchain(client, workspace))
        wanted["labels"]["coder.owner"] = str(replace(Owner.me(), start="1"))  # the same pid, of another process
        container = client.containers.create(**wanted).short_id
    assert containers(workspace.label)
    other = open_docker(workspace, Limits())
    try:
        assert len(containers(workspace.label)) == 1 and container not in containers(workspace.label)
    finally:
        other.close()
        client.close()
    assert containers(workspace.label) == []


@pytest.mark.docker
def test_a_container_is_swept_at_the_next_start_whatever_sandbox_that_uses(
    workspace: Workspace, tmp_path: Path
) -> None:
    """Its agent is stopped, so that it cannot end by itself when coder is killed."""
    import docker

    from coder.record.store import RunStore
    from coder.record.sweep import sweep

    process = start_host("docker", workspace, "sweep")
    (container,) = containers(workspace.label)
    client = docker.from_env()
    client.api.pause(container)
    client.close()
    process.kill()
    process.communicate()
    assert containers(workspace.label)
    sweep(RunStore(tmp_path / "home"))
    assert containers(workspace.label) == []


def test_nothing_is_left_after_close(
    open_box: Any, backend: str, workspace: Workspace, processes_with: Callable[[str], list[int]]
) -> None:
    box = open_box(backend)
    box.run(["sh", "-c", "echo x > made"], timeout=5)
    before = threading.active_count()
    box.close()
    box.close()
    assert containers(workspace.label) == []
    assert processes_with(str(workspace.inside if backend != "none" else workspace.worktree)) == []
    assert [path.name for path in workspace.worktree.iterdir()] == ["made"]
    assert threading.active_count() <= before


def test_an_agent_that_hangs_does_not_keep_it_open(
    open_box: Any, backend: str, workspace: Workspace, agents: Callable[[], list[int]]
) -> None:
    box = open_box(backend)
    (agent,) = agents()
    os.kill(agent, signal.SIGSTOP)
    started = time.monotonic()
    box.close()
    assert time.monotonic() - started < (3 if backend == "none" else 1.5)
    assert not agents() and not containers(workspace.label)
