"""The view is driven by events alone, and no event can break or deceive it."""

import io
import sys

import pytest

from coder.cli import terminal
from coder.cli.story import _TELLERS, tell
from coder.cli.view import LiveView, PlainView, Progress, open_view, status_lines
from coder.record.events import Event

RUN = [
    ("run", "start", {"repo": "/repo", "goal": "failing test test_even"}),
    ("run", "policy", {"policy": "search", "model": "", "why": "no model was asked for"}),
    ("run", "sandbox", {"name": "bwrap", "python": "/usr/bin/python3.11", "source": ".venv"}),
    ("baseline", "collected", {"tests": 430, "errors": ["tests/test_broken.py"]}),
    ("baseline", "progress", {"done": 100, "total": 430, "label": "suite"}),
    ("baseline", "done", {"goal": ["t::even"], "passed": 429, "failed": 1, "flaky": ["t::clock"], "seconds": 2.31}),
    ("run", "tick", {"budget": {"seconds_left": 590.0, "steps_left": 195, "tokens_left": 200000}}),
    ("plan", "suspects", {"n": 14, "top": [{"path": "m.py", "line": 174, "score": 0.97, "reasons": ["traceback"]}]}),
    ("plan", "hypothesis", {"text": "off by one", "files": ["m.py"]}),
    ("edit", "batch", {"size": 512, "note": "best first"}),
    ("supervisor", "decision", {"next": "test", "reason": "a batch is ready"}),
    ("test", "candidates", {"checked": 512, "plausible": 2, "per_second": 853.2}),
    ("analyze", "finding", {"checked": 512, "plausible": ["`<` becomes `<=`", "x"], "broke_others": 3}),
    ("supervisor", "rollback", {"reason": "broke t::odd"}),
    ("verify", "start", {"scope": "reachable", "tests": 40, "not_run": 390}),
    ("verify", "done", {"verified": True, "goal_passed": 1, "still_passing": 39}),
    ("run", "end", {"status": "fixed", "reason": ""}),
]


def events(run=RUN):
    return [Event("r", n, "2026-01-01T00:00:00+00:00", *each) for n, each in enumerate(run, 1)]


def test_a_run_reads_as_a_story():
    assert (
        "\n".join(filter(None, map(tell, events())))
        == """\
started: failing test test_even, in /repo
policy search: no model was asked for
sandbox bwrap, python /usr/bin/python3.11 (.venv)
430 tests collected; cannot be collected: tests/test_broken.py
429 pass, 1 fail in 2.3 s; flaky: t::clock
goal: t::even
14 suspicious places, first m.py:174
off by one (m.py)
512 candidates to try: best first
next test: a batch is ready
512 candidates tried, 853 a second, 2 plausible
candidate: `<` becomes `<=` (and 1 more); 3 pass the goal but break other tests
rolled back: broke t::odd
clean room: 40 tests (390 are out of reach of the change)
verified: 1 of the goal pass, 39 pass still
fixed"""
    )


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (("test", "outcome", {"passed": 3, "failed": 1, "ids": ["t::a"]}), "3 pass, 1 fail: t::a"),
        (("edit", "change", {"files": ["a", "b", "c", "d", "e"], "note": "n"}), "changed a, b, c and 2 more: n"),
        (("edit", "refused", {"reason": "a test file"}), "refused: a test file"),
        (("edit", "tool", {"name": "read", "ok": False, "summary": "m.py"}), "read (refused): m.py"),
        (("analyze", "finding", {"test": "t", "outcome": "error", "path": "m.py", "line": 3}), "t: error at m.py:3:"),
        (("analyze", "finding", {"test": "t", "exception": "KeyError", "message": "'x'"}), "t: KeyError: 'x'"),
        (("analyze", "finding", {"test": "t", "regressed": ["o"]}), "broke o"),
        (("analyze", "finding", {"test": ""}), "every goal test passes"),
        (("verify", "done", {"verified": False, "regressed": ["o"]}), "refuted: breaks o"),
        (("verify", "done", {"verified": False, "goal_failed": ["g"]}), "refuted: still failing: g"),
        (("verify", "done", {"verified": False}), "not verified: the time was up"),
        (("record", "cut", {"bytes": 7}), "7 bytes at the end of the log were half-written and are left out"),
    ],
)  # fmt: skip
def test_what_else_can_happen(event, words):
    assert tell(events([event])[0]) == words


