"""Each family of edits: for a fault of its kind the right text is among the candidates of the faulty line."""

from __future__ import annotations

import ast
import textwrap

import pytest

from coder.repair.contract import Candidate, Suspect
from coder.repair.grammar import stepped
from coder.repair.propose import propose
from coder_tools.contract import Frame, TestResult


def candidates(source: str, *lines: int, failure: TestResult | None = None, limit: int = 20_000) -> list[Candidate]:
    suspects = [Suspect("m.py", line, 1.0) for line in lines]
    return propose(lambda _: source.encode(), suspects, [failure] if failure else [], limit=limit)


def patched(source: str, candidate: Candidate) -> str:
    raw, splice = source.encode(), candidate.splice
    return (raw[: splice.start] + splice.text.encode() + raw[splice.end :]).decode()


def rank_of(bug: str, fix: str, *lines: int, failure: TestResult | None = None) -> int:
    """Where in the order the fix is, from 1; 0 if it is not there."""
    wanted = ast.dump(ast.parse(fix))
    for rank, candidate in enumerate(candidates(bug, *lines, failure=failure), 1):
        if ast.dump(ast.parse(patched(bug, candidate))) == wanted:
            return rank
    return 0


def failed(message: str, exception: str, line: int = 0) -> TestResult:
    frames = (Frame("m.py", line, "f"),) if line else ()
    return TestResult("t.py::test_f", "failed", message=message, exception=exception, frames=frames)


def one_line(*body: str, parameters: str = "a, b, xs") -> str:
    return f"def f({parameters}):\n" + "".join(f"    {line}\n" for line in body)


