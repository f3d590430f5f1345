"""From what people call a test to the runner's ids."""

from __future__ import annotations

import pytest

from coder_tools.goals import GoalError, resolve

IDS = [
    "tests/test_a.py::test_one",
    "tests/test_a.py::test_two",
    "tests/test_a.py::TestB::test_c[1-2]",
    "tests/test_a.py::TestB::test_c[3-4]",
    "tests/test_a.py::TestB::test_d",
    "tests/test_b.py::test_two",
    "tests/test_b.py::test_parse_empty",
    "tests/test_b.py::TestOther::test_x[a::b[c]]",
    "tests/sub/test_c.py::TestB::test_e",
]
UNITTEST = ["tests.test_a.TestB.test_c", "tests.test_a.TestB.test_d", "tests.test_z.Late.test_late"]
C = IDS[2:4]


@pytest.mark.parametrize(
    ("goal", "expected"),
    [
        ("tests/test_a.py::test_one", IDS[:1]),
        ("test_one", IDS[:1]),
        ("failing test test_one", IDS[:1]),
        ("fix the failing test 'test_one'", IDS[:1]),
        ("`test_one`", IDS[:1]),
        ('"failing test tests/test_a.py::TestB::test_c"', C),
        ("test test_one.", IDS[:1]),
        ("TestB::test_c", C),
        ("test_c[1-2]", IDS[2:3]),
        ("tests/test_a.py::TestB::test_c[3-4]", IDS[3:4]),
        ("test_c", C),
        ("tests/test_a.py", IDS[:5]),
        ("./tests/test_a.py", IDS[:5]),
        ("test_b.py", IDS[5:8]),
        ("tests/test_a.py::TestB", IDS[2:5]),
        ("TestOther", IDS[7:8]),
        ("tests/sub/", IDS[8:]),
        ("tests.test_a.TestB.test_d", IDS[4:5]),
        ("test_d (tests.test_a.TestB)", IDS[4:5]),
        ("test_d (tests.test_a.TestB.test_d)", IDS[4:5]),
        ("parse_empty", IDS[6:7]),
        ("the test test_parse_empty crashes since Monday", IDS[6:7]),
        ("tests/test_b.py::TestOther::test_x", IDS[7:8]),
    ],
)
def test_a_name_means_these_tests(goal: str, expected: list[str]) -> None:
    assert resolve(goal, IDS) == expected


@pytest.mark.parametrize(
    ("goal", "expected"),
    [
        ("tests.test_a.TestB.test_c", UNITTEST[:1]),
        ("test_d", UNITTEST[1:2]),
        ("TestB", UNITTEST[:2]),
        ("tests.test_a", UNITTEST[:2]),
        ("Late.test_late", UNITTEST[2:]),
        ("test_late (tests.test_z.Late)", UNITTEST[2:]),
    ],
)
def test_a_name_means_these_unittest_tests(goal: str, expected: list[str]) -> None:
    assert resolve(goal, UNITTEST) == expected


@pytest.mark.parametrize(
    ("goal", "names"),
    [
        ("test_two", ["tests/test_a.py::test_two", "tests/test_b.py::test_two"]),
        ("TestB", ["tests/test_a.py::TestB", "tests/sub/test_c.py::TestB"]),
    ],
)
def test_two_tests_of_one_name_are_listed(goal: str, names: list[str]) -> None:
    with pytest.raises(GoalError) as caught:
        resolve(goal, IDS)
    assert caught.value.kind == "ambiguous"
    assert caught.value.names == names


@pytest.mark.parametrize(
    "goal", ["test_parse_emtpy", "failing test test_parse_emtpy", "tests/test_b.py::test_parse_emty"]
)
def test_a_slip_of_the_pen_brings_the_nearest_names(goal: str) -> None:
    with pytest.raises(GoalError) as caught:
        resolve(goal, IDS)
    assert caught.value.kind == "missing"
    assert caught.value.names[0] == "tests/test_b.py::test_parse_empty"
    assert goal in str(caught.value)


def test_where_nothing_is_near_some_names_are_better_than_none() -> None:
    with pytest.raises(GoalError) as caught:
        resolve("qqq_x", IDS)
    assert caught.value.names


@pytest.mark.parametrize("goal", ["the parser loses the last row", "", "make it work", "zzz"])
def test_prose_names_no_test(goal: str) -> None:
    with pytest.raises(GoalError) as caught:
        resolve(goal, IDS)
    assert caught.value.kind == "missing"


def test_thirty_thousand_ids_take_no_time_to_speak_of(eventually: object) -> None:
    ids = [f"tests/test_{n % 300}.py::test_case_{n % 900}[{n}]" for n in range(30_000)]
    assert resolve("test_case_899", ids) == [i for i in ids if "::test_case_899[" in i]
    with pytest.raises(GoalError) as caught:
        resolve("test_caze_899", ids)
    assert caught.value.names