@pytest.mark.parametrize("kind", _TELLERS)
@pytest.mark.parametrize(
    "data", [{}, {"files": 3, "tests": "x", "top": [None]}, {"seconds": None, "passed": [], "reason": {}}]
)
def test_an_event_of_another_version_breaks_no_view(kind, data):
    event = events([(*kind, data)])[0]
    assert isinstance(tell(event), str)
    Progress().see(event)


def test_unknown_kinds_are_passed_over():
    assert tell(events([("dream", "unheard-of", {"text": "x"})])[0]) == ""


@pytest.mark.parametrize("kind", _TELLERS)
def test_no_event_can_act_on_the_terminal(kind):
    bad = "\x1b]0;owned\x07\x1b[2J\u202e"
    data = {
        "repo": bad,
        "goal": bad,
        "name": bad,
        "python": bad,
        "source": bad,
        "note": bad,
        "policy": bad,
        "model": bad,
    }
    data |= {"why": bad, "status": bad, "reason": bad, "text": bad, "next": bad, "label": bad}
    data |= {"files": [bad], "ids": [bad], "errors": [bad], "flaky": [bad], "regressed": [bad], "plausible": [bad]}
    data |= {"summary": bad, "tests": 1, "size": 1, "checked": 1, "passed": 1, "failed": 1, "seconds": 1, "bytes": 1}
    words = tell(events([(*kind, data)])[0])
    assert words.replace("\n", "").isprintable()
    assert "owned" not in words


def test_the_status_lines_say_where_the_run_stands():
    progress = Progress()
    for event in events()[:5]:
        progress.see(event)
    assert status_lines(progress, 12, 0) == ["baseline, 12 s, suite: 100/430"]
    for event in events()[5:12]:
        progress.see(event)
    assert status_lines(progress, 20, 10) == [
        "test, 20 s",
        "512 candidates tried, 853 a second, 2 plausible",
        "left: 9:40, 195 steps, 200,000 tokens",
        "next test: a batch is ready",
    ]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("term", "no_color", "tty", "view"),
    [
        ("xterm", None, True, LiveView),
        ("xterm", "1", True, PlainView),
        ("dumb", None, True, PlainView),
        ("", None, True, PlainView),
        ("xterm", None, False, PlainView),
    ],
)
def test_live_only_on_a_terminal_that_can_be_redrawn(monkeypatch, term, no_color, tty, view):
    monkeypatch.setattr(sys, "stderr", Terminal() if tty else io.StringIO())
    monkeypatch.setenv("TERM", term)
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_color:
        monkeypatch.setenv("NO_COLOR", no_color)
    assert isinstance(open_view(verbose=False), view)


def test_plain_is_one_line_a_milestone_without_any_escape(monkeypatch):
    monkeypatch.setattr(sys, "stderr", out := io.StringIO())
    with PlainView(verbose=False) as view:
        for event in events():
            view(event)
    lines = out.getvalue().splitlines()
    assert lines[0] == "run        started: failing test test_even, in /repo"
    assert not any("next test" in line for line in lines)
    assert "\x1b" not in out.getvalue()


def test_verbose_tells_the_decisions_too(monkeypatch):
    monkeypatch.setattr(sys, "stderr", out := io.StringIO())
    for event in events():
        PlainView(verbose=True)(event)
    assert "supervisor next test: a batch is ready" in out.getvalue()


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_live_fits_the_terminal_and_lets_no_escape_of_the_repository_through(monkeypatch, width):
    monkeypatch.setattr(sys, "stderr", out := Terminal())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("LINES", "24")
    bad = ("plan", "hypothesis", {"text": "\x1b]0;owned\x07[bold]x[/bold] " + "long " * 30, "files": []})
    with LiveView(verbose=True) as view:
        for event in [*events(), *events([bad])]:
            view(event)
    shown = out.getvalue()
    assert "\x1b]" not in shown
    assert "owned" not in shown
    assert "[bold]x[/bold]" in shown or width == 20
    assert max(len(terminal.clean(line)) for line in shown.split("\n")) <= 2 * width  # a redraw repeats a line


def test_the_cursor_comes_back_after_a_fault(monkeypatch):
    monkeypatch.setattr(sys, "stderr", out := Terminal())
    monkeypatch.setenv("TERM", "xterm")
    with pytest.raises(KeyboardInterrupt), LiveView(verbose=False):
        raise KeyboardInterrupt
    assert out.getvalue().rstrip().endswith("\x1b[?25h") or "\x1b[?25h" in out.getvalue().split("\x1b[?25l")[-1]
