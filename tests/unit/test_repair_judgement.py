"""Which of several patches that pass is to be trusted, what they differ in, and how that is told."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from coder.repair.choose import Plausible, apart, choose
from coder.repair.explain import Edit, Verified, explain
from coder.repair.patch import Patch, example_literals, new_questions, one_line_change, read_patch, test_literals
from coder.repair.suggest import suggest
from coder_tools.contract import Behaviour, Compared, Input, TestResult
from coder_tools.logs import Finding, finding

PLAIN = Patch("f", False, frozenset())


def returns(words: object) -> Behaviour:
    return Behaviour("returns", repr(words), repr(words))


def raises(name: str) -> Behaviour:
    return Behaviour("raises", f"{name}: no", name)


def given(did: Mapping[str, Behaviour], arguments: str = "1", **more: object) -> Input:
    known = {"varied": True, "passing": False, "entry": True, "literal": True, "receiver": "", **more}
    return Input("f", "lib", "lib.py", arguments=arguments, test="t", did=did, **known)  # type: ignore[arg-type]


def order(plausible: list[Plausible], *inputs: Input, unreached: Mapping[str, int] | None = None) -> list[str]:
    return [c.key for c in choose(plausible, Compared(inputs, unreached or {}), frozenset({"'x'"}))]


class TestChoice:
    def test_the_score_decides_where_nothing_else_does(self) -> None:
        assert order([Plausible("a", 1.0, PLAIN), Plausible("b", 2.0, PLAIN)]) == ["b", "a"]

    def test_a_patch_that_removes_behaviour_comes_after_all_others(self) -> None:
        removing = Plausible("a", 99.0, replace(PLAIN, removes=True))
        assert order([removing, Plausible("b", 0.0, PLAIN)]) == ["b", "a"]

    def test_a_patch_with_a_value_of_the_test_in_it_comes_later_and_says_so(self) -> None:
        written = Plausible("a", 9.0, replace(PLAIN, literals=frozenset({"'x'"})))
        chosen = choose([written, Plausible("b", 0.0, PLAIN)], Compared(), frozenset({"'x'"}))
        assert [c.key for c in chosen] == ["b", "a"]
        assert chosen[1].warnings == ("it has a value of the failing test written into it: 'x'",)

    def test_a_patch_that_only_treats_the_test_itself_otherwise_says_so(self) -> None:
        same = {"": returns(1), "a": returns(1), "b": returns(2)}
        own = given({"": returns(1), "a": returns(5), "b": returns(5)}, varied=False)
        near = [given(same, str(n)) for n in range(6)]
        asking = Plausible("a", 9.0, replace(PLAIN, asks=True))
        chosen = choose([asking, Plausible("b", 0.0, PLAIN)], Compared((own, *near)), frozenset())
        assert [c.key for c in chosen] == ["b", "a"]
        assert "nothing on 6 inputs near them" in chosen[1].warnings[0]

    def test_a_bound_whose_effect_shows_at_the_bound_alone_is_not_made_for_the_test(self) -> None:
        same = {"": returns(1), "a": returns(1), "b": returns(2)}
        own = given({"": returns(1), "a": returns(5), "b": returns(5)}, varied=False)
        near = [given(same, str(n)) for n in range(38)]
        chosen = choose([Plausible("a", 9.0, PLAIN), Plausible("b", 0.0, PLAIN)], Compared((own, *near)), frozenset())
        assert [(c.key, c.warnings) for c in chosen] == [("a", ()), ("b", ())]

    def test_what_several_patches_agree_on_counts(self) -> None:
        plausible = [Plausible("a", 1.0, PLAIN), Plausible("b", 0.5, PLAIN), Plausible("c", 0.5, PLAIN)]
        apart = given({"": returns(0), "a": returns(1), "b": returns(2), "c": returns(2)})
        assert order(plausible, apart) == ["b", "c", "a"]

    def test_leaving_alone_what_passing_tests_call_counts(self) -> None:
        plausible = [Plausible("a", 0.1, PLAIN), Plausible("b", 0.0, PLAIN)]
        assert order(plausible, given({"": returns(0), "a": returns(1), "b": returns(0)}, passing=True)) == ["b", "a"]

    def test_raising_where_the_base_returns_and_leaving_code_unreached_count(self) -> None:
        plausible = [Plausible("a", 0.1, PLAIN), Plausible("b", 0.0, PLAIN)]
        assert order(plausible, given({"": returns(0), "a": raises("KeyError"), "b": returns(3)})) == ["b", "a"]
        assert order(plausible, unreached={"": 1, "a": 2, "b": 1}) == ["b", "a"]

    def test_the_order_of_arrival_does_not_count(self) -> None:
        plausible = [Plausible(key, 1.0, PLAIN) for key in "abcd"]
        inputs = [given({"": returns(0), "a": returns(1), "b": returns(2), "c": returns(2), "d": returns(3)})]
        orders = {tuple(order(list(p), *inputs)) for p in itertools.permutations(plausible)}
        assert len(orders) == 1

    def test_those_that_could_not_be_compared_stand_alone(self) -> None:
        plausible = [Plausible(key, 1.0, PLAIN) for key in "abc"]
        chosen = choose(plausible, Compared((given({"": returns(0), "a": returns(1), "b": returns(1)}),)), frozenset())
        groups = {c.key: c.group for c in chosen}
        assert groups["a"] == groups["b"] != groups["c"]

    def test_the_most_telling_difference_comes_first(self) -> None:
        two = {"": returns(0), "a": returns(1), "b": returns(2)}
        failing = given({**two, "a": raises("ValueError")}, "0")
        long, short = given(two, "[1, 2, 3]"), given(two, "7")
        same = given({"": returns(0), "a": returns(1), "b": returns(1)})
        assert apart([failing, long, same, short], "a", "b") == [short, long, failing]


CODE = "def f(a, b):\n    if a > b:\n        return a\n    log(a)\n    return b\n"


@pytest.mark.parametrize(
    ("old", "new", "removes"),
    [
        ("a > b", "a >= b", False),
        ("    log(a)\n", "", True),
        ("    log(a)\n", "    return a\n", True),  # what follows is no longer reached
        ("a > b", "False", True),
        ("a > b", "True", True),
        ("return b", "return a", False),
        ("a > b", "a > a", False),
        ("    log(a)\n", "    log(a)\n    log(b)\n", False),
    ],
)
def test_what_removes_behaviour(old: str, new: str, removes: bool) -> None:
    assert read_patch(CODE.encode(), CODE.replace(old, new).encode(), 2).removes is removes


@pytest.mark.parametrize(
    ("old", "new", "asks"),
    [
        ("a > b", "a >= b", False),
        ("a > b", "a in b", True),
        ("a > b", "a == b", True),
        ("a > b", "a > b and a != limit", True),
        ("a > b", "a > b + 1", False),
        ("a > b", "a > b or not a", False),
        ("    log(a)\n", "    if a == 'x':\n        return b\n    log(a)\n", True),
        ("    log(a)\n", "    if a is None or b == 0:\n        return b\n    log(a)\n", False),
        ("    log(a)\n", "    match a:\n        case 7:\n            return b\n    log(a)\n", True),
        ("return b", "return {7: 1}.get(b)", False),  # the value itself is what is said of it
    ],
)
def test_what_asks_a_new_question(old: str, new: str, asks: bool) -> None:
    assert read_patch(CODE.encode(), CODE.replace(old, new).encode(), 2).asks is asks
    back = read_patch(CODE.replace(old, new).encode(), CODE.encode(), 2)
    assert not back.asks, "what is no longer asked is not new"


@pytest.mark.parametrize(("old", "new"), [("> 2", "> 3"), ("> 2", ">= 2"), ("> 3", "> 1"), ("== 2", "!= 9")])
def test_a_bound_or_a_value_that_was_asked_for_is_not_new(old: str, new: str) -> None:
    code = "def f(n):\n    while n %s:\n        n -= 1\n    return n\n"
    assert not read_patch((code % old).encode(), (code % new).encode(), 2).asks


def test_a_question_turned_round_is_not_new() -> None:
    code = b"def f(a, b):\n    return a if a in b else None\n"
    assert not read_patch(code, code.replace(b" in ", b" not in "), 2).asks
    assert not read_patch(code, code.replace(b"a in b", b"a not in b + a"), 2).asks


def test_a_parameter_that_is_no_longer_read_is_behaviour_removed() -> None:
    assert read_patch(CODE.encode(), CODE.replace("a > b", "a").replace("return b", "return a").encode(), 2).removes


def test_where_a_patch_is_and_what_it_writes() -> None:
    code = "class A:\n    @property\n    def f(self):\n        return 1\nx = 5\n"
    patch = read_patch(code.encode(), code.replace("return 1", "return 'abc', -7, 5, 0").encode(), 4)
    assert patch == Patch("A.f", False, frozenset({"'abc'", "-7", "7"}))
    assert read_patch(code.encode(), code.encode(), 5).function == ""


def test_the_values_of_a_test_are_those_of_its_function_and_decorators() -> None:
    tests = b"@p.mark.parametrize('x', [41])\ndef test_a(x):\n    assert f(x) == 'yes'\ndef test_b():\n    f(99)\n"
    assert test_literals(tests, ["test_a"]) == frozenset({"'x'", "41", "'yes'"})


def test_the_values_of_a_doctest_are_those_of_its_examples() -> None:
    code = b"""'x >>> 7'
