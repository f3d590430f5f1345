"""Edits land exactly where they were meant, or not at all."""

from __future__ import annotations

import ast

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from coder_tools.edit import EditRefused, Landed, create, replace, replace_function
from coder_tools.workspace import ToolError

SOURCE = b"""import os


class Box:
    @property
    def size(self):
        return 1

    def add(self, x):
        if x:
            return x - 1
        return 0


def add(a, b):
    return a - b
"""

steady = settings(deadline=None, derandomize=True)
line = st.text("abcxyz =()+-#'\"\t_1é", max_size=12)
blocks = st.lists(line, min_size=1, max_size=12)


@steady
@given(blocks, st.data(), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_an_exact_edit_changes_its_lines_and_no_other_byte(
    lines: list[str], data: st.DataObject, newline: str, final: bool
) -> None:
    low = data.draw(st.integers(0, len(lines) - 1))
    high = data.draw(st.integers(low + 1, len(lines)))
    text, search, new = "\n".join(lines), "\n".join(lines[low:high]), "\n".join(data.draw(blocks))
    assume(search.strip() and _places(text, search) == [len("\n".join([*lines[:low], ""]))])
    assume(search != new and not search.endswith("\n"))
    tail = newline if final else ""
    before = (newline.join(lines) + tail).encode()
    landed = replace("a.txt", before, search, new)
    own = newline if newline.encode() in before else "\n"
    if new.endswith("\n") and new[:-1] != search:
        new = new[:-1]  # the lines as they are usually sent: their end is no blank line
    assert landed.data.decode() == newline.join([*lines[:low], new.replace("\n", own), *lines[high:]]) + tail


@steady
@given(blocks, st.data(), blocks)
def test_no_edit_lands_where_its_text_is_not(lines: list[str], data: st.DataObject, new: list[str]) -> None:
    """What was replaced is what was asked for, white space apart; it was the only such place; the rest is as it was."""
    text = "\n".join(lines)
    wanted = data.draw(blocks | st.just(lines[:2]) | st.just(["  " + item for item in lines[-2:]]))
    search = "\n".join(wanted)
    try:
        landed = replace("a.txt", text.encode(), search, "\n".join(new))
    except EditRefused:
        return
    after = landed.data.decode()
    if landed.how == "exact":
        [at] = _places(text, search)
        assert after.startswith(text[:at]) and after.endswith(text[at + len(search) :])
        return
    needle = [item.split() for item in search.strip("\n").split("\n")]
    windows = range(len(lines) - len(needle) + 1)
    found = [at for at in windows if [item.split() for item in lines[at : at + len(needle)]] == needle]
    if landed.how == "indentation":
        found = [
            at
            for at in found
            if all(_same(lines[at + n], item) for n, item in enumerate(search.strip("\n").split("\n")))
        ]
    [at] = found
    assert after.split("\n")[:at] == lines[:at]
    rest = lines[at + len(needle) :]
    assert not rest or after.split("\n")[-len(rest) :] == rest


def _same(line: str, other: str) -> bool:
    return line.strip() == other.strip()


def _places(text: str, search: str) -> list[int]:
    """Where the text stands without cutting a word or an operator in two."""
    found = [at for at in range(len(text)) if text.startswith(search, at)]
    return [at for at in found if not any(_in_word(text, edge) for edge in (at, at + len(search)))]


def _in_word(text: str, edge: int) -> bool:
    if text[max(0, edge - 1) : edge + 1] in ("==", "+=", "-=", "++", "--"):
        return True
    return 0 < edge < len(text) and all(char.isalnum() or char == "_" for char in text[edge - 1 : edge + 1])


@steady
@given(st.text(max_size=200), st.text(min_size=1, max_size=5), st.text(max_size=5))
def test_whatever_is_sent_gives_an_edit_or_a_refusal(text: str, search: str, new: str) -> None:
    try:
        data = text.encode()
    except UnicodeEncodeError:
        return
    try:
        assert isinstance(replace("a.py", data, search, new), Landed)
    except ToolError as error:
        assert str(error)


@steady
@given(st.integers(0, 3), st.integers(0, 3))
def test_lost_or_added_indentation_is_put_right(there: int, sent: int) -> None:
    outer, mine = "    " * there, "    " * sent
    lines = ["if x:", *["if y:"] * there]
    head = "".join("    " * depth + text + "\n" for depth, text in enumerate(lines[:there]))
    before = f"{head}{outer}for i in x:\n{outer}    one(i)\n"
    landed = replace(
        "a.txt",
        before.encode(),
        f"{mine}for i in x:\n{mine}    one(i)",
        f"{mine}for i in x:\n{mine}    two(i)\n{mine}    if i:\n{mine}        three()",
    )
    assert (
        landed.data.decode()
        == f"{head}{outer}for i in x:\n{outer}    two(i)\n{outer}    if i:\n{outer}        three()\n"
    )


def test_less_indented_lines_are_not_found_inside_the_indentation_of_others() -> None:
    data = b"if a:\n        stop()\nif b:\n    stop()\n"
    assert replace("x.txt", data, "    stop()\n", "    go()\n").data == b"if a:\n        stop()\nif b:\n    go()\n"


def test_tabs_in_the_file_stay_tabs() -> None:
    landed = replace(
        "a.py",
        b"def f():\n\tif x:\n\t\treturn 1\n",
        "    if x:\n        return 1",
        "    if x:\n        y = 2\n        return y",
    )
    assert landed.data == b"def f():\n\tif x:\n\t\ty = 2\n\t\treturn y\n"
    assert landed.how == "indentation"


def test_white_space_inside_lines_may_differ_when_one_place_is_meant() -> None:
    landed = replace("a.py", b"x = f( 1,  2 )\ny = 3\n", "x = f( 1, 2 )", "x = g(1)")
    assert (landed.data, landed.how) == (b"x = g(1)\ny = 3\n", "spacing")


@pytest.mark.parametrize("search", ["x = 1", "    return a - b\n" * 2, "no such text"])
def test_text_that_is_not_there_is_refused(search: str) -> None:
    with pytest.raises(EditRefused, match="is not in"):
        replace("a.py", b"max = 10\nreturns = 2\n", search, "y")


def test_more_than_one_place_is_refused_with_the_lines() -> None:
    with pytest.raises(EditRefused, match=r"3 times \(lines 1, 3, 4\)"):
        replace("a.py", b"x = 1\ny = 2\nx = 1\nx = 1\n", "x = 1", "x = 2")
    with pytest.raises(EditRefused, match="2 times"):
        replace("a.py", b"if a:\n    x = 1\nif b:\n        x = 1\n", "\tx = 1", "\tx = 2")


def test_the_nearest_lines_are_shown() -> None:
    with pytest.raises(EditRefused, match=r"(?s)nearest is at lines 11 to \d+:\n            return x - 1"):
        replace("a.py", SOURCE, "            return x - 2", "            return x")


def test_line_numbers_copied_from_reading_are_overlooked() -> None:
    landed = replace("a.py", SOURCE, "15|def add(a, b):\n16|    return a - b", "15|def add(a, b):\n16|    return a + b")
    assert landed.data == SOURCE.replace(b"a - b", b"a + b")
    assert (landed.first_line, landed.last_line) == (15, 16)


def test_crlf_encoding_and_a_missing_final_newline_stay() -> None:
    latin = "# -*- coding: latin-1 -*-\r\nname = 'é'\r\nx = 1".encode("latin-1")
    landed = replace("a.py", latin, "name = 'é'\nx = 1", "name = 'ü'\nx = 2")
    assert landed.data == "# -*- coding: latin-1 -*-\r\nname = 'ü'\r\nx = 2".encode("latin-1")
    with pytest.raises(ToolError, match=r"iso-8859-1, which has no '→'"):
        replace("a.py", latin, "x = 1", "x = '→'")
    marked = b"\xef\xbb\xbfx = 1\n"
    assert replace("a.py", marked, "x = 1", "x = 2").data == b"\xef\xbb\xbfx = 2\n"
    broken = b"x = 1\n# \xff\xfe\n"
    assert replace("a.txt", broken, "x = 1", "x = 2").data == b"x = 2\n# \xff\xfe\n"


def test_mixed_line_ends_stay_as_they_are() -> None:
    assert replace("a.txt", b"a\r\nb\nc\r\nd\r\n", "b\nc", "x\ny").data == b"a\r\nx\r\ny\r\nd\r\n"


def test_a_result_that_does_not_parse_is_refused_with_line_and_caret() -> None:
    with pytest.raises(EditRefused, match=r"line 16: .*\n    return \(a\n           \^"):
        replace("a.py", SOURCE, "return a - b", "return (a")


def test_a_file_that_never_parsed_may_be_edited() -> None:
    assert replace("a.py", b"print 'old'\nx = 1\n", "x = 1", "x = 2").data == b"print 'old'\nx = 2\n"


def test_lines_that_go_out_whole_come_in_whole() -> None:
    assert replace("a.py", b"x = 1\ny = 2\n", "x = 1\n", "x = 3").data == b"x = 3\ny = 2\n"
    assert replace("a.py", b"x = 1\ny = 2\n", "x = 1\n", "").data == b"y = 2\n"


def test_nothing_to_do_is_said() -> None:
    with pytest.raises(EditRefused, match="nothing would change"):
        replace("a.py", SOURCE, "return a - b", "return a - b")
    with pytest.raises(EditRefused, match="empty"):
        replace("a.py", SOURCE, " \n", "x")


def test_a_binary_file_is_refused() -> None:
    with pytest.raises(ToolError, match="binary"):
        replace("a.bin", b"a\0b", "a", "b")


def test_a_function_is_replaced_whole_and_its_decorators_stay() -> None:
    landed = replace_function("a.py", SOURCE, "size", "def size(self):\n    two = 2\n\n    return two\n")
    assert landed.data == SOURCE.replace(b"        return 1\n", b"        two = 2\n\n        return two\n")
    landed = replace_function("a.py", SOURCE, "Box.size", "@cached\ndef size(self):\n    return 1")
    assert landed.data == SOURCE.replace(b"@property", b"@cached")
    crlf = SOURCE.replace(b"\n", b"\r\n")
    landed = replace_function("a.py", crlf, "Box.add", "def add(self, x):\n    return x\n")
    assert b"\r\n    def add(self, x):\r\n        return x\r\n\r\n\r\ndef add" in landed.data
    assert b"\n" not in landed.data.replace(b"\r\n", b"")


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("add", "def add(a, b):\n    return 1", r"line 9: Box.add: .*\nline 16: C.add: .*\nName one"),
        ("sizes", "def sizes(self): ...", "Did you mean"),
        ("size", "def other(self): ...", "whole definition"),
        ("size", "def size(self):\n    return 1\nx = 2", "whole definition"),
        ("size", "def size(self:", "does not parse"),
    ],
)
def test_a_doubtful_replacement_is_refused(name: str, code: str, words: str) -> None:
    source = (
        SOURCE
        if name != "add"
        else SOURCE.replace(b"\ndef add", b"\nclass C:\n  def add").replace(b"    return a - b", b"      return a")
    )
    with pytest.raises(EditRefused, match=words):
        replace_function("a.py", source, name, code)


