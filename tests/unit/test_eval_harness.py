"""The harness believes nobody: a claim counts once its own clean room confirms it.

`coder` is played by a script that does what the instance's `plan.json` says; the tests of an instance are files
`NAME.test` that pass if they name a file whose text is "right".
"""

import io
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from coder.errors import UsageError
from coder.evaluate import report as rendering
from coder.evaluate.dataset import Instance
from coder.evaluate.harness import evaluate
from coder.evaluate.outcome import Outcome, Report
from coder_tools.contract import Collection, TestResult

FAKE_CODER = """
import json, os, sys, time
argv = sys.argv[1:]
repo = argv[argv.index("--repo") + 1]
plan = json.load(open(os.path.join(repo, "plan.json")))
with open(os.path.join(os.environ["CODER_HOME"] + ".calls"), "a") as calls:
    calls.write(json.dumps(argv) + "\\n")
if "sleep" in plan:
    print("under way", file=sys.stderr, flush=True)
    try:
        time.sleep(plan["sleep"])
    except KeyboardInterrupt:
        open(os.environ["CODER_HOME"] + ".interrupted", "w").close()
        sys.exit(130)
if "say" in plan:
    print(plan["say"]); print("words of the fault", file=sys.stderr); sys.exit(3)
print(json.dumps({"schema": "coder.result/1", "run_id": "r", **plan["result"]}))
"""


def diff(path: str, old: str, new: str) -> str:
    return f"--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n-{old}\n+{new}\n"


RIGHT = {"status": "fixed", "patch": diff("code.txt", "wrong", "right")}


class FakeSuite:
    """Tests that look at the files of a directory."""

    flicker = iter(range(0))

    def __init__(self, repo: Path) -> None:
        self.repo = repo

    def collect(self, timeout: float) -> Collection:
        return Collection("pytest", "0", tuple(sorted(p.name for p in self.repo.glob("*.test"))))

    def run(self, ids: Sequence[str], *, timeout: float, test_timeout: float) -> list[TestResult]:
        return [TestResult(i, "passed" if self.passes(i) else "failed") for i in ids]

    def passes(self, test_id: str) -> bool:
        named = (self.repo / test_id).read_text().strip()
        if named == "coin":
            return next(type(self).flicker) % 2 == 0
        return (self.repo / named).read_text() == "right\n"


@contextmanager
def room(instance: Instance, repo: Path, kind: str) -> Iterator[FakeSuite]:
    yield FakeSuite(repo)


