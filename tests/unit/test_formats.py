"""The forms of an edit: which is asked for, which are read from a text, how drifting diffs and rewrites land."""

from __future__ import annotations

from typing import Any

import pytest

from coder.policies.context import Part, pack
from coder.policies.replies import calls_in
from coder_tools.edit import EditRefused, apply_diff, replace, replace_function, rewrite
from coder_tools.formats import choose, format_of
from coder_tools.syntax import check_syntax
from coder_tools.text import cap_around

CALC = b"def add(a, b):\n    total = a - b\n    return total\n\n\ndef sub(a, b):\n    total = a - b\n    return total\n"


@pytest.mark.parametrize(
    ("billions", "record", "form"),
    [
        (0.0, {}, "search"),
        (31.0, {}, "search"),
        (8.0, {}, "function"),
        (2.0, {}, "whole"),
        (31.0, {"search": [0, 2]}, "function"),
        (31.0, {"search": [3, 2]}, "search"),
        (2.0, {"whole": [0, 3], "search": [0, 3]}, "function"),
        (31.0, {"search": [0, 2], "function": [0, 2], "whole": [0, 2]}, "diff"),
    ],
)
def test_the_form_follows_size_and_success(billions: float, record: dict[str, list[int]], form: str) -> None:
    assert choose(billions, record) == form


def test_calls_tell_their_form() -> None:
    assert format_of("edit_file", {"diff": "x"}) == "diff" and format_of("create_file", {}) == "whole"
    assert format_of("edit_file", {"function": "f"}) == "function" and format_of("read_file", {}) is None


READ = [("read_file", {"path": "a.py"})]


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ('<tool_call>\n{"name": "read_file", "arguments": {"path": "a.py"}}', READ),
        ("```tool_code\nread_file(path='a.py')\n```", READ),
        ('```python\nread_file("a.py")\n```', READ),
        ("<tool_call>{'name': 'read_file', 'arguments': {'path': 'a.py'}}</tool_call>", READ),
        ('{"name": "read_file", "arguments": {"path": "a.py",},}', READ),
        ('Sure.\n```json\n{"tool": "read_file", "args": {"path": "a.py"}}\n```', READ),
        ('<|tool_call>call:read_file{path:<|"|>a.py<|"|>}<tool_call|>', READ),
        ("```python\nprint('read_file')\n```", []),
        ("```python\nimport os\nread_file(path='a.py')\n```", []),
        ("a.py\n```python\nx = 1\n```", [("create_file", {"path": "a.py", "content": "x = 1\n"})]),
        ("```python src/a.py\nx = 1\n```", [("create_file", {"path": "src/a.py", "content": "x = 1\n"})]),
        (
            "```diff\n--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-x = 1\n+x = 2\n```",
            [("edit_file", {"path": "a.py", "diff": "@@ -1 +1 @@\n-x = 1\n+x = 2\n"})],
        ),
        (
            "**a.py**\n```\n<<<<<<< SEARCH\nx = 1\n=======\nx = 2\n>>>>>>> REPLACE\n```",
            [("edit_file", {"path": "a.py", "search": "x = 1\n", "replace": "x = 2\n"})],
        ),
    ],
)
def test_calls_are_read_from_a_text(text: str, calls: list[tuple[str, Any]]) -> None:
    assert calls_in(text) == calls


def test_a_slip_of_the_pen_is_overlooked_where_only_one_place_can_be_meant() -> None:
    search = "def add(a, b):\n    total = a - b\n    return totl\n"
    landed = replace("calc.py", CALC, search, "def add(a, b):\n    return a + b\n")
    assert landed.how == "wording" and landed.data.startswith(b"def add(a, b):\n    return a + b\n\n\ndef sub")
    with pytest.raises(EditRefused, match="2 times"):
        replace("calc.py", CALC * 2, search, "x = 1\n")
    with pytest.raises(EditRefused, match=r"not in calc\.py"):
        replace("calc.py", CALC, "def mul(a, b):\n    total = a * b\n    return totl\n", "x = 1\n")


def test_a_hunk_that_fits_twice_goes_where_its_number_says_if_that_is_clear() -> None:
    lines = [*["x = 1"], *[f"a{n} = {n}" for n in range(30)], *["x = 1"]]
    data = ("\n".join(lines) + "\n").encode()
    landed = apply_diff("a.py", data, "@@ -30,1 +30,1 @@\n-x = 1\n+x = 2\n")
    assert landed.data.endswith(b"x = 2\n") and landed.data.startswith(b"x = 1\n")
    with pytest.raises(EditRefused, match="2 times"):
        apply_diff("a.py", data, "@@ -15,1 +15,1 @@\n-x = 1\n+x = 2\n")


