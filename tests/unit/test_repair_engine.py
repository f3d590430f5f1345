"""The engine as a whole: exact bytes, no candidate twice, a fair and repeatable order, and its speed."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from coder.repair.contract import Candidate, Suspect
from coder.repair.grammar import fit
from coder.repair.propose import propose
from coder.repair.rank import WEIGHTS
from coder.repair.source import Module, Unreadable
from coder_tools.contract import Frame, TestResult


def run(raw: bytes, *lines: int, seed: int = 0, limit: int = 20_000) -> list[Candidate]:
    return propose(lambda _: raw, [Suspect("m.py", line, 1.0) for line in lines], [], seed=seed, limit=limit)


def apply(raw: bytes, candidate: Candidate, encoding: str = "utf-8") -> bytes:
    splice = candidate.splice
    return raw[: splice.start] + splice.text.encode(encoding) + raw[splice.end :]


# Exact bytes


@pytest.mark.parametrize(
    ("raw", "fixed", "encoding"),
    [
        (b"def f(a, b):\r\n    return a < b  # why\r\n", b"def f(a, b):\r\n    return a <= b  # why\r\n", "utf-8"),
        (b"\xef\xbb\xbfdef f(a, b):\n    return a < b\n", b"\xef\xbb\xbfdef f(a, b):\n    return a <= b\n", "utf-8"),
        (b"def f(a, b):\n\treturn a < b\n", b"def f(a, b):\n\treturn a <= b\n", "utf-8"),
        (
            "# -*- coding: latin-1 -*-\ndef f(a, b):\n    return 'é', a < b\n".encode("latin-1"),
            "# -*- coding: latin-1 -*-\ndef f(a, b):\n    return 'é', a <= b\n".encode("latin-1"),
            "latin-1",
        ),
        (
            "def f(größe, b):\n    return '日本', größe < b\n".encode(),
            "def f(größe, b):\n    return '日本', größe <= b\n".encode(),
            "utf-8",
        ),
        (
            "# coding: shift-jis\ndef f(a, b):\n    return '日本', a < b\n".encode("shift-jis"),
            "# coding: shift-jis\ndef f(a, b):\n    return '日本', a <= b\n".encode("shift-jis"),
            "shift-jis",
        ),
    ],
    ids=["crlf", "bom", "tab", "latin-1", "multi-byte", "shift-jis"],
)
def test_bytes_outside_the_edit_stay(raw: bytes, fixed: bytes, encoding: str) -> None:
    line = raw[: raw.index(b"return")].replace(b"\r\n", b"\n").count(b"\n") + 1
    assert fixed in [apply(raw, candidate, encoding) for candidate in run(raw, line)]


def test_inserted_lines_end_as_the_file_does() -> None:
    raw = b"def f(a):\r\n    return a[0]\r\n"
    guarded = b"def f(a):\r\n    if not a:\r\n        return None\r\n    return a[0]\r\n"
    results = [apply(raw, candidate) for candidate in run(raw, 2)]
    assert guarded in results
    assert not any(b"\n" in result.replace(b"\r\n", b"") for result in results)


def test_a_file_without_a_last_line_break() -> None:
    raw = b"def f(a):\n    b = a"
    assert b"def f(a):\n    b = a\n    return b" in [apply(raw, candidate) for candidate in run(raw, 2)]


def test_text_the_encoding_cannot_hold_is_left_out() -> None:
    raw = "# coding: latin-1\ndef f(a):\n    return a + 'x'\n".encode("latin-1")
    failure = TestResult("t", "failed", message="assert 'ax' == 'a→'", exception="AssertionError")
    found = propose(lambda _: raw, [Suspect("m.py", 3, 1.0)], [failure])
    assert found
    for candidate in found:
        candidate.splice.text.encode("latin-1")


# What is proposed

SAMPLE = b'''\
"""A sample."""
import os
from collections import deque

LIMIT = 10


class Tree:
    def __init__(self, root=None, items=[]):
        self.root = root
        self.items = items

    @property
    def size(self):
        return len(self.items) + 1

    def add(self, item, *, first=False):
        """Add."""
        if item is None or item in self.items:
            return False
        elif first and not self.root:
            self.root = item
        else:
            self.items.append(item)  # last
        return True

    async def load(self, path):
        async with self.lock(path) as handle:
            return [await x for x in handle if x]


def walk(tree, depth=0):
    queue = deque([tree.root]); seen = set()
    while queue:
        node = queue.popleft()
        try:
            if node in seen: continue
            seen.add(node)
            yield node, f"{depth}:{node}"
        except (KeyError, TypeError) as error:
            raise ValueError("bad %s" % error)
        finally:
            depth += 1
    with open(os.path.join("a", "b")) as handle:
        for i, line in enumerate(handle):
            if i > LIMIT:
                break
        else:
            return
    lines = sorted(
        (line[1:] for line in seen),  # comment
        key=lambda line: (-len(line), line),
    )
    count = lambda: sum(1 for _ in lines)

    def inner():
        nonlocal depth
        depth -= 1
        return depth

    return lines or inner() if count() else None
'''


ALL = range(1, SAMPLE.count(b"\n") + 1)  # every line suspected alike


@pytest.fixture(scope="module")
def everything() -> list[Candidate]:
    return run(SAMPLE, *ALL, limit=4000)


@pytest.mark.filterwarnings("ignore::SyntaxWarning")
def test_every_candidate_parses_and_changes_the_tree(everything: list[Candidate]) -> None:
    original = ast.dump(ast.parse(SAMPLE))
    assert len(everything) > 2000
    for candidate in everything:
        text = apply(SAMPLE, candidate)
        compile(text, "m.py", "exec", dont_inherit=True)  # ast.parse alone lets `break` outside a loop pass
        assert ast.dump(ast.parse(text)) != original


def test_no_candidate_comes_twice(everything: list[Candidate]) -> None:
    trees = [ast.dump(ast.parse(apply(SAMPLE, candidate))) for candidate in everything]
    assert len(set(trees)) == len(trees)
    assert len({candidate.key for candidate in everything}) == len(everything)


def test_every_candidate_says_what_it_does(everything: list[Candidate]) -> None:
    assert {candidate.kind for candidate in everything} <= set(WEIGHTS.kinds)
    assert all(candidate.note and "\n" not in candidate.note for candidate in everything)
    swapped = next(c for c in everything if c.kind == "compare" and c.line == 46)
    assert swapped.note == "`>` becomes `>=` in `i > LIMIT`"


def test_best_first_and_the_same_again(everything: list[Candidate]) -> None:
    scores = [candidate.score for candidate in everything]
    assert scores == sorted(scores, reverse=True)
    assert run(SAMPLE, *ALL, limit=4000) == everything


def test_the_same_in_every_process() -> None:
    """Also where sets of names are gone through in another order."""
    script = (
        "from coder.repair.contract import Suspect\n"
        "from coder.repair.propose import propose\n"
        "source = b'def f(alpha, beta, gamma, delta, other):\\n    return max(alpha[beta] + gamma * delta)\\n'\n"
        "print(propose(lambda path: source, [Suspect('m.py', 2, 1.0)], []))\n"
    )
    root = Path(__file__).parents[2]
    told = [
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root), "PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in range(4)
    ]
    assert len(set(told)) == 1 and "argument-add" in told[0]


def test_the_seed_only_breaks_ties(everything: list[Candidate]) -> None:
    other = run(SAMPLE, *ALL, seed=7, limit=4000)
    assert sorted(c.score for c in other)[-50:] == pytest.approx(sorted(c.score for c in everything)[-50:])


def test_a_limit_keeps_the_best(everything: list[Candidate]) -> None:
    assert run(SAMPLE, 46, limit=10) == run(SAMPLE, 46)[:10]


def test_a_long_line_does_not_starve_a_short_one() -> None:
    terms = " + ".join(f"a{i} * {i}" for i in range(40))
    parameters = ", ".join(f"a{i}" for i in range(40))
    raw = f"def f({parameters}):\n    x = {terms}\n    return x < a1\n".encode()
    assert 3 in {candidate.line for candidate in run(raw, 2, 3)[:20]}


def test_the_more_suspicious_line_comes_first() -> None:
    raw = b"def f(a, b):\n    x = a < b\n    y = b < a\n    return x, y\n"
    found = propose(lambda _: raw, [Suspect("m.py", 2, 0.2), Suspect("m.py", 3, 0.9)], [])
    assert found[0].line == 3


def test_deleting_is_not_preferred() -> None:
    raw = b"def f(a, b):\n    a = b + 1\n    b = a - 1\n    return a, b\n"
    kinds = [candidate.kind for candidate in run(raw, 2, 3)]
    assert kinds.index("delete") > 20


def test_a_parameter_nothing_reads_is_the_likelier_name() -> None:
    raw = b"def f(left, right, other):\n    other = other + left\n    return left - left\n"
    names = [apply(raw, c) for c in run(raw, 3) if c.kind == "name"]
    assert b"left - right" in names[0] or b"right - left" in names[0]


def test_unreadable_and_missing_files_are_passed_over() -> None:
    files = {
        "good.py": b"def f(a):\n    return a < 1\n",
        "bad.py": b"def f(:\n",
        "odd.py": b"# coding: nonsense\nx = 1\n",
    }

    def read(path: str) -> bytes:
        return files[path]

    suspects = [Suspect(path, 2, 1.0) for path in ("missing.py", "bad.py", "odd.py", "good.py")]
    assert {candidate.splice.path for candidate in propose(read, suspects, [])} == {"good.py"}
    assert propose(read, [], []) == []


def test_a_line_beyond_the_file_is_no_fault() -> None:
    assert run(b"x = 1\n", 99) == []


@pytest.mark.parametrize("raw", [b"x = \xff\n", b"def f(:\n", b"x = 1\0\n"])
def test_what_cannot_be_read_is_said(raw: bytes) -> None:
    with pytest.raises(Unreadable):
        Module("m.py", raw)


def test_failures_without_frames_or_message_are_no_fault() -> None:
    failure = TestResult("t", "missing")
    crashed = TestResult("t", "crashed", message="\x00 assert", frames=(Frame("other.py", 10_000, ""),))
    assert propose(lambda _: SAMPLE, [Suspect("m.py", 20, 1.0)], [failure, crashed])


# Precedence


@pytest.mark.parametrize(
    ("source", "old", "new", "expected"),
    [
        ("x = a * b", "b", "c + d", "x = a * (c + d)"),
        ("x = a - b", "b", "c - d", "x = a - (c - d)"),
        ("x = a - b", "a", "c - d", "x = c - d - b"),
        ("x = (a) * b", "a", "c + d", "x = (c + d) * b"),
        ("x = a.b", "a", "-c", "x = (-c).b"),
        ("x = a ** b", "a", "-c", "x = (-c) ** b"),
        ("x = a ** b", "b", "-c", "x = a ** -c"),
        ("x = not a", "a", "b or c", "x = not (b or c)"),
        ("x = a and b", "b", "c or d", "x = a and (c or d)"),
        ("x = f(a)", "a", "b if c else d", "x = f(b if c else d)"),
        ("x = a if b else c", "b", "d if e else f", "x = a if (d if e else f) else c"),
        ("x = [i for i in a if b]", "a", "c if d else e", "x = [i for i in (c if d else e) if b]"),
        ("x = a < b", "a", "c == d", "x = (c == d) < b"),
        ("x = a[b]", "b", "c, d", "x = a[c, d]"),
        ("x = f(a)", "a", "c, d", "x = f(c, d)"),
        ("x = [*a]", "a", "b or c", "x = [*(b or c)]"),
    ],
)
def test_parentheses_where_precedence_asks_for_them(source: str, old: str, new: str, expected: str) -> None:
    module = Module("m.py", source.encode())
    node = next(n for n in ast.walk(module.tree) if isinstance(n, ast.Name) and n.id == old)
    start, end = module.span(node)
    assert source[:start] + fit(module, node, new) + source[end:] == expected


# Speed


def test_five_thousand_candidates_of_a_five_thousand_line_module_in_seconds() -> None:
    function = (
        b"def f%d(a, b, items):\n    if a < b and items:\n        return items[a:b]\n"
        b"    total = a + b\n    return total\n\n\n"
    )
    raw = b"".join(function % number for number in range(720))
    started = time.process_time()
    found = run(raw, *range(1400, 1800), limit=5000)
    assert len(found) == 5000
    assert time.process_time() - started < 10  # about 1.5 s on a free core; wide, for a busy one
