"""The supervisor in whole runs: drift answered, states kept, what it did told."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from coder import run
from coder.cli.dispatch import dispatch
from coder.policies import hybrid
from coder.policies.contract import Edit, ToolEvent
from coder.policies.search import SearchPolicy
from coder.record.store import RunStore
from coder.supervisor import ladder
from coder.task import Request

sys.path.insert(0, str(Path(__file__).parent.parent / "drift"))

import drifters

GOOD = drifters.FILES[drifters.SOURCE].replace(drifters.OLD, "def cheapest(prices):\n    return min(prices)").encode()
BAD = GOOD.replace(b"min(prices)", b"sorted(prices)[1]")
BREAKS = GOOD.replace(b"sum(prices)", b"max(prices)")


@pytest.fixture(autouse=True)
def target(monkeypatch: pytest.MonkeyPatch, target_env: Path) -> None:
    monkeypatch.setenv("VIRTUAL_ENV", str(target_env))


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scripted_policy: Callable[..., Any]) -> Callable[..., Any]:
    """Runs a scripted policy over the shop without a sandbox; the result and its events."""
    for name, text in drifters.FILES.items():
        (tmp_path / "repo" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "repo" / name).write_text(text)

    def go(script: list[Any], **more: Any) -> tuple[Any, list[Any]]:
        monkeypatch.setattr(run, "_policy", lambda request: (scripted_policy(script), "scripted", "test"))
        events: list[Any] = []
        request = Request(
            tmp_path / "repo", "test_cheapest", **{"model": "none", "sandbox": "none", "time": 200.0, **more}
        )
        return run.fix(request, RunStore(tmp_path / "home"), events.append), events

    return go


def of(events: list[Any], node: str, kind: str) -> list[dict[str, Any]]:
    return [dict(e.data) for e in events if (e.node, e.kind) == (node, kind)]


def test_a_model_that_repeats_itself_is_brought_back_by_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    result = drifters.fix("repeat_call", "nudge", supervise=True, home=tmp_path)
    assert result.status == "fixed" and result.drift.interventions == 1 and result.counts.steps <= 10
    monkeypatch.setenv("CODER_HOME", str(tmp_path / "home"))
    assert dispatch(["show", result.run_id]) == 0
    said = capsys.readouterr().out
    assert "stepped in (nudge)" in said and "that helped" in said and "strip      ..A" in said
    assert dispatch(["show", result.run_id, "--knowledge"]) == 0
    said = capsys.readouterr().out
    assert "shop/prices.py" in said and "passed" in said and "cheapest in" in said


def test_without_the_supervisor_the_same_model_is_lost(tmp_path: Path) -> None:
    result = drifters.fix("repeat_call", "nudge", supervise=False, home=tmp_path)
    assert result.status == "not_fixed" and result.drift.interventions == 0 and result.drift.overacting > 20


def test_a_model_that_nothing_brings_back_is_left_for_the_search(tmp_path: Path) -> None:
    result = drifters.fix("rephrase", "never", supervise=True, home=tmp_path)
    assert result.status == "fixed", result.reason


SUMS = {
    "sums.py": "def add(a, b):\n    return a - b\n\n\ndef numbers(text):\n    raise NotImplementedError\n",
    "test_sums.py": "from sums import add, numbers\n\n\ndef test_old():\n    assert add(2, 0) == 2\n\n\n"
    "def test_add():\n    assert [add(2, 1), add(5, 5)] == [3, 10]\n\n\n",
}
PARSES = (
    b"SEPARATOR = ','\n\n\ndef numbers(text):\n    return [int(part) for part in text.split(SEPARATOR)]\n\n\n"
    b"def add(a, b):\n    return a - b\n"
)


THREE = (
    b"import os\n\n\ndef add(a, b):\n    return 3 if b else a\n\n\ndef numbers(text):\n    raise NotImplementedError\n"
)
NUMBERS = "def test_numbers():\n    assert numbers('1,2') == [1, 2]\n"
MORE = "def test_more():\n    assert add(2, 1) == 3\n"


@pytest.mark.parametrize(
    ("test", "wrote", "wanted"),
    [
        pytest.param(NUMBERS, PARSES, ["+SEPARATOR = ','", "+    return a + b"], id="a second edit on the best"),
        pytest.param(MORE, THREE, ["+    return a + b"], id="one edit of the base"),
    ],
)
def test_the_search_that_takes_over_stands_on_the_best_and_then_on_the_base(
    test: str,
    wrote: bytes,
    wanted: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    scripted_policy: Callable[..., Any],
) -> None:
    """The best has other offsets than the base: a right candidate would be put in the wrong place."""
    repo = tmp_path / "sums"
    repo.mkdir()
    for name, text in SUMS.items():
        (repo / name).write_text(text + test if name.startswith("test") else text)
    looked = ToolEvent("read_file", {"path": "sums.py"}, True, True, "sums.py")
    script = [{"write": {"sums.py": wrote}}, *[lambda view: Edit(tool_events=(looked,), wants="more")] * 20]
    monkeypatch.setattr(hybrid, "SEARCH_SHARE", 0.0)
    monkeypatch.setattr(hybrid, "FEWEST_STEPS", 0)
    monkeypatch.setattr(ladder, "STAIRS", ((ladder.Rung.SWITCH, 0.1), (ladder.Rung.STOP, 99.0)))
    policy = hybrid.HybridPolicy(SearchPolicy(), scripted_policy(script))
    monkeypatch.setattr(run, "_policy", lambda request: (policy, "scripted", "test"))
    events: list[Any] = []
    request = Request(repo, model="none", sandbox="none", time=200.0)
    result = run.fix(request, RunStore(tmp_path / "home"), events.append)
    assert [d["rung"] for d in of(events, "supervisor", "intervention")] == ["switch policy"]
    assert of(events, "supervisor", "checkpoint")[0]["goal_passed"] == 1
    assert result.status == "fixed", result.reason
    added = [line for line in result.patch.split("\n") if line.startswith("+") and not line.startswith("+++")]
    assert set(wanted) <= set(added) and (len(wanted) > 1 or added == wanted), result.patch
    assert "`return a - b` becomes `return a + b`" in result.explanation
    assert ("The change is in sums.py." in result.explanation) == (len(wanted) > 1)


def test_every_tested_state_is_a_commit_and_the_users_repository_has_none(play: Callable[..., Any]) -> None:
    result, events = play([{"write": {drifters.SOURCE: BAD}}, {"write": {drifters.SOURCE: GOOD}}])
    assert result.status == "fixed"
    kept = of(events, "supervisor", "checkpoint")
    assert [c["goal_passed"] for c in kept] == [0, 1]
    store = Path(result.run_dir) / "base.git"
    for number, checkpoint in enumerate(kept, 1):
        ref = f"refs/coder/tested/{number}"
        found = subprocess.run(
            ["git", f"--git-dir={store}", "rev-parse", ref], capture_output=True, text=True, check=True
        )
        assert found.stdout.strip() == checkpoint["commit"]


def test_a_change_that_breaks_something_is_taken_back_and_refused_the_second_time(play: Callable[..., Any]) -> None:
    again = BREAKS + b"\n# the same but for a comment\n"
    result, events = play(
        [{"write": {drifters.SOURCE: BREAKS}}, {"write": {drifters.SOURCE: again}}, {"write": {drifters.SOURCE: GOOD}}]
    )
    assert result.status == "fixed" and result.counts.rollbacks == 1
    assert len(of(events, "edit", "refused")) == 1, "told by its syntax tree"
    assert len(of(events, "test", "outcome")) == 2


def test_a_rollback_restores_the_tree_exactly(play: Callable[..., Any], tmp_path: Path) -> None:
    """Modes, links and files that git does not know, whatever the tests of a change did to them."""
    repo = tmp_path / "repo"
    (repo / "run.sh").write_text("#!/bin/sh\n")
    (repo / "run.sh").chmod(0o755)
    (repo / "link").symlink_to("run.sh")
    (repo / "notes.txt").write_text("untracked\n")
    tree = (
        "import os\nimport shop.prices\n\n\ndef test_tree():\n    assert os.access('run.sh', os.X_OK)\n"
        "    assert os.readlink('link') == 'run.sh' and not os.path.exists('junk')\n"
        "    assert open('notes.txt').read() == 'untracked\\n'\n"
    )
    (repo / "tests" / "test_tree.py").write_text(tree)
    wrecks = (
        b"\nimport os\n\nif os.path.exists('notes.txt'):\n    os.chmod('run.sh', 0o644)\n    os.remove('link')\n"
        b"    os.symlink('/etc/passwd', 'link')\n    os.remove('notes.txt')\n    os.makedirs('junk/deep')\n"
    )
    result, events = play([{"write": {drifters.SOURCE: GOOD + wrecks}}, {"write": {drifters.SOURCE: GOOD}}])
    assert result.status == "fixed" and "chmod" not in result.patch, result.reason
    assert [r["tests"] for r in of(events, "supervisor", "rollback")] == [["tests/test_tree.py::test_tree"]]


def test_a_state_that_was_tested_is_answered_from_what_is_known(play: Callable[..., Any]) -> None:
    steps = [{"write": {drifters.SOURCE: data}} for data in (BAD, BAD.replace(b"[1]", b"[2]"), BAD, GOOD)]
    result, events = play(steps)
    assert result.status == "fixed"
    [refused] = of(events, "edit", "refused")
    assert "tested before: 0 of 1 goal tests passed" in refused["reason"]


@pytest.mark.parametrize(
    ("budget", "words"),
    [
        ({"test_runs": 1}, "budget of 1 runs of the tests"),
        ({"steps": 6}, "steps"),
        ({"disk": 0, "model_calls": 0, "steps": 7}, "steps"),
    ],
)
def test_budgets_are_hard(play: Callable[..., Any], budget: dict[str, Any], words: str) -> None:
    steps = [{"write": {drifters.SOURCE: BAD.replace(b"[1]", f"[{n}]".encode())}} for n in range(1, 9)]
    result, _ = play(steps, **budget)
    assert result.status == "not_fixed" and words in result.reason
    assert result.counts.steps <= budget.get("steps", 9)


def test_the_last_steps_are_kept_for_a_verification(play: Callable[..., Any]) -> None:
    """Three steps are left when the test passes: enough for what proves it, since nothing new was begun before."""
    result, _ = play([{"write": {drifters.SOURCE: GOOD}}], steps=6)
    assert result.status == "fixed" and result.counts.steps == 6


def test_a_test_that_time_breaks_is_not_blamed_on_the_change(play: Callable[..., Any], tmp_path: Path) -> None:
    """It passes twice at the baseline, and from then on fails, with the change and without."""
    marks = tmp_path / "marks"
    marks.mkdir()
    body = (
        "import os\nfrom shop.prices import cheapest\n\n\n"
        f"def test_later():\n    cheapest([1])\n    marks = {str(marks)!r}\n"
        "    open(os.path.join(marks, str(len(os.listdir(marks)))), 'w').close()\n"
        "    assert len(os.listdir(marks)) <= 2\n"
    )
    (tmp_path / "repo" / "tests" / "test_later.py").write_text(body)
    result, events = play([{"write": {drifters.SOURCE: GOOD}}])
    assert result.status == "fixed", result.reason
    assert result.verification.flaky == ["tests/test_later.py::test_later"]
    assert of(events, "test", "unsteady") == [{"ids": ["tests/test_later.py::test_later"]}]


def test_a_change_that_breaks_a_test_only_in_the_suites_order_is_blamed(
    play: Callable[..., Any], tmp_path: Path
) -> None:
    """Alone the test passes with the change too; among the others only without it."""
    body = (
        "import shop.prices\nfrom shop.prices import cheapest\n\n\n"
        "def test_first():\n    cheapest([2, 1])\n\n\n"
        "def test_second():\n    assert getattr(shop.prices, 'CALLS', 0) == 0\n"
    )
    (tmp_path / "repo" / "tests" / "test_after.py").write_text(body)
    leaks = GOOD.replace(b"    return min(prices)", b"    global CALLS\n    CALLS = 1\n    return min(prices)")
    result, _ = play([{"write": {drifters.SOURCE: leaks}}, {"write": {drifters.SOURCE: GOOD}}])
    assert result.status == "fixed" and "CALLS" not in result.patch
    assert result.counts.rollbacks == 1