def test_a_diff_is_applied_whole_or_not_at_all() -> None:
    diff = "@@ -1,2 +1,2 @@\n def add(a, b):\n-    total = a - b\n+    total = a + b\n@@ -90 +90 @@\n-not there\n+x\n"
    with pytest.raises(EditRefused, match=r"not in calc\.py"):
        apply_diff("calc.py", CALC, diff)
    assert apply_diff("calc.py", CALC, diff.split("@@ -90")[0]).data == CALC.replace(b"a - b", b"a + b", 1)


@pytest.mark.parametrize(
    ("diff", "words"),
    [("", "no changed lines"), ("@@ -1 +1 @@\n+x", "only adds"), ("@@ -1 +1 @@\nx", "begins with neither")],
)
def test_a_diff_that_makes_no_sense_says_why(diff: str, words: str) -> None:
    with pytest.raises(EditRefused, match=words):
        apply_diff("calc.py", CALC, diff)


def test_a_rewrite_must_be_whole() -> None:
    assert rewrite("calc.py", CALC, CALC.decode().replace("a - b", "a + b", 1)).how == "rewritten"
    with pytest.raises(EditRefused, match="leaves out add, sub"):
        rewrite("calc.py", CALC, "x = 1\n")
    with pytest.raises(EditRefused, match="stands in for code"):
        rewrite("calc.py", CALC, "def add(a, b):\n    return a + b\n\n# ... rest of the file unchanged\n")


SOURCES = {
    "a.js": (b"export const f = (a) => {\n  return a - 1;\n};\nfunction g() {}\n", "f"),
    "a.ts": (b"class A {\n  m(a: number): number {\n    return a - 1;\n  }\n}\n", "A.m"),
    "a.go": (b"package x\n\nfunc F(a int) int {\n\treturn a - 1\n}\n", "F"),
    "a.rs": (b"impl S {\n    fn m(a: i32) -> i32 {\n        a - 1\n    }\n}\n", "S.m"),
    "A.java": (b"class A {\n    int m(int a) {\n        return a - 1;\n    }\n}\n", "A.m"),
    "a.c": (b"int f(int a) {\n    return a - 1;\n}\n", "f"),
    "a.cpp": (b"int A::f(int a) {\n    return a - 1;\n}\n", "f"),
}


@pytest.mark.parametrize("path", SOURCES)
def test_whole_functions_are_replaced_in_every_language(path: str) -> None:
    data, name = SOURCES[path]
    text = data.decode()
    start = text.index(next(line for line in text.split("\n") if "(" in line))
    rest = text[start:].split("\n")
    depth, whole = 0, []
    for line in rest:
        whole.append(line)
        depth += line.count("{") - line.count("}")
        if depth == 0:
            break
    code = "\n".join(whole).replace("a - 1", "a + 1")
    landed = replace_function(path, data, name, code)
    assert landed.data == data.replace(b"a - 1", b"a + 1")
    if not path.endswith((".c", ".cpp")):
        with pytest.raises(EditRefused, match=r"would no longer parse|whole definition"):
            replace_function(path, data, name, code.replace("{", "", 1))


def test_a_syntax_error_has_line_and_caret_in_other_languages() -> None:
    with pytest.raises(EditRefused) as caught:
        check_syntax("a.js", b"function f() {\n  return (1;\n}\n", b"")
    assert "line 2" in str(caught.value) and "^" in str(caught.value)


def test_a_log_is_cut_around_its_errors_with_counts() -> None:
    noise = [f"collecting module {n}" for n in range(400)]
    log = "\n".join([*noise, "    def test_x():", ">       assert f(1) == 2", "E       assert 1 == 2", *noise])
    shown = cap_around(log, 600)
    assert "E       assert 1 == 2" in shown and "def test_x" in shown
    left_out = sum(int(part.split()[1]) for part in shown.split("\n") if part.startswith("[..."))
    assert left_out + sum(not part.startswith("[...") for part in shown.split("\n")) == log.count("\n") + 1
    assert len(shown) < 900


def test_a_prompt_keeps_its_order_and_cuts_what_matters_least() -> None:
    parts = [Part("a", "x" * 300, 2), Part("b", "y" * 300, 0), Part("c", "z" * 300, 1), Part("d", "", 0)]
    whole = pack(parts, 2000)
    assert whole.index("<a>") < whole.index("<b>") < whole.index("<c>") and "<d>" not in whole
    tight = pack(parts, 700)
    assert "y" * 300 in tight and "z" * 300 in tight and "<a>" not in tight
    assert len(tight) <= 700
    assert "characters left out" in pack([Part("a", "x" * 3000, 0)], 700)