def f(a):
    \"\"\"Text.

    >>> f("ada")
    ['A', 41]
    >>> f(1 +
    ...   99)
    no code: 5
    \"\"\"
    return 77
def g(): '>>> g(8)'
"""
    assert example_literals(code, ["f"]) == frozenset({"'ada'", "'A'", "41", "99"})


def test_one_line_that_becomes_another_is_shown_whole() -> None:
    assert one_line_change(b"a\n  if x < y:\nb\n", b"a\n  if x <= y:\nb\n") == ("if x < y:", "if x <= y:")
    assert one_line_change(b"a\nb\n", b"a\nb\nc\n") is None
    assert one_line_change(b"a\n", b"%s\n" % (b"b" * 99)) is None


def test_a_condition_that_asks_for_a_value_of_the_test() -> None:
    before = b"def f(n):\n    return 1 if n == 3 else 0\n"
    after = b"def f(n):\n    if n in (7, 8):\n        return 2\n    return 1 if n == 3 else 0\n"
    assert new_questions(before, after, frozenset({"7", "3"})) == ["n in (7, 8)"], "what was asked before is not new"
    assert new_questions(before, after, frozenset({"9"})) == new_questions(b"", b"def (", frozenset({"9"})) == []


class TestExplanation:
    def test_it_says_what_was_wrong_what_is_changed_and_what_was_run(self) -> None:
        failure = Finding("t.py::test_cheap", "failed", "AssertionError", "assert 3 == 1", "1", "3")
        edit = Edit("shop.py", 10, "cheapest", "`max` becomes `min`")
        assert explain(["t.py::test_cheap"], failure, [edit], Verified(1, 4, "all", 0)) == (
            "`test_cheap` expected 1 and got 3. In `cheapest` (shop.py, line 10), `max` becomes `min`. "
            "In a fresh checkout the goal test passes and 4 tests that passed before still pass."
        )

    def test_an_exception_is_named_with_where_it_came_from(self) -> None:
        failure = Finding("t::test_a", "failed", "KeyError", "KeyError: 'x'", function="load")
        words = explain(["t::test_a", "t::test_b"], failure, [Edit("a.py", 0, "", "")], Verified(2, 1, "reachable", 7))
        assert words == (
            "`test_a` (and 1 more) failed with KeyError in `load` ('x'). The change is in a.py. In a fresh checkout "
            "the 2 goal tests pass and 1 test that passed before still passes; 7 tests that cannot reach the change "
            "were not run."
        )

    def test_white_space_in_values_stays(self) -> None:
        failure = Finding("t.py::test_pad", "failed", "AssertionError", "", "'    a'", "' a'")
        assert explain(["t.py::test_pad"], failure, [], Verified(1, 0, "all", 0)).startswith(
            "`test_pad` expected '    a' and got ' a'."
        )

    def test_a_doctest_says_what_was_expected_and_not_where_the_file_was(self) -> None:
        message = (
            "002 First letters.\n003 \n004     >>> initials('ada')\nExpected:\n    'A'\nGot:\n    'a'\n\n"
            "/somewhere/words.py:4: DocTestFailure"
        )
        failure = finding(
            [TestResult("words.py::words.initials", "failed", 0.1, message, "DocTestFailure")],
            ["words.py::words.initials"],
        )
        words = explain(["words.py::words.initials"], failure, [], Verified(1, 0, "all", 0))
        assert words.startswith("`words.initials` expected 'A' and got 'a'.")
        long = replace(failure, expected="1\n2", actual="1\n3")
        assert explain(["t"], long, [], Verified(1, 0, "all", 0)).startswith(
            "`words.initials` failed with DocTestFailure."
        )
        message = "Traceback:\n\nZeroDivisionError: division by zero\n/somewhere/words.py:4: UnexpectedException"
        raised = Finding("words.py::words.f", "failed", "UnexpectedException", message.partition("\n\n")[2])
        words = explain(["t"], raised, [], Verified(1, 0, "all", 0))
        assert words.startswith("`words.f` failed with UnexpectedException (ZeroDivisionError: division by zero).")

    def test_whatever_is_not_known_is_left_out(self) -> None:
        for stack in ("\n    at f (src/a.js:3:5)", " [recovered]\n\tpanic: no x", "\n\ngoroutine 18 [running]:"):
            failure = Finding("t::a", "failed", "TypeError", f"TypeError: no x{stack}", function="f")
            words = explain(["t::a"], failure, [], Verified(1, 0, "all", 0))
            assert words.startswith("`a` failed with TypeError in `f` (no x).")
        words = explain(["t::test_a"], Finding("", "missing"), [], Verified(1, 0, "all", 0))
        assert words.startswith("`test_a` failed.")


class TestSuggestion:
    one = given({}, "3, [1]")

    def test_in_the_style_of_pytest(self) -> None:
        text = suggest(self.one, returns(2), returns(4), 1, unittest=False)
        assert text == (
            "from lib import f\n\n\ndef test_f_on_a_nearby_input():\n"
            "    # this patch: returns 2; alternative 1: returns 4\n    assert f(3, [1]) == 2\n"
        )

    def test_in_the_style_of_unittest(self) -> None:
        text = suggest(self.one, raises("ValueError"), returns(4), 1, unittest=True)
        assert "class TestF(unittest.TestCase):" in text
        assert "        with self.assertRaises(ValueError):\n            f(3, [1])\n" in text

    @pytest.mark.parametrize("unittest", [True, False])
    @pytest.mark.parametrize("did", [returns([1]), raises("TypeError"), Behaviour("returns", "iterator([1])", "x")])
    def test_it_is_python(self, did: Behaviour, unittest: bool) -> None:
        compile(suggest(self.one, did, returns(4), 2, unittest=unittest), "<test>", "exec")

    @pytest.mark.parametrize("unittest", [True, False])
    @pytest.mark.parametrize(
        ("chosen", "other"),
        [
            ("2", "4"),
            ("-0.0", "0.0"),
            ("[(0.0, 1)]", "[(-0.0, 1)]"),
            ("1", "True"),
            ("{1: 2, 3: 4}", "{3: 4, 1: 2}"),
            ("' a'", "'  a'"),
            ("{1, 2}", "{1, 3}"),
            ("iter([1, 2])", "iter([1])"),
            ("iter([0.0])", "iter([-0.0])"),
            ("frozenset({1})", "frozenset({2})"),
            ("raises LookupError", "raises KeyError"),
            ("raises KeyError", "raises LookupError"),
            ("raises ValueError", "raises Own"),
            ("raises ValueError", "5"),
            ("5", "raises ValueError"),
        ],
    )
    def test_it_tells_the_two_apart(
        self, chosen: str, other: str, unittest: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Own(ValueError):
            pass

        def does(words: str) -> Callable[..., object]:
            def f(*arguments: object) -> object:
                if words.startswith("raises "):
                    raise eval(words.removeprefix("raises "), {"Own": Own})("no")
                return eval(words)

            return f

        def said(words: str) -> Behaviour:
            kind, _, name = words.partition(" ")
            if kind == "raises":
                return raises(name)
            shown = words.replace("iter(", "iterator(")
            return Behaviour("returns", shown, shown)

        text = suggest(self.one, said(chosen), said(other), 1, unittest=unittest)
        ended = {}
        for words in (chosen, other):
            monkeypatch.setitem(sys.modules, "lib", SimpleNamespace(f=does(words)))
            names: dict[str, Any] = {}
            exec(text, names)
            try:
                if unittest:
                    names["TestF"]("test_f_on_a_nearby_input").debug()
                else:
                    names["test_f_on_a_nearby_input"]()
                ended[words] = True
            except (AssertionError, LookupError, ValueError, pytest.fail.Exception):
                ended[words] = False
        assert ended == {chosen: True, other: False}, text

    @pytest.mark.parametrize(
        ("chosen", "other"),
        [
            ("iterator([1])", "[1]"),  # the same items
            ("5", "5"),  # what differs is not what is returned
            ("5", "5, and its arguments become a=[1]"),
            ("{1.0, 2}", "{1, 2}"),  # equal, and shown in no certain order
            ("nan", "0.0"),
            ("Decimal('1')", "Decimal('2')"),  # a name that would have to be imported
        ],
    )
    def test_one_that_would_not_is_not_written(self, chosen: str, other: str) -> None:
        did = (Behaviour("returns", words, words) for words in (chosen, other))
        assert suggest(self.one, *did, 1, unittest=False) == ""
        assert suggest(self.one, Behaviour("raises", "Own: no", "Own"), returns(1), 1, unittest=False) == ""

    @pytest.mark.parametrize(
        ("call", "did"),
        [
            (given({}, literal=False), returns(1)),
            (replace(given({}), module="<stdin>"), returns(1)),
            (replace(given({}), function="f.<locals>.g"), returns(1)),
            (given({}), Behaviour("hangs")),
            (given({}), Behaviour("returns", "<Thing object>", "x")),
        ],
    )
    def test_what_cannot_be_written_is_not(self, call: Input, did: Behaviour) -> None:
        assert suggest(call, did, returns(4), 1, unittest=False) == ""