def test_a_top_level_function_is_preferred_to_a_method_of_that_name() -> None:
    landed = replace_function("a.py", SOURCE, "add", "def add(a, b):\n    return a + b")
    assert landed.data == SOURCE.replace(b"a - b", b"a + b")


@steady
@given(st.sampled_from(["size", "Box.add", "add", "Box"]), st.integers(1, 5))
def test_replacing_a_function_leaves_everything_else(name: str, lines: int) -> None:
    last = name.split(".")[-1]
    body = "\n".join(f"    x{n} = {n}" for n in range(lines))
    head = f"class {last}:" if last == "Box" else "def add(a, b):" if name == "add" else f"def {last}(self):"
    landed = replace_function("a.py", SOURCE, name, f"{head}\n{body}")
    tree = ast.parse(landed.data)
    assert ast.dump(tree.body[0]) == ast.dump(ast.parse(SOURCE).body[0])
    assert landed.data.endswith(b"\n")


def test_a_new_file_ends_with_a_newline_and_parses() -> None:
    assert create("a.py", "x = 1").data == b"x = 1\n"
    with pytest.raises(EditRefused, match="would no longer parse"):
        create("a.py", "x = (")
    with pytest.raises(EditRefused, match="surrogate"):
        create("a.txt", "\ud800")
