"""coder eval: what it asks of the harness, and how it ends."""

import sys

import pytest

from coder.cli.main import main
from coder.evaluate.outcome import Outcome, Report, Verdict

FIXED = Outcome("a", "slip", "fixed", "search", "fixed", 1.0, verdict=Verdict(goal_passed=True))
FALSE = Outcome("b", "slip", "fixed", "search", "fixed", 1.0, verdict=Verdict(goal_passed=False))
ERROR = Outcome("c", "slip", "fixed", "search", "error", 1.0)
MISSED = Outcome("d", "slip", "fixed", "search", "not_fixed", 1.0)


@pytest.fixture
def harness(monkeypatch, capsys, tmp_path):
    """Run `coder eval` with a harness that gives this report: exit code, stderr, and what the harness was asked."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))

    def run(report: Report, *argv: object):
        asked = {}

        def evaluate(dataset, **keywords):
            asked.update(keywords, dataset=dataset)
            for outcome in report.outcomes:
                keywords["listen"](outcome.id, None)
                keywords["listen"](outcome.id, outcome)
            return report

        monkeypatch.setattr("coder.evaluate.harness.evaluate", evaluate)
        monkeypatch.setattr(sys, "argv", ["coder", "eval", str(tmp_path), *map(str, argv)])
        code = main()
        out, err = capsys.readouterr()
        assert out == ""
        return code, err, asked

    return run


@pytest.mark.parametrize(
    ("outcomes", "interrupted", "code"),
    [([FIXED], False, 0), ([MISSED], False, 0), ([FALSE], False, 1), ([ERROR], False, 1), ([FIXED], True, 130)],
)
def test_how_it_ends(harness, outcomes, interrupted, code):
    assert harness(Report("x", outcomes, len(outcomes), interrupted))[0] == code


def test_the_flags_reach_the_harness(harness, tmp_path):
    _, err, asked = harness(
        Report("x", [FIXED], 1),
        *("--jobs", 3, "--out", tmp_path / "out", "--resume", "--model", "none", "--sandbox", "bwrap", "--time", "2m"),
    )
    del asked["listen"]
    assert asked == {
        "dataset": tmp_path,
        "jobs": 3,
        "out": tmp_path / "out",
        "resume": True,
        "model": "none",
        "sandbox": "bwrap",
        "time": 120.0,
        "seed": 0,
        "image": "",
    }
    assert "resolved 1 of 1" in err


@pytest.mark.parametrize("argv", [["--jobs", "0"], ["--time", "soon"], ["--sandbox", "vm"]])
def test_wrong_usage(harness, argv):
    assert harness(Report("x", [FIXED], 1), *argv)[0] == 2
