"""What a failure says of itself, in Python's own words."""

from __future__ import annotations

import sys
import traceback

import pytest

from coder_sandbox.agent.runner.project import words


class Own(Exception):
    def __str__(self) -> str:
        raise RuntimeError("not now")


ERRORS: list[BaseException] = [
    AssertionError("assert 1 == 2\n  + where 1 = f()"),
    AssertionError(),
    ValueError(""),
    ValueError(" spaced \n"),
    ValueError(1, 2),
    KeyError("x"),
    OSError(2, "No such file", "f"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    SyntaxError("bad", ("f.py", 1, 2, "a b")),
    AttributeError("no", name="lenght", obj=[]),
    NameError("name 'prnt' is not defined", name="prnt"),
    ImportError("no module"),
    SystemExit(2),
    Own(),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_the_words_of_an_error_are_the_last_lines_of_its_traceback(error: BaseException) -> None:
    assert words(error) == "".join(traceback.format_exception_only(type(error), error)).strip()


@pytest.mark.skipif(sys.version_info < (3, 11), reason="notes and groups came with 3.11")
def test_notes_are_among_them() -> None:
    error = ValueError("wide")
    error.add_note("of the mark")
    assert words(error) == "ValueError: wide\nof the mark"