# (what is wrong, what is right): the body's faulty line is the last but for a final `return` of its own.
EXPRESSIONS = {
    "comparison": ("return a < b", "return a <= b"),
    "is": ("return a is b", "return a is not b"),
    "membership": ("return a in xs", "return a not in xs"),
    "equality to membership": ("return a == xs", "return a in xs"),
    "chained comparison": ("return a < b < xs", "return a <= b < xs"),
    "arithmetic": ("return a - b", "return a + b"),
    "arithmetic, brackets kept right": ("return (a - b) * xs", "return (a + b) * xs"),
    "arithmetic that needs brackets": ("return a - b * xs", "return a - (b - xs)"),
    "operands turned round": ("return a - b", "return b - a"),
    "division": ("return a / b", "return a // b"),
    "strings joined the other way round": ("return '<' + a", "return a + '<'"),
    "brackets that nothing needs any more": ("return a / (b + 1)", "return a / b"),
    "a number with its sign": ("return xs[:-1]", "return xs[:-2]"),
    "a part in the other direction": (
        "return sorted(xs, key=lambda x: (x[1], x[0]))",
        "return sorted(xs, key=lambda x: (-x[1], x[0]))",
    ),
    "one too many": ("return a - b - 1", "return a - b"),
    "one more than one less": ("return xs[a - 1]", "return xs[a]"),
    "what is there already comes first": ("return [b, *xs]", "return a + [b, *xs]"),
    "the longest, not the last of the alphabet": ("return max(a, b)", "return max(a, b, key=len)"),
    "the other way round": ("return sorted(xs)", "return sorted(xs, reverse=True)"),
    "a key of two parts": ("return xs[a, b]", "return xs.get((a, b))"),
    "a key of two parts as text": ("return xs[a, b]", "return xs[str((a, b))]"),
    "a distance, not a difference": ("return a - b > xs", "return abs(a - b) > xs"),
    "rows and columns mixed up": ("return [(a, b), (b, a - 1)]", "return [(a, b), (a, b - 1)]"),
    "a truth that is given back": ("return a is not None", "return a is not None and b"),
    "an item of something else": ("return xs[-1][a] + b[a]", "return xs[-1][a] + xs[-1][a]"),
    "a default that is no constant": ("return a", "return a or b"),
    "the same of the other one": ("return max(len(a))", "return max(len(a), len(b))"),
    "a copy that was to be cut": ("return xs[:]", "return xs[-a:]"),
    "zero is a value too": ("return a or b", "return a if a is not None else b"),
    "power": ("return a * b", "return a ** b"),
    "bits": ("return a & b", "return a | b"),
    "shift": ("return a << b", "return a >> b"),
    "forgotten brackets": ("return a + b * xs", "return (a + b) * xs"),
    "boolean": ("return a and b", "return a or b"),
    "boolean, one of three": ("return a and b and xs", "return a and b or xs"),
    "not added": ("return a", "return not a"),
    "not removed": ("return not a", "return a"),
    "not around a comparison": ("return a == b", "return not a == b"),
    "sign": ("return -a", "return a"),
    "sign added": ("return f(a)", "return f(-a)"),
    "one more": ("return a[1]", "return a[2]"),
    "one less": ("return a * 2", "return a * 1"),
    "flag": ("return f(a, True)", "return f(a, False)"),
    "none": ("return f(a, None)", "return f(a, 0)"),
    "empty": ("return a or []", "return a or {}"),
    "string case": ("return a + 'X'", "return a + 'x'"),
    "empty string": ("return ' '.join(xs)", "return ''.join(xs)"),
    "literal for a variable": ("return a + 1", "return a + b"),
    "off by one": ("return len(xs)", "return len(xs) - 1"),
    "off by one in an argument": ("return f(a, b)", "return f(a, b + 1)"),
    "index": ("return xs[a]", "return xs[a - 1]"),
    "last": ("return xs[0]", "return xs[-1]"),
    "range": ("return range(a)", "return range(a + 1)"),
    "range start": ("return range(a)", "return range(1, a)"),
    "range end": ("return range(1, a)", "return range(1, a + 1)"),
    "slice lost": ("return f(xs)", "return f(xs[1:])"),
    "slice end lost": ("return xs", "return xs[:-1]"),
    "slice by a name lost": ("return f(xs)", "return f(xs[:a])"),
    "reversed": ("return xs", "return xs[::-1]"),
    "slice bound": ("return xs[a:]", "return xs[a + 1:]"),
    "slice too many": ("return xs[1:]", "return xs"),
    "slice the other way": ("return xs[:a]", "return xs[a:]"),
    "wrong variable": ("return a + a", "return a + b"),
    "wrong attribute": ("return a.left + b.left", "return a.left + b.right  # .right"),
    "arguments swapped": ("return f(a, b, xs)", "return f(b, a, xs)"),
    "argument too many": ("return f(a, b, xs, a)", "return f(a, b, xs)"),
    "argument missing": ("return f(a, b)", "return f(a, b, xs)"),
    "keyword missing": ("return f(a, b)", "return f(a, b, xs=xs)"),
    "sibling": ("return min(xs)", "return max(xs)"),
    "sibling method": ("return a.startswith(b)", "return a.endswith(b)"),
    "strip": ("return a.strip()", "return a.rstrip()"),
    "wrapped": ("return xs", "return sorted(xs)"),
    "unwrapped": ("return reversed(xs)", "return xs"),
    "call forgotten": ("return a.lower", "return a.lower()"),
    "method forgotten": ("return a", "return a.strip()"),
    "ternary": ("return a if b else xs", "return xs if b else a"),
    "condition dropped": ("return a if a else xs", "return a if a and b else xs"),
    "none asked": ("return a if b else xs", "return a if b is not None else xs"),
    "filter forgotten": ("return [x for x in xs]", "return [x for x in xs if x]"),
    "filter too many": ("return [x for x in xs if x]", "return [x for x in xs]"),
    "filter negated": ("return [x for x in xs if x]", "return [x for x in xs if not x]"),
    "get": ("return a[b]", "return a.get(b)"),
    "default": ("return a", "return a or []"),
    "return value": ("return a, b", "return a"),
    "pair turned round": ("return [a, b]", "return [b, a]"),
    "star forgotten": ("return f(xs)", "return f(*xs)"),
    "f-string": ("return f'{a}-{a}'", "return f'{a}-{b}'"),
}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_expression(name: str) -> None:
    wrong, right = EXPRESSIONS[name]
    extra = "\n\ndef g(n):\n    return n.right\n" if ".right" in right else ""
    assert rank_of(one_line(wrong) + extra, one_line(right) + extra, 2)


