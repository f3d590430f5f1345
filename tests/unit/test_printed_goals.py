"""A goal as a test tool printed it, pasted from its output."""

from __future__ import annotations

import pytest

from coder_tools.goals import GoalError, resolve

NODE = ["test/duration.test.js::parse::takes one", "test/duration.test.js::parse::adds up", "test/o.test.js::a::b"]
VITEST = ["test/fill.test.ts::area::is filled", "test/fill.test.ts::area::is empty", "test/list.test.js::list::grows"]
CTEST = ["CMakeLists.txt::join", "CMakeLists.txt::split", "CMakeLists.txt::join_all"]
GO = ["money/money_test.go::TestAdd", "shelf/loan_test.go::TestTake", "shelf/loan_test.go::TestTake/one_there"]
PYTEST = ["tests/test_a.py::test_b", "tests/test_a.py::test_c[1-2]", "tests/test_b.py::test_b"]


@pytest.mark.parametrize(
    ("goal", "ids", "found"),
    [
        *[
            (goal, CTEST, CTEST[:1])
            for goal in (
                "  1 - join (SEGFAULT)",
                "1 - join (Subprocess aborted)",
                "      Start 1: join",
                "1/3 Test #1: join ...***Exception: SegFault  0.10 sec",
                "1/3 Test #1: join .............***Failed    0.00 sec",
                "1 - join (Timeout)",
            )
        ],
        ("FAIL\texample.org/library/shelf [build failed]", GO, GO[1:]),
        ("FAIL example.org/library/money [setup failed]", GO, GO[:1]),
        ("    money_test.go:16: got 3, want 4", GO, GO[:1]),
        ("shelf/loan_test.go:16:16: s.Take undefined (type *Shelf has no field or method Take)", GO, GO[1:]),
        ("tests/test_a.py:12: AssertionError", PYTEST, PYTEST[:2]),
        ("tests/test_a.py:12: in test_b", PYTEST, PYTEST[:2]),
        ("# Subtest: adds up", NODE, NODE[1:2]),
        ("    # Subtest: adds up", NODE, NODE[1:2]),
        ("test/duration.test.js:11:3", NODE, NODE[:2]),
        ("test at test/duration.test.js:11:3", NODE, NODE[:2]),
        ("location: '/tmp/work/test/duration.test.js:11:3'", NODE, NODE[:2]),
        (" ❯ test/fill.test.ts:12:5", VITEST, VITEST[:2]),
    ],
)
def test_what_a_tool_prints_names_its_tests(goal: str, ids: list[str], found: list[str]) -> None:
    assert resolve(goal, ids) == found


def test_a_name_is_not_cut_where_it_only_reads_like_what_a_tool_adds() -> None:
    ids = ["a.test.js::raises Exception when late", "a.test.js::raises", "a.test.js::is at 10:30"]
    assert resolve("raises Exception when late", ids) == ids[:1]
    assert resolve("● is at 10:30", ids) == ids[2:]
    with pytest.raises(GoalError):
        resolve("tests/test_z.py:12: AssertionError", PYTEST)
