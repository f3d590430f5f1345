"""Weak tests: several patches pass and do different things. The run says so, and each can be looked at and taken."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from coder import run
from coder.cli.main import main
from coder.record.result import Result
from coder.record.store import RunStore
from coder.task import Request

PRICES = """\
def clamp(price, low, high):
    if price < low:
        return low
    if price > low:
        return high
    return price
"""
TESTS = """\
from shop.prices import clamp

def test_low():
    assert clamp(-2, 0, 10) == 0

def test_mid():
    assert clamp(3, 0, 10) == 3
"""
SHOP = {"shop/__init__.py": "", "shop/prices.py": PRICES, "tests/test_prices.py": TESTS}


@pytest.fixture
def weak(
    make_repo: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target_env: Path
) -> tuple[Path, Result]:
    """A repository whose tests leave much open, and a run over it."""
    monkeypatch.setenv("VIRTUAL_ENV", str(target_env))
    monkeypatch.setenv("CODER_HOME", str(tmp_path / "coder"))
    repo = make_repo(SHOP)
    request = Request(repo=repo, goal="test_mid", model="none", sandbox="none", time=120.0)
    result = run.fix(request, RunStore(), lambda event: None)
    assert result.status == "fixed", result.reason
    return repo, result


def coder(monkeypatch: pytest.MonkeyPatch, *argv: str) -> int:
    monkeypatch.setattr("sys.argv", ["coder", *argv])
    return main()


def call(repo: Path, expression: str) -> str:
    code = f"from shop.prices import clamp; print(repr({expression}))"
    return subprocess.run(["python3", "-c", code], cwd=repo, capture_output=True, text=True, check=True).stdout.strip()


def test_the_run_offers_verified_alternatives_that_can_be_seen_applied_and_taken_back(
    weak: tuple[Path, Result], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    repo, result = weak
    assert result.alternatives, "the tests leave it open what happens above `high`"
    other = result.alternatives[0]
    assert other.verified
    assert other.patch != result.patch
    seen = other.differences[0]
    assert seen.this != seen.other
    assert f"assert {seen.call} == {seen.this.removeprefix('returns ')}" in other.test

    assert coder(monkeypatch, "show", result.run_id, "--alternatives") == 0
    shown = capsys.readouterr().out
    assert seen.call in shown and seen.this in shown and seen.other in shown
    assert f"coder apply {result.run_id} --alternative 1" in shown

    # What the result says each patch does is what it does.
    assert coder(monkeypatch, "apply", result.run_id, "--alternative", "1") == 0
    assert f"returns {call(repo, seen.call)}" == seen.other
    assert coder(monkeypatch, "undo", result.run_id) == 0
    assert (repo / "shop/prices.py").read_text() == PRICES
    assert coder(monkeypatch, "apply", result.run_id) == 0
    assert f"returns {call(repo, seen.call)}" == seen.this


def test_one_that_is_not_there_or_not_verified_is_refused(
    weak: tuple[Path, Result], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    repo, result = weak
    assert coder(monkeypatch, "apply", result.run_id, "--alternative", "99") == 2
    assert "no alternative 99" in capsys.readouterr().err
    path = Path(result.run_dir) / "result.json"
    stored = json.loads(path.read_text())
    stored["alternatives"][0]["verified"] = False
    path.write_text(json.dumps(stored))
    assert coder(monkeypatch, "apply", result.run_id, "--alternative", "1") == 2
    assert "not verified" in capsys.readouterr().err
    assert coder(monkeypatch, "show", result.run_id, "--alternatives") == 0
    assert "(NOT verified)" in capsys.readouterr().out
    assert (repo / "shop/prices.py").read_text() == PRICES


def test_the_explanation_is_the_commit_message(
    weak: tuple[Path, Result], monkeypatch: pytest.MonkeyPatch, git: Callable[..., str]
) -> None:
    from coder.cli.landing import land

    repo, result = weak
    assert result.explanation.startswith("`test_mid` expected 3 and got 10. In `clamp` (shop/prices.py, line ")
    land(RunStore().open(result.run_id), "commit")
    message = git(repo, "log", "-1", "--format=%B")
    assert message.startswith("Fix test_mid\n\n")
    assert " ".join(message.split()).count(result.explanation) == 1


def test_a_sandbox_that_fails_on_an_alternative_does_not_lose_the_patch(
    make_repo: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target_env: Path
) -> None:
    from coder.session import Session
    from coder_sandbox.contract import SandboxError

    monkeypatch.setenv("VIRTUAL_ENV", str(target_env))
    opened: list[str] = []
    clean_room = Session.clean_room

    def second_fails(self: Session, name: str, changes: object) -> object:
        opened.append(name)
        if len(opened) == 2:
            raise SandboxError("it is gone")
        return clean_room(self, name, changes)  # type: ignore[arg-type]

    monkeypatch.setattr(Session, "clean_room", second_fails)
    request = Request(repo=make_repo(SHOP), goal="test_mid", model="none", sandbox="none", time=120.0)
    result = run.fix(request, RunStore(tmp_path / "coder"), lambda event: None)
    assert (result.status, len(opened) > 1) == ("fixed", True)
    assert result.alternatives[0].verified is False
    assert result.verification.goal_passed == 1