STATEMENTS = {
    "augmented": ("n = 0\nfor x in xs:\n    n = x\nreturn n", "n = 0\nfor x in xs:\n    n += x\nreturn n", 4),
    "augmented sign": ("n = 0\nn -= a\nreturn n", "n = 0\nn += a\nreturn n", 3),
    "early return": ("y = f(a)\nreturn y", "if a is None:\n    return None\ny = f(a)\nreturn y", 2),
    "empty guard": ("y = xs[0]\nreturn y", "if not xs:\n    return []\ny = xs[0]\nreturn y", 2),
    "default made": ("xs.append(a)\nreturn xs", "if xs is None:\n    xs = []\nxs.append(a)\nreturn xs", 2),
    "return missing": ("y = a + b", "y = a + b\nreturn y", 2),
    "return of an expression": ("if b:\n    return b\na + b", "if b:\n    return b\nreturn a + b", 4),
    "return too early": (
        "y = 0\nfor x in xs:\n    y += x\n    return y",
        "y = 0\nfor x in xs:\n    y += x\nreturn y",
        5,
    ),
    "statement in the block before": (
        "y = []\nfor x in xs:\n    z = x\ny.append(z)\nreturn y",
        "y = []\nfor x in xs:\n    z = x\n    y.append(z)\nreturn y",
        5,
    ),
    "order": ("a = b\nb = a + b\nreturn a", "b = a + b\na = b\nreturn a", 2),
    "deleted": ("y = a\ny = b\nreturn y", "y = a\nreturn y", 3),
    "continue": (
        "for x in xs:\n    if x:\n        break\n    f(x)",
        "for x in xs:\n    if x:\n        continue\n    f(x)",
        4,
    ),
    "step forgotten": (
        "i = 0\nwhile i < a:\n    f(i)\nreturn i",
        "i = 0\nwhile i < a:\n    f(i)\n    i += 1\nreturn i",
        4,
    ),
    "copied": (
        "if a:\n    xs.append(a)\nelse:\n    f(b)\nreturn xs",
        "if a:\n    xs.append(a)\nelse:\n    f(b)\n    xs.append(b)\nreturn xs",
        5,
    ),
    "result kept": ("a.replace('x', 'y')\nreturn a", "a = a.replace('x', 'y')\nreturn a", 2),
    "yield from": ("for x in xs:\n    yield f(x)", "for x in xs:\n    yield from f(x)", 3),
    "if and while": ("if a < b:\n    a += 1\nreturn a", "while a < b:\n    a += 1\nreturn a", 2),
    "elif": ("if a:\n    y = 1\nif b:\n    y = 2\nreturn y", "if a:\n    y = 1\nelif b:\n    y = 2\nreturn y", 4),
    "condition strengthened": (
        "while a:\n    a = f(a)\nif a and b > 0:\n    return a",
        "while a and b > 0:\n    a = f(a)\nif a and b > 0:\n    return a",
        2,
    ),
    "condition weakened": ("if not a:\n    return b\nf(b)", "if not a or not b:\n    return b\nf(b)", 2),
    "condition dropped": ("if a and b:\n    f(a)", "if a:\n    f(a)", 2),
    "always": ("if a:\n    f(b)", "if True:\n    f(b)", 2),
    "exception": (
        "try:\n    return a[b]\nexcept IndexError:\n    return None",
        "try:\n    return a[b]\nexcept KeyError:\n    return None",
        4,
    ),
    "another exception too": (
        "try:\n    return a[b]\nexcept KeyError:\n    return None",
        "try:\n    return a[b]\nexcept (KeyError, TypeError):\n    return None",
        4,
    ),
    "raised": ("if a:\n    raise TypeError('no')", "if a:\n    raise ValueError('no')", 3),
    "loop target": ("for a, b in xs:\n    f(a, b)", "for b, a in xs:\n    f(a, b)", 2),
    "target": ("for x in xs:\n    a = f(x)\nreturn b", "for x in xs:\n    b = f(x)\nreturn b", 3),
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_statement(name: str) -> None:
    wrong, right, line = STATEMENTS[name]
    assert rank_of(one_line(*wrong.split("\n")), one_line(*right.split("\n")), line)


def test_one_more_or_less_is_written_as_a_person_would() -> None:
    steps = {
        "x": ("x + 1", "x - 1"),
        "x + 1": ("x + 2", "x"),
        "x - 1": ("x", "x - 2"),
        "x * y": ("x * y + 1", "x * y - 1"),
    }
    steps |= {"(a or b) - 1": ("a or b", "(a or b) - 2"), "a or b": ("(a or b) + 1", "(a or b) - 1")}
    for text, wanted in steps.items():
        assert (stepped(text, 1), stepped(text, -1)) == wanted


def test_what_is_added_up_is_not_turned_round() -> None:
    assert not rank_of("def f(a):\n    return 2 + a\n", "def f(a):\n    return a + 2\n", 2)


def test_the_other_order_of_a_sum_of_sequences_is_among_the_first() -> None:
    bug = "def f(value, args):\n    args = (value,) + args\n    return g(*args)\n"
    assert 1 <= rank_of(bug, bug.replace("(value,) + args", "args + (value,)"), 2, 3) <= 12


def test_the_name_of_a_function_is_no_value_to_count_with() -> None:
    bug = "def f(xs):\n    def step(a, b):\n        return a\n    return reduce(step, xs)\n"
    made = {candidate.splice.text for candidate in candidates(bug, 4)}
    assert made and not made & {"step + 1", "step[1:]", "step()", "*step", "reversed(step)", "step.items()"}


def test_branches_are_asked_in_the_other_order() -> None:
    bug = (
        "def f(n):\n    if n > 0:  # some\n        return 1\n    elif n > 9:\n        return 9  # many\n    return 0\n"
    )
    fix = "def f(n):\n    if n > 9:\n        return 9\n    elif n > 0:\n        return 1\n    return 0\n"
    assert 1 <= rank_of(bug, fix, 2) <= 60
    bug, fix = (text.replace("return 0", "else:\n        return 0") for text in (bug, fix))
    assert rank_of(bug, fix, 2) >= 1


def test_an_argument_that_the_other_calls_of_the_function_are_given_is_added() -> None:
    bug = "class Path: pass\n\n\ndef f(x):\n    return isinstance(x)\n\n\ndef g(x):\n    return isinstance(x, Path)\n"
    assert 1 <= rank_of(bug, bug.replace("isinstance(x)", "isinstance(x, Path)"), 5) <= 12


def test_a_branch_that_forgets_a_variable_gets_a_part_of_what_the_other_branch_gives_it() -> None:
    bug = "def f(a, i):\n    x = 0\n    if i:\n        x = [i[0]] + list(a[0])\n    else:\n        pass\n    return x\n"
    assert 1 <= rank_of(bug, bug.replace("pass", "x = a[0]"), 6) <= 30


@pytest.mark.parametrize("value", ["dict(pairs)", "self.text()", "super().f(pairs)"])
def test_an_empty_return_gets_what_can_be_made_here(value: str) -> None:
    bug = "class A(B):\n    def text(self):\n        return 'A'\n\n    def f(self, pairs):\n        return\n"
    assert 1 <= rank_of(bug, bug.replace("return\n", f"return {value}\n"), 6) <= 90


def test_a_sum_grows_by_what_the_other_one_has() -> None:
    bug = "class A:\n    def join(self, one, other):\n        self.size[one] += 1\n"
    assert 1 <= rank_of(bug, bug.replace("+= 1", "+= self.size[other]"), 3) <= 40


def test_mutable_default() -> None:
    bug = "def f(x, found=[]):\n    found.append(x)\n    return found\n"
    fix = "def f(x, found=None):\n    if found is None:\n        found = []\n    found.append(x)\n    return found\n"
    assert rank_of(bug, fix, 2)


def test_self_is_added() -> None:
    bug = "class A:\n    def __init__(self):\n        self.n = 1\n\n    def f(self):\n        return n\n"
    assert rank_of(bug, bug.replace("return n", "return self.n"), 6)


def test_a_property_gives_back_the_attribute_it_is_named_after() -> None:
    bug = "class A:\n    def __init__(self, n):\n        self.__size = n\n\n    def size(self):\n        return\n"
    assert rank_of(bug, bug.replace("return\n", "return self.__size\n"), 6) <= 3


def test_a_list_is_emptied_and_not_its_name_deleted() -> None:
    bug = "class A:\n    def clear(self):\n        del self.keys\n"
    assert rank_of(bug, bug.replace("keys", "keys[:]"), 3) <= 10


def test_a_value_is_wrapped_in_what_the_function_calls_so_elsewhere() -> None:
    bug = "def f(width, text):\n    n = width(text)\n    return pad(text, n, text)\n"
    assert rank_of(bug, bug.replace("n, text)", "n, width(text))"), 3) <= 70


def test_a_name_that_is_not_bound_is_taken_from_the_attribute_named_like_it() -> None:
    bug = "class A:\n    def f(self):\n        self.main_lock = g()\n\n    def h(self):\n        lock.wait()\n"
    fix = bug.replace("        lock.wait", "        lock = self.main_lock\n        lock.wait")
    failure = TestResult("t", "failed", message="NameError: name 'lock' is not defined", exception="NameError")
    assert 1 <= rank_of(bug, fix, 6, failure=failure) <= 10


def test_where_none_came_an_empty_value_of_the_type_that_has_the_member_is_taken() -> None:
    bug = 'def f(text):\n    """Clean."""\n    text = text.strip()\n    return g(text)\n'
    failure = failed("AttributeError: 'NoneType' object has no attribute 'strip'", "AttributeError", 3)
    assert 1 <= rank_of(bug, bug.replace("text.strip", '(text or "").strip'), 3, failure=failure) <= 5
    items = bug.replace("strip", "items")
    failure = failed("AttributeError: 'NoneType' object has no attribute 'items'", "AttributeError", 3)
    assert 1 <= rank_of(items, items.replace("text.items", "(text or {}).items"), 3, failure=failure) <= 5


def test_async() -> None:
    bug = "async def f(a):\n    x = a.read()\n    return x\n"
    assert rank_of(bug, bug.replace("= a.read", "= await a.read"), 2) == 1


def test_module_constant_of_a_suspicious_function() -> None:
    bug = "LIMIT = 9\n\n\ndef f(a):\n    return a < LIMIT\n"
    assert rank_of(bug, bug.replace("9", "10"), 5)


FAILURES = {
    "near name": (
        "def f(values):\n    return sum(vales)\n",
        "def f(values):\n    return sum(values)\n",
        failed("NameError: name 'vales' is not defined", "NameError", 2),
    ),
    "missing import": (
        '"""Doc."""\n\n\ndef f(x):\n    return math.floor(x)\n',
        '"""Doc."""\nimport math\n\n\ndef f(x):\n    return math.floor(x)\n',
        failed("NameError: name 'math' is not defined", "NameError", 5),
    ),
    "missing import from": (
        "import re\n\n\ndef f():\n    return defaultdict(list)\n",
        "import re\nfrom collections import defaultdict\n\n\ndef f():\n    return defaultdict(list)\n",
        failed("NameError: name 'defaultdict' is not defined", "NameError", 5),
    ),
    "import of a near name": (
        "from collections import OrderdDict\n\nx = OrderedDict\n",
        "from collections import OrderedDict\n\nx = OrderedDict\n",
        failed(
            "ImportError: cannot import name 'OrderdDict' from 'collections'. Did you mean: 'OrderedDict'?",
            "ImportError",
            1,
        ),
    ),
    "near attribute": (
        "def f(s):\n    return s.uper()\n",
        "def f(s):\n    return s.upper()\n",
        failed("AttributeError: 'str' object has no attribute 'uper'", "AttributeError", 2),
    ),
    "near key": (
        "D = {'colour': 1}\n\n\ndef f():\n    return D['color']\n",
        "D = {'colour': 1}\n\n\ndef f():\n    return D['colour']\n",
        failed("KeyError: 'color'", "KeyError", 5),
    ),
    "near keyword": (
        "def g(width=1):\n    return width\n\n\ndef f():\n    return g(widht=2)\n",
        "def g(width=1):\n    return width\n\n\ndef f():\n    return g(width=2)\n",
        failed("TypeError: g() got an unexpected keyword argument 'widht'", "TypeError", 6),
    ),
    "missing argument": (
        "def g(a, b):\n    return a\n\n\ndef f(a, b):\n    return g(a)\n",
        "def g(a, b):\n    return a\n\n\ndef f(a, b):\n    return g(a, b=b)\n",
        failed("TypeError: g() missing 1 required positional argument: 'b'", "TypeError", 6),
    ),
    "nonlocal": (
        "def f():\n    n = 0\n\n    def g():\n        n += 1\n        return n\n\n    return g\n",
        "def f():\n    n = 0\n\n    def g():\n        nonlocal n\n        n += 1\n        return n\n\n    return g\n",
        failed("UnboundLocalError: cannot access local variable 'n' where it is not", "UnboundLocalError", 5),
    ),
    "exception handled": (
        "def f(s):\n    return int(s)\n",
        "def f(s):\n    try:\n        return int(s)\n    except ValueError:\n        return None\n",
        failed("ValueError: invalid literal for int()", "ValueError", 2),
    ),
    "raise wanted": (
        "def f(n):\n    return n * 2\n",
        "def f(n):\n    if n < 0:\n        raise ValueError('invalid n')\n    return n * 2\n",
        failed("Failed: DID NOT RAISE <class 'ValueError'>", "Failed"),
    ),
    "number put in proportion": (
        "def f(hours):\n    return hours * 360\n",
        "def f(hours):\n    return hours * 3600\n",
        failed("assert 720 == 7200", "AssertionError"),
    ),
    "number moved by the difference": (
        "def f(n):\n    return n + 17\n",
        "def f(n):\n    return n + 32\n",
        failed("AssertionError: 20 != 35", "AssertionError"),
    ),
    "constant returned in the place of a question": (
        "def f(xs):\n    rest = list(xs)\n    return True\n",
        "def f(xs):\n    rest = list(xs)\n    return not rest\n",
        failed("assert True == False", "AssertionError", 3),
    ),
    "expected text": (
        "def f(a, b):\n    return a + '; ' + b\n",
        "def f(a, b):\n    return a + ' | ' + b\n",
        failed("assert 'x; y' == 'x | y'", "AssertionError"),
    ),
}


@pytest.mark.parametrize("name", FAILURES)
def test_failure_driven(name: str) -> None:
    bug, fix, failure = FAILURES[name]
    lines = (failure.frames[0].line,) if failure.frames else (2,)
    rank = rank_of(bug, fix, *lines, failure=failure)
    assert 1 <= rank <= 60


def test_expected_against_actual_raises_the_kinds_that_fit() -> None:
    bug = one_line("y = [a, b]", "return xs")
    fix = one_line("y = [a, b]", "return xs[::-1]")
    reverse = failed("assert [1, 2, 3] == [3, 2, 1]", "AssertionError")
    assert rank_of(bug, fix, 2, 3, failure=reverse) < rank_of(bug, fix, 2, 3)


def test_multi_line_code_keeps_its_comments() -> None:
    bug = textwrap.dedent("""\
        def f(a, b):
            return g(
                a,  # first
                a < b,  # second
            )
        """)
    fixed = [patched(bug, candidate) for candidate in candidates(bug, 4)]
    assert bug.replace("a < b", "a <= b") in fixed


def test_where_there_are_too_many_candidates_to_look_at_all_the_common_ones_are_looked_at() -> None:
    lines = [f"    v{number} = xs[a, b] + f(a, b, xs) - v{number - 1}" for number in range(1, 9)]
    source = "\n".join(["def f(a, b, xs):", "    v0 = 0", *lines, "    return v8", ""])
    found = candidates(source, *range(1, 12), limit=1000)
    swapped = {c.line for c in found if c.kind == "element-swap"}
    assert swapped == set(range(3, 11))


def test_a_member_that_the_file_asks_for_makes_a_condition_stronger() -> None:
    bug = "def f(node):\n    return node is not None\n\n\ndef g(node):\n    node._ends = True\n"
    assert 0 < rank_of(bug, bug.replace("not None", "not None and node._ends"), 2) <= 60


def test_a_variable_that_holds_what_stands_there_comes_first() -> None:
    bug = "def f(a, b, c, d, e, g, h, i, row, j):\n    above = row[j]\n    row[j] = 0\n    c = row[j]\n    return c\n"
    held, other = (rank_of(bug, bug.replace("c = row[j]", f"c = {name}"), 4) for name in ("above", "row"))
    assert 0 < held < other


def test_what_a_function_was_given_is_handed_on() -> None:
    bug = "def f(a, *args, **kwargs):\n    return g(a, *args)\n"
    assert 0 < rank_of(bug, bug.replace("*args)", "*args, **kwargs)"), 2) <= 20


def test_a_keyword_gets_the_variable_of_its_name() -> None:
    bug = "def f(message, remove, other):\n    return g(remove=message)\n"
    assert 0 < rank_of(bug, bug.replace("remove=message", "remove=remove"), 2) <= 5


def test_two_of_a_kind_are_compared_by_what_they_hold() -> None:
    bug = (
        "class A:\n    def __init__(self, data):\n        self.data = data\n\n"
        "    def __eq__(self, other):\n        return type(self) == type(other)\n"
    )
    fix = bug.replace("type(other)", "type(other) and self.data == other.data")
    assert 0 < rank_of(bug, fix, 6) <= 60


@pytest.mark.parametrize(
    ("idle", "right"),
    [("return", "return b"), ("a = a", "a = a[1:]"), ("xs", "xs.clear()"), ("pass", "continue")],
)
def test_a_statement_that_does_nothing_is_changed_sooner(
    idle: str, right: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bug = (
        f"def f(a, b, xs):\n    for i in xs:\n        c = a - b\n        if c:\n            {idle}\n"
        "        g(c)\n    return xs.clear() or a\n"
    )
    fix = bug.replace(f"            {idle}\n", f"            {right}\n")
    score = next(c.score for c in candidates(bug, 5) if patched(bug, c) == fix)
    monkeypatch.setattr("coder.repair.rank._IDLE", 0.0)
    assert score > next(c.score for c in candidates(bug, 5) if patched(bug, c) == fix) + 0.5


def test_an_empty_return_gives_back_what_the_function_beside_it_does() -> None:
    bug = "def f(xs, i):\n    return xs[i - 1]\n\n\ndef g(xs, i):\n    if i:\n        return 0\n    return\n"
    assert 0 < rank_of(bug, bug[:-1] + " xs[i - 1]\n", 8) <= 20


def test_a_statement_behind_many_more_suspicious_ones_is_looked_at_for_what_takes_few_edits() -> None:
    lines = "".join(f"    v{number} = xs[a, b] + f(a, b, xs) - v{number - 1}\n" for number in range(1, 60))
    source = f"def f(a, b, xs):\n    v0 = 0\n{lines}    if not a:\n        return b\n    return v0\n"
    suspects = [Suspect("m.py", line, 1.0 - line / 100) for line in range(1, 63)]
    found = propose(lambda _: source.encode(), suspects, [], limit=3000)
    assert any(c.kind == "condition-negate" and c.line == 62 for c in found)


def test_no_edit_takes_the_docstring_from_a_function_or_throws_away_what_it_was_given() -> None:
    source = textwrap.dedent('''\
        class Box:
            def grow(self, by):
                """More of it."""
                size = self.size + by
                return size
        ''')
    tried = [(candidate.kind, patched(source, candidate)) for candidate in candidates(source, 2, 3, 4, 5)]
    bodies = [node for _, text in tried for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    assert all(ast.get_docstring(body) for body in bodies if body.name == "grow")
    begin = {text.splitlines()[3].strip() for kind, text in tried if kind == "initialise"}
    assert "size = 0" in begin and not any(text.startswith(("self = ", "by = ")) for text in begin)


def test_a_sign_is_a_part_of_its_number() -> None:
    source = one_line("return xs[:-1]")
    texts = [patched(source, candidate) for candidate in candidates(source, 2)]
    assert not any("--" in text or "-0" in text for text in texts)


def test_brackets_go_with_what_they_were_for() -> None:
    source = one_line("return sum(xs) / (len(xs) + 1)")
    assert any("sum(xs) / len(xs)\n" in patched(source, candidate) for candidate in candidates(source, 2))
    kept = one_line("return abs(a - b) + len((a - b).xs)")
    texts = {patched(kept, candidate) for candidate in candidates(kept, 2)}
    assert any("abs(a) + " in text for text in texts) and any("len(a.xs)" in text for text in texts)
    for text in texts:
        ast.parse(text)


def test_two_functions_that_are_mistaken_for_each_other_change_places() -> None:
    bug = one_line("lo = min(a, b)", "hi = max(a, b)", "return hi - lo")
    fix = one_line("lo = max(a, b)", "hi = min(a, b)", "return hi - lo")
    assert rank_of(bug, fix, 2, 3, 4) > 0


def test_how_far_a_result_is_off_says_nothing_of_a_place() -> None:
    source = one_line("return sum(xs[:-1]) + 3")
    off = failed("AssertionError: assert 7 == 12", "AssertionError")
    texts = [patched(source, candidate) for candidate in candidates(source, 2, failure=off)]
    assert any("sum(xs[:-1]) + 8" in text for text in texts)
    assert not any("[:4]" in text or "[:-6]" in text for text in texts)
