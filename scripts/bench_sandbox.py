"""What the sandbox costs, as ratios against the same without it, each pair measured in this one run.

`make bench-sandbox` runs it alone.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from coder_sandbox.choose import Kind, open_sandbox, probe
from coder_sandbox.contract import Limits, Sandbox, Workspace
from coder_sandbox.toolchain import find_toolchain

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / ".venv-target" / "bin" / "python"
SDISTS = ROOT / ".cache" / "sdist"
SUITE = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
Row = tuple[str, str, str, str]


def median(act: Callable[[], object], runs: int) -> float:
    """Seconds that something takes, after one time that is not counted."""
    taken = []
    for _ in range(runs + 1):
        started = time.perf_counter()
        act()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken[1:])


def run(*argv: str, cwd: Path = ROOT) -> None:
    """A plain process, which must succeed."""
    done = subprocess.run(argv, cwd=cwd, capture_output=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{argv} ended with {done.returncode}: {done.stderr.decode()[-1000:]}")


@contextmanager
def opened(kind: Kind, workspace: Workspace) -> Iterator[Sandbox]:
    """A sandbox, closed at the end."""
    box = open_sandbox(kind, workspace, Limits())
    try:
        yield box
    finally:
        box.close()


def commands(workspace: Workspace) -> Row:
    """A command through the open sandbox against `docker exec` into the same container."""
    with opened("docker", replace(workspace, label="bench")) as box:
        argv = ["docker", "ps", "-q", "--filter", "label=coder.run=bench"]
        container = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()[0]
        ours = median(lambda: box.run(["true"], timeout=10), 40)
        theirs = median(lambda: run("docker", "exec", container, "true"), 8)
    detail = f"{ours * 1000:.1f} ms against {theirs * 1000:.0f} ms"
    return "docker exec / a command through the open sandbox", f"{theirs / ours:.0f} x", "at least 15 x", detail


def opening_bwrap(workspace: Workspace) -> Row:
    """Opening bubblewrap and its agent, against the same interpreter as a plain process."""

    def open_it() -> None:
        with opened("bwrap", workspace) as box:
            box.run(["true"], timeout=10)

    plain = median(lambda: run(str(TARGET), "-c", "import subprocess; subprocess.run(['true'])"), 12)
    ours = median(open_it, 12)
    detail = f"{ours * 1000:.0f} ms against {plain * 1000:.0f} ms"
    what = "opening bwrap, a command, closing - the same in a process"
    return what, f"{(ours - plain) * 1000:.0f} ms", "at most 50 ms", detail


def opening_docker(workspace: Workspace) -> Row:
    """Opening the container and its agent, against `docker run` of the same image with the same content."""
    argv = ["docker", "images", "-q", "coder-empty"]
    image = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()[0]
    binds = [f"-v{name}:{name}:ro" for name in ("/usr", "/etc/ld.so.cache")]
    binds += [f"-v{mount.host}:{mount.inside}:ro" for mount in workspace.mounts]
    theirs = median(lambda: run("docker", "run", "--rm", *binds, image, str(workspace.python), "-c", "pass"), 6)

    def open_it() -> None:
        with opened("docker", workspace):
            pass

    ours = median(open_it, 6)
    detail = f"{ours * 1000:.0f} ms against {theirs * 1000:.0f} ms"
    return "opening docker / docker run of the same image", f"{ours / theirs:.2f} x", "at most 1.3 x", detail


def suite(kind: Kind, workspace: Workspace) -> Row:
    """more-itertools' own tests inside against outside, each in turn so that a busy machine is busy for both."""
    inside, outside = [], []
    with opened(kind, workspace) as box:
        for _ in range(3):
            started = time.perf_counter()
            done = box.run([str(workspace.python), *SUITE], timeout=600)
            inside.append(time.perf_counter() - started)
            if done.exit_code != 0:
                raise SystemExit(f"the suite fails inside: {done.stdout[-1000:]}{done.stderr[-500:]}")
            started = time.perf_counter()
            run(str(TARGET), *SUITE, cwd=workspace.inside)
            outside.append(time.perf_counter() - started)
    ours, theirs = min(inside), min(outside)
    cost = f"{(ours / theirs - 1) * 100:+.0f} %"
    return f"more-itertools' suite in {kind} / outside", cost, "at most +10 %", f"{ours:.1f} s against {theirs:.1f} s"


def library(place: Path) -> Workspace:
    """more-itertools as released, twice: where the user has it, and as the worktree."""
    (archive,) = SDISTS.glob("more_itertools-*.tar.gz")
    for name in ("repo", "worktree"):
        with tarfile.open(archive) as tar:
            tar.extractall(place / name, filter="data")
    (repo,), (worktree,) = (place / "repo").iterdir(), (place / "worktree").iterdir()
    toolchain = find_toolchain(place, os.environ, str(TARGET))
    return Workspace(worktree, repo, toolchain.python, toolchain.mounts, env=toolchain.env)


def rows() -> Iterator[Row]:
    """Every figure that can be measured here, as it is there. The library's source must have been fetched."""
    work = Path(tempfile.mkdtemp(prefix="coder-bench-"))
    try:
        workspace = library(work)
        if probe("bwrap")[0]:
            yield opening_bwrap(workspace)
        if probe("docker")[0]:
            yield commands(workspace)
            yield opening_docker(workspace)
        for kind in ("bwrap", "docker"):
            if probe(kind)[0]:
                yield suite(kind, workspace)
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    for what, figure, bar, detail in rows():
        print(f"{what:64} {figure:>10}   {bar:16} {detail}", flush=True)
