"""Killed at any instant coder leaves nothing, and nothing of the user's is changed.

CODER_KILLS says how often (`make kills`: 200), CODER_SEED at which instants.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from coder.record.store import RunDir, RunStore

CODER = Path(sys.executable).with_name("coder")
KILLS = int(os.environ.get("CODER_KILLS", "8")) // 2  # in each sandbox
SEED = int(os.environ.get("CODER_SEED", "1"))
FILES = {
    "shop/__init__.py": "",
    "shop/prices.py": "def total(prices):\n    return sum(prices)\n\n\ndef cheapest(prices):\n    return max(prices)\n",
    "tests/test_prices.py": "from shop.prices import cheapest, total\n\n"
    "def test_total():\n    assert total([1, 2]) == 3\n\ndef test_cheapest():\n    assert cheapest([3, 1, 2]) == 1\n",
}


def fingerprint(root: Path) -> dict[str, tuple[float, str]]:
    """Every file of the user's repository: when it was changed, and its content."""
    files = (p for p in root.rglob("*") if p.is_file())
    return {str(p): (p.stat().st_mtime, hashlib.sha256(p.read_bytes()).hexdigest()) for p in files}


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

    def runs(self) -> list[RunDir]:
        return [self.store.open(summary.run_id) for summary in self.store.list()]

    def containers(self) -> list[str]:
        if self.kind != "docker":
            return []
        found: list[str] = []
        for path in self.store.runs.iterdir():
            argv = ["docker", "ps", "-aq", "--filter", f"label=coder.run={path.name}"]
            found += subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()
        return found

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

    def mounts(self) -> list[str]:
        return [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(self.top) in line]


@pytest.fixture(
    params=[pytest.param("bwrap", marks=pytest.mark.bwrap), pytest.param("docker", marks=pytest.mark.docker)]
)
def scene(request: pytest.FixtureRequest, tmp_path: Path, target_env: Path) -> Scene:
    return Scene(tmp_path, request.param, target_env)


def test_49_kill_at_a_random_instant(scene: Scene, eventually: Callable[[Callable[[], bool], float], bool]) -> None:
    whole = scene.finish()
    before = fingerprint(scene.repo)
    instants = random.Random(SEED)
    for _ in range(KILLS):
        process = scene.start()
        time.sleep(instants.uniform(0, whole))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert fingerprint(scene.repo) == before
        assert eventually(lambda: not scene.processes(), 10), scene.processes()  # without any help
    scene.finish()  # the next start
    assert scene.containers() == [] and scene.processes() == [] and scene.mounts() == []
    assert list(scene.tmp.iterdir()) == []
    for run in scene.runs():
        assert not run.running()
        assert run.summary().status in ("interrupted", "fixed")
        assert not (run.path / "worktrees").is_dir() or list((run.path / "worktrees").iterdir()) == []
    assert fingerprint(scene.repo) == before


def test_50_the_clock_jumps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Budgets go by a clock that nobody sets."""
    from coder.supervisor.budget import Budget
    from coder.task import Request

    budget = Budget(Request(repo=Path("/x"), time=60.0))
    real = time.time
    for jump in (-1e9, 1e9):
        monkeypatch.setattr(time, "time", lambda jump=jump: real() + jump)
        assert 0 <= budget.elapsed() < 30