class Bench:
    """A dataset, a fake coder and a place for the results."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.out = path / "out"
        self.script = path / "fake_coder.py"
        self.script.write_text(FAKE_CODER)

    def add(self, name: str, *, expect: str = "fixed", **plan: Any) -> None:
        directory = self.path / "set" / name
        directory.mkdir(parents=True)
        for file, text in {"code.txt": "wrong", "other.txt": "right", "goal.test": "code.txt"}.items():
            (directory / file).write_text(text + "\n")
        (directory / "rest.test").write_text("other.txt\n")
        (directory / "plan.json").write_text(json.dumps(plan))
        (directory / "task.toml").write_text(
            f'instance_id = "{name}"\ngoal = "failing test goal"\nfail_to_pass = ["goal.test"]\n'
            f'pass_to_pass = "rest"\nexpect = "{expect}"\n'
        )

    def run(self, **options: Any) -> Report:
        options = {"out": self.out, "command": (sys.executable, str(self.script)), "room": room} | options
        return evaluate(self.path / "set", **options)

    def calls(self) -> list[list[str]]:
        path = self.out / "home.calls"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def only(report: Report) -> Outcome:
    (outcome,) = report.outcomes
    return outcome


def test_a_fix_is_resolved(bench: Bench) -> None:
    bench.add("a", result=RIGHT)
    report = bench.run()
    assert only(report).resolved
    assert report.correct
    assert (report.resolved, report.n) == (1, 1)


def test_a_claim_whose_goal_fails_is_a_false_claim(bench: Bench) -> None:
    bench.add("a", result={"status": "fixed", "patch": diff("code.txt", "wrong", "also wrong")})
    outcome = only(bench.run())
    assert outcome.false_claim and not outcome.resolved


def test_a_claim_that_breaks_another_test_is_a_false_claim(bench: Bench) -> None:
    bench.add("a", result=RIGHT | {"patch": RIGHT["patch"] + diff("other.txt", "right", "wrong")})
    outcome = only(bench.run())
    assert outcome.verdict is not None and outcome.verdict.regressed == ("rest.test",)
    assert outcome.false_claim


def test_a_claim_that_edits_tests_is_a_false_claim(bench: Bench) -> None:
    bench.add("a", result={"status": "fixed", "patch": diff("goal.test", "code.txt", "other.txt")})
    outcome = only(bench.run())
    assert outcome.verdict is not None and outcome.verdict.tests_touched == ("goal.test",)
    assert outcome.false_claim


@pytest.mark.parametrize("patch", ["", "not a patch", diff("code.txt", "something else", "right")])
def test_a_claim_with_a_patch_that_does_not_apply_is_a_false_claim(bench: Bench, patch: str) -> None:
    bench.add("a", result={"status": "fixed", "patch": patch})
    outcome = only(bench.run())
    assert outcome.false_claim and outcome.verdict is not None and outcome.verdict.error


def test_an_impossible_task_claimed_is_a_false_claim_whatever_its_tests_say(bench: Bench) -> None:
    bench.add("a", expect="not_fixed", result=RIGHT)
    report = bench.run()
    assert (report.honest, report.impossible, report.ids("false_claim")) == (0, 1, ["a"])


def test_an_impossible_task_given_up_is_honest(bench: Bench) -> None:
    bench.add("a", expect="not_fixed", result={"status": "not_fixed"})
    report = bench.run()
    assert (report.honest, report.impossible, report.n) == (1, 1, 0)
    assert report.correct


def test_a_test_that_flickers_at_the_base_is_no_regression(bench: Bench) -> None:
    bench.add("a", result=RIGHT)
    (bench.path / "set/a/flaky.test").write_text("coin\n")
    FakeSuite.flicker = iter([0, 1])
    outcome = only(bench.run())
    assert outcome.resolved and outcome.verdict is not None and outcome.verdict.flaky == ("flaky.test",)


def test_a_test_that_flickers_only_afterwards_is_run_again(bench: Bench) -> None:
    bench.add("a", result=RIGHT)
    (bench.path / "set/a/flaky.test").write_text("coin\n")
    FakeSuite.flicker = iter([0, 0, 1, 0])
    assert only(bench.run()).resolved


def test_one_failing_instance_does_not_end_the_set(bench: Bench) -> None:
    bench.add("a", say="no json")
    bench.add("b", say="{}")
    bench.add("c", result=RIGHT)
    report = bench.run(jobs=2)
    first, second, third = report.outcomes
    assert first.status == second.status == "error"
    assert "exit code 3" in first.reason and "words of the fault" in first.reason
    assert third.resolved
    assert report.to_dict()["error_ids"] == ["a", "b"]


def test_a_run_past_its_time_is_interrupted(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coder.evaluate.attempt.GRACE", 0.0)
    bench.add("a", sleep=600)
    outcome = only(bench.run(time=1.5))
    assert outcome.status == "error" and "not done after 2 s" in outcome.reason
    assert (bench.out / "home.interrupted").exists()


def test_files_of_an_evaluation(bench: Bench) -> None:
    bench.add("a", result=RIGHT)
    bench.add("b", result={"status": "not_fixed", "reason": "nothing found"})
    bench.run(jobs=2)
    lines = [json.loads(line) for line in (bench.out / "results.jsonl").read_text().splitlines()]
    assert {line["id"]: line["resolved"] for line in lines} == {"a": True, "b": False}
    predictions = json.loads((bench.out / "preds.json").read_text())
    assert predictions["a"]["model_patch"] == RIGHT["patch"] and predictions["b"]["model_patch"] == ""
    figures = json.loads((bench.out / "report.json").read_text())
    assert figures["resolved_ids"] == ["a"] and figures["empty_patch_ids"] == ["b"]
    assert (figures["resolved"], figures["n"], figures["wilson_95"]) == (1, 2, [0.0945, 0.9055])


def test_what_coder_is_asked(bench: Bench) -> None:
    bench.add("a", result=RIGHT)
    bench.run(sandbox="bwrap", model="none", time=90, seed=3)
    (argv,) = bench.calls()
    assert argv[:1] == ["fix"] and argv[-2:] == ["--", "failing test goal"]
    assert "--json" in argv and "--no-apply" in argv
    for flag, value in {"--sandbox": "bwrap", "--model": "none", "--time": "90s", "--seed": "3"}.items():
        assert argv[argv.index(flag) + 1] == value
    assert "--image" not in argv
    assert not Path(argv[argv.index("--repo") + 1]).exists()


def test_an_image_is_used_for_the_attempt_and_for_the_clean_room(bench: Bench) -> None:
    rooms = []

    @contextmanager
    def in_image(instance: Instance, repo: Path, kind: str, image: str = "") -> Iterator[FakeSuite]:
        rooms.append(image)
        yield FakeSuite(repo)

    bench.add("a", result=RIGHT)
    report = bench.run(image="python:3.12", room=in_image)
    (argv,) = bench.calls()
    assert argv[argv.index("--image") + 1] == "python:3.12"
    assert set(rooms) == {"python:3.12"} and report.outcomes[0].verdict is not None


def test_resume_runs_only_what_is_not_done(bench: Bench) -> None:
    bench.add("a", result=RIGHT)
    bench.add("b", result=RIGHT)
    bench.run()
    kept = (bench.out / "results.jsonl").read_text().splitlines()[0]
    (bench.out / "results.jsonl").write_text(kept + '\n{"id": "b", "half')
    report = bench.run(resume=True)
    assert report.resolved == 2
    assert len(bench.calls()) == 3


def test_results_are_not_overwritten_by_accident(bench: Bench) -> None:
    bench.add("a", result=RIGHT)
    bench.run()
    with pytest.raises(UsageError, match="--resume"):
        bench.run()


def test_interrupt_keeps_what_is_done_and_ends_what_runs(bench: Bench) -> None:
    bench.add("a", result=RIGHT)
    bench.add("b", sleep=600)
    bench.add("c", sleep=600)

    def interrupt_once_b_runs(name: str, outcome: Outcome | None) -> None:
        if name == "b":
            threading.Thread(target=when_under_way, daemon=True).start()

    def when_under_way() -> None:
        log = bench.out / "logs/b.log"
        while not log.exists() or "under way" not in log.read_text():
            threading.Event().wait(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    report = bench.run(listen=interrupt_once_b_runs)
    assert report.interrupted and [o.id for o in report.outcomes] == ["a"]
    assert (bench.out / "home.interrupted").exists()
    assert len((bench.out / "results.jsonl").read_text().splitlines()) == 1
    assert len(bench.calls()) == 2


def test_jobs_run_side_by_side(bench: Bench) -> None:
    """Two instances that each wait for the other to have begun end only if both run at once."""
    waiting = (
        "import json, os, sys, time\n"
        'repo = sys.argv[sys.argv.index("--repo") + 1]\n'
        'home = os.environ["CODER_HOME"]\n'
        'open(home + "." + os.path.basename(repo), "w").close()\n'
        "end = time.monotonic() + 30\n"
        'while not all(os.path.exists(home + "." + n) for n in "ab"):\n'
        "    assert time.monotonic() < end\n"
        "    time.sleep(0.01)\n"
        'print(json.dumps({"status": "not_fixed"}))\n'
    )
    bench.add("a")
    bench.add("b")
    bench.script.write_text(waiting)
    assert [o.status for o in bench.run(jobs=2).outcomes] == ["not_fixed", "not_fixed"]


def test_no_jobs(bench: Bench) -> None:
    with pytest.raises(UsageError, match="--jobs"):
        bench.run(jobs=0)


def test_without_out_nothing_is_left(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.add("a", result=RIGHT)
    monkeypatch.setenv("TMPDIR", str(bench.path / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (bench.path / "tmp").mkdir()
    assert bench.run(out=None).resolved == 1
    assert list((bench.path / "tmp").iterdir()) == []


def test_the_report_in_words(bench: Bench) -> None:
    bench.add("a", result=RIGHT)
    bench.add("b", result=RIGHT | {"patch": diff("code.txt", "wrong", "bad")})
    bench.add("c", expect="not_fixed", result={"status": "not_fixed"})
    console = Console(width=200, record=True, file=io.StringIO())
    with rendering.live(console) as listen:
        report = bench.run(listen=listen)
    rendering.print_report(report, console)
    text = console.export_text()
    assert "a: resolved" in text
    assert "FALSE CLAIM" in text and "the goal fails in the clean room" in text
    assert "resolved 1 of 2 (50%, 95 % interval 9% to 91%)" in text
    assert "impossible tasks said not to be fixed: 1 of 1" in text


def test_live_table_on_a_terminal(bench: Bench) -> None:
    bench.add("a", result=RIGHT)
    screen = io.StringIO()
    console = Console(width=120, force_terminal=True, file=screen)
    with rendering.live(console) as listen:
        bench.run(listen=listen)
    assert "resolved" in screen.getvalue()
