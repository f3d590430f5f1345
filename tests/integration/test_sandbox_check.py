"""coder sandbox check tells a sandbox that holds from one that does not, promise by promise."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from coder_sandbox import choose, promises
from coder_sandbox.contract import Limits, Sandbox, Workspace

Coder = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def coder(tmp_path: Path) -> Coder:
    def run(*argv: str, path: str = "") -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "CODER_HOME": str(tmp_path / "home")}
        env |= {"PATH": path} if path else {}
        command = [sys.executable, "-P", "-m", "coder.cli.main", *argv]
        return subprocess.run(command, capture_output=True, text=True, env=env, check=False)

    return run


def test_every_promise_holds_here(isolating: str, coder: Coder) -> None:
    done = coder("sandbox", "check", "--sandbox", isolating, "--json")
    said = json.loads(done.stdout)
    broken = [row for row in said["backends"][0]["promises"] if not row["ok"]]
    assert (done.returncode, said["ok"], broken) == (0, True, []), done.stderr
    assert len(said["backends"][0]["promises"]) == len(promises.PROMISES) + 2


def test_without_a_sandbox_each_promise_that_needs_one_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: the same attempts succeed where nothing holds them back. Those that would harm the machine which
    the tests run on, by writing to its own /etc or by bombs, are left out."""

    def unprotected(kind: Any, workspace: Workspace, limits: Limits) -> Sandbox:
        return choose.open_sandbox("none", replace(workspace, allow_hosts=()), limits)

    monkeypatch.setattr(promises, "open_sandbox", unprotected)
    harmful = {"it writes into its worktree alone", "a fork bomb is ended", "a memory bomb is ended"}
    tried = {name: attempt for name, attempt in promises.PROMISES.items() if name not in harmful}
    monkeypatch.setattr(promises, "PROMISES", tried)
    broken = {outcome.promise for outcome in promises.check("none") if not outcome.ok}
    assert broken >= {
        "your files are out of sight",
        "there is no network, and no DNS",
        "it has no privilege and gets none",
        "other processes are out of sight",
        "only the named hosts are reached",
    }  # the limits are the agent's doing, with or without a sandbox


def test_a_backend_that_does_not_work_is_said_with_the_remedy(coder: Coder, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    bwrap = tmp_path / "bin" / "bwrap"
    bwrap.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && echo "bubblewrap 0.9.0" && exit\necho "bwrap: no" >&2; exit 1\n'
    )
    bwrap.chmod(0o755)
    done = coder("sandbox", "check", "--sandbox", "bwrap", path=f"{tmp_path}/bin:/usr/bin:/bin")
    assert done.returncode == 3
    assert "bubblewrap does not work here: bwrap: no" in done.stdout and "--sandbox docker" in done.stdout


def test_a_kind_that_cannot_be_checked(coder: Coder) -> None:
    done = coder("sandbox", "check", "--sandbox", "none")
    assert done.returncode == 2 and "can be checked" in done.stderr
