"""What an agent answers is read with care, whatever it says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from coder_sandbox.contract import Event
from coder_tools.command import parse_test_command
from coder_tools.contract import Frame, Splice
from coder_tools.testing import Suite, TestRunFailed


class Liar:
    """A sandbox that answers what it was told to."""

    def __init__(self, answer: dict[str, Any], *events: Event) -> None:
        self.answer, self.events = answer, events
        self.asked: list[tuple[str, Mapping[str, Any]]] = []

    def request(
        self,
        op: str,
        payload: Mapping[str, Any],
        *,
        timeout: float,
        on_event: Callable[[Event], None] | None = None,
    ) -> dict[str, Any]:
        self.asked.append((op, payload))
        for event in self.events:
            if on_event:
                on_event(event)
        return self.answer


def suite(answer: dict[str, Any], *events: Event) -> Suite:
    return Suite(Liar(answer, *events), Path("/work"))  # type: ignore[arg-type]


def said(**test: Any) -> Event:
    return {"event": "test", "test": {"id": "a", "outcome": "passed", **test}}


def run(*events: Event) -> list[Any]:
    return suite({}, *events).run(["a", "b"], timeout=1, test_timeout=1)


def test_a_test_that_never_reported_is_missing() -> None:
    assert [(r.id, r.outcome) for r in run(said())] == [("a", "passed"), ("b", "missing")]


def test_the_last_word_on_a_test_counts() -> None:
    assert run(said(), said(outcome="error"))[0].outcome == "error"


@pytest.mark.parametrize(
    "event",
    [
        {"event": "test"},
        {"event": "test", "test": None},
        {"event": "test", "test": []},
        said(outcome="wonderful"),
        said(outcome=["passed"]),
        said(outcome=None),
        said(id=7),
        said(id="other"),
        said(id="a" * 10_000),
    ],
)
def test_what_is_no_result_is_none(event: Event) -> None:
    assert [r.outcome for r in run(event)] == ["missing", "missing"]


def test_parts_of_a_result_that_make_no_sense_are_left_out() -> None:
    [result, _] = run(
        said(
            duration=float("nan"),
            message=["x"],
            exception="E" * 1000,
            frames=[
                ["/etc/passwd", 1, "f"],
                ["../x.py", 1, "f"],
                ["a.py", "1", "f"],
                ["a.py", 0, "f"],
                ["a.py", 3, "f"],
                5,
            ],
            coverage={"a.py": [1, "2", True, -1, 3], "/etc/passwd": [1], "../b.py": [1], "c.py": 7},
        )
    )
    assert result.duration == 0.0
    assert result.message == ""
    assert len(result.exception) == 200
    assert result.frames == (Frame("a.py", 3, "f"),)
    assert result.coverage == {"a.py": frozenset({1, 3}), "c.py": frozenset()}


def test_a_message_of_megabytes_is_cut() -> None:
    assert len(run(said(message="x" * 5_000_000))[0].message) == 4096


def test_no_tests_to_run_asks_for_nothing() -> None:
    liar = Liar({})
    assert Suite(liar, Path("/work")).run([], timeout=1, test_timeout=1) == []  # type: ignore[arg-type]
    assert liar.asked == []


def test_the_words_of_the_agent_are_the_reason() -> None:
    with pytest.raises(TestRunFailed, match="No module named pytest"):
        suite({"error": "No module named pytest in /usr/bin/python."}).collect(1)


def test_nothing_collected_brings_the_errors_own_lines() -> None:
    error = {"path": "tests/test_a.py", "message": "ImportError: no x"}
    found = suite({"ids": [], "errors": [error]}).collect(1)
    assert (found.ids, [(e.path, e.message) for e in found.errors]) == ((), [("tests/test_a.py", "ImportError: no x")])
    with pytest.raises(TestRunFailed, match="no plugin x"):
        suite({"ids": [], "errors": [{"path": "", "message": "no plugin x"}]}).collect(1)
    with pytest.raises(TestRunFailed, match="no tests"):
        suite({"ids": None, "errors": 3}).collect(1)


def test_ids_that_are_no_names_are_left_out() -> None:
    found = suite({"ids": ["a", 3, None, ["b"], "c" * 9999], "runner": 5, "version": {}}).collect(1)
    assert found.ids == ("a",)
    assert found.runner == "pytest"


@pytest.mark.parametrize(
    "candidate",
    [None, {}, {"key": "k"}, {"key": "k", "verdict": "great"}, {"key": "other", "verdict": "plausible"}, {"key": 1}],
)
def test_what_is_no_verdict_on_a_candidate_that_was_asked_is_none(candidate: Any) -> None:
    event = {"event": "candidate", "candidate": candidate}
    assert suite({}, event).check([("k", [Splice("a.py", 0, 1, "x")], [], 1.0)], timeout=5) == []


def test_many_candidates_go_in_several_requests() -> None:
    liar = Liar({})
    companions = ["tests/test_a.py::test_" + "x" * 1000] * 1000
    Suite(liar, Path("/w")).check([(f"k{n}", [], companions, 1.0) for n in range(20)], timeout=60)  # type: ignore[arg-type]
    assert len(liar.asked) > 4
    assert [c["key"] for _, payload in liar.asked for c in payload["candidates"]] == [f"k{n}" for n in range(20)]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("pytest", ("pytest", None, ())),
        ("pytest -x tests", ("pytest", None, ("-x", "tests"))),
        ("py.test -k 'a or b'", ("pytest", None, ("-k", "a or b"))),
        ("uv run pytest -q", ("pytest", None, ("-q",))),
        (".venv/bin/pytest tests", ("pytest", ".venv/bin/python", ("tests",))),
        ("python3.9 -m pytest", ("pytest", "python3.9", ())),
        ("python -m unittest discover", ("unittest", None, ("discover",))),
        ("python3 -m pytest -q", ("pytest", None, ("-q",))),
        ("/opt/py/bin/python -m unittest discover -s t", ("unittest", "/opt/py/bin/python", ("discover", "-s", "t"))),
    ],
)
def test_test_commands(command: str, expected: object) -> None:
    assert parse_test_command(command) == expected


@pytest.mark.parametrize("command", ["", "make test", "tox", "python run.py", "python -m nose", "pytest 'unclosed"])
def test_commands_that_are_none(command: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        parse_test_command(command)
