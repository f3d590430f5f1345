"""Killed at any instant coder leaves nothing, and nothing of the user's is changed.

CODER_KILLS says how often (`make kills`: 200), CODER_SEED at which instants.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from coder.record.store import RunStore
from coder.record.sweep import sweep

CODER = Path(sys.executable).with_name("coder")
KILLS = int(os.environ.get("CODER_KILLS", "8")) // 2  # in each sandbox
SEED = int(os.environ.get("CODER_SEED", "1"))
FILES = {
    "shop/__init__.py": "",
    "shop/prices.py": "def total(prices):\n    return sum(prices)\n\n\ndef cheapest(prices):\n    return max(prices)\n",
    "tests/test_prices.py": "from shop.prices import cheapest, total\n\n"
    "def test_total():\n    assert total([1, 2]) == 3\n\ndef test_cheapest():\n    assert cheapest([3, 1, 2]) == 1\n",
}


def fingerprint(root: Path) -> dict[str, tuple[Any, ...]]:
    """All of the user's repository, directories and git's own files too: mode, owner, time of change, content."""
    found = {}
    for path in (root, *root.rglob("*")):
        status = path.lstat()
        content: str | bytes = b""
        if stat.S_ISREG(status.st_mode):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
        elif stat.S_ISLNK(status.st_mode):
            content = str(path.readlink())
        found[str(path)] = (status.st_mode, status.st_uid, status.st_gid, status.st_nlink, status.st_mtime_ns, content)
    return found


class Scene:
    """A repository, coder's home and a temporary directory of their own, so that all that is left can be found."""

    def __init__(self, top: Path, kind: str, target: Path) -> None:
        self.top, self.kind, self.target = top, kind, target
        self.repo, self.tmp = top / "repo", top / "tmp"
        self.tmp.mkdir()
        for name, text in FILES.items():
            (self.repo / name).parent.mkdir(parents=True, exist_ok=True)
            (self.repo / name).write_text(text)
        for argv in (
            ["init", "-q"],
            ["add", "-A"],
            ["-c", "user.name=A", "-c", "user.email=a@b", "commit", "-qm", "x"],
        ):
            subprocess.run(["git", "-C", self.repo, *argv], check=True)
        self.store = RunStore(top / "home")

    def start(self) -> subprocess.Popen[str]:
        environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("CODER_")},
            "CODER_HOME": str(self.store.home),
            "TMPDIR": str(self.tmp),
            "VIRTUAL_ENV": str(self.target),
        }
        argv = [CODER, "fix", "failing test test_cheapest", "--repo", str(self.repo), "--json", "--no-apply"]
        return subprocess.Popen(
            [*map(str, argv), "--model", "none", "--sandbox", self.kind],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def finish(self) -> float:
        """A whole run, which must succeed; how long it took, in seconds."""
        began = time.monotonic()
        out, err = self.start().communicate(timeout=300)
        assert json.loads(out)["status"] == "fixed", out + err
        return time.monotonic() - began

    def sweep(self) -> None:
        """What the next start of coder does first."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tempfile, "tempdir", str(self.tmp))
            sweep(self.store)

    def left(self) -> list[str]:
        """All that should not be there when no coder runs."""
        runs = [self.store.open(summary.run_id) for summary in self.store.list()]
        kept = [str(path) for run in runs for path in run.path.glob("worktrees/*")]
        kept += [run.id for run in runs if run.running() or run.summary().status not in ("interrupted", "fixed")]
        mounts = [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(self.top) in line]
        return [*kept, *mounts, *map(str, self.tmp.iterdir()), *self.containers(), *self.processes()]

    def containers(self) -> list[str]:
        if self.kind != "docker":
            return []
        mine = {path.name for path in self.store.runs.iterdir()}
        argv = ["docker", "ps", "-a", "--filter", "label=coder.run", "--format", '{{.ID}} {{.Label "coder.run"}}']
        listed = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()
        return [line for line in listed if line.split()[-1] in mine]

    def processes(self) -> list[str]:
        """Those of this scene, by a path of it in their command line or working directory."""
        found = []
        for entry in Path("/proc").iterdir():
            try:
                line = (entry / "cmdline").read_bytes() + os.fsencode(os.readlink(entry / "cwd"))  # noqa: PTH115
            except OSError:
                continue
            if entry.name.isdigit() and os.fsencode(self.top) in line and int(entry.name) != os.getpid():
                found.append(entry.name)
        return found


@pytest.fixture(
    params=[pytest.param("bwrap", marks=pytest.mark.bwrap), pytest.param("docker", marks=pytest.mark.docker)]
)
def scene(request: pytest.FixtureRequest, tmp_path: Path, target_env: Path) -> Scene:
    return Scene(tmp_path, request.param, target_env)


def test_49_kill_at_a_random_instant(scene: Scene, eventually: Callable[[Callable[[], bool], float], bool]) -> None:
    """After each kill: the processes end without any help, and what else there is with the next start."""
    whole = scene.finish()
    before = fingerprint(scene.repo)
    instants = random.Random(SEED)
    for _ in range(KILLS):
        process = scene.start()
        time.sleep(instants.uniform(0, whole))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert fingerprint(scene.repo) == before
        assert eventually(lambda: not scene.processes(), 10), scene.processes()
        scene.sweep()
        assert scene.left() == []
    assert fingerprint(scene.repo) == before


class Door:
    """A socket that leads to the Docker daemon until it is shut: to a client, the daemon has stopped then."""

    def __init__(self, place: Path, daemon: str) -> None:
        self._daemon, self._open = daemon, [socket.socket(socket.AF_UNIX)]
        self._open[0].bind(str(place))
        self._open[0].listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._open[0].accept()
                daemon = socket.socket(socket.AF_UNIX)
                daemon.connect(self._daemon)
                self._open += (client, daemon)
                for pair in ((client, daemon), (daemon, client)):
                    threading.Thread(target=self._carry, args=pair, daemon=True).start()

    def _carry(self, source: socket.socket, to: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                to.sendall(data)
            to.shutdown(socket.SHUT_WR)

    def shut(self) -> None:
        for end in self._open:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@pytest.mark.docker
def test_50_the_daemon_stops_in_the_middle_of_a_run(
    tmp_path: Path,
    target_env: Path,
    monkeypatch: pytest.MonkeyPatch,
    eventually: Callable[[Callable[[], bool], float], bool],
) -> None:
    from coder import run
    from coder.task import Request
    from coder_sandbox.daemon import connect

    scene = Scene(tmp_path, "docker", target_env)
    with contextlib.closing(connect()) as client:
        real = client.api.base_url
    if not (daemon := getattr(client.api, "_custom_adapter", None)):
        pytest.skip(f"the daemon at {real} is not reached through a socket of this machine")
    door = Door(tmp_path / "door", daemon.socket_path)
    monkeypatch.setenv("VIRTUAL_ENV", str(target_env))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/door")
    before = fingerprint(scene.repo)

    def stop(event: Any) -> None:
        if (event.node, event.kind) == ("baseline", "collected"):
            door.shut()

    wanted = Request(scene.repo, goal="failing test test_cheapest", model="none", sandbox="docker", time=300.0)
    result = run.fix(wanted, scene.store, stop)
    assert (result.status, result.exit_code, result.resumable) == ("environment_error", 3, True)
    assert "docker" in result.reason.lower()
    monkeypatch.delenv("DOCKER_HOST")
    assert eventually(lambda: not scene.processes(), 10)
    again = run.resume(result.run_id, scene.store, lambda event: None)  # control: with a daemon it is fixed
    assert again.status == "fixed", again.reason
    assert scene.containers() == [] and fingerprint(scene.repo) == before


def test_50_the_clock_jumps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Budgets go by a clock that nobody sets."""
    from coder.supervisor.budget import Budget
    from coder.task import Request

    budget = Budget(Request(repo=Path("/x"), time=60.0))
    real, steady = time.time, time.monotonic
    for jump in (-1e9, 1e9):
        monkeypatch.setattr(time, "time", lambda jump=jump: real() + jump)
        assert 0 <= budget.elapsed() < 30
    monkeypatch.setattr(time, "monotonic", lambda: steady() + 1e6)
    assert budget.elapsed() > 1e5  # control: of that clock it would be true
