"""Looking around: nothing outside can be reached, output is short and clean, and near misses are understood."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coder_tools.files import list_files, meant, read_window
from coder_tools.protect import forbidden, is_protected
from coder_tools.search import search
from coder_tools.symbols import definitions, find_definitions, find_uses
from coder_tools.text import cap, clean, decode
from coder_tools.workspace import ToolError, Workspace, contained

BOX = b"""class Box:
    limit = 3

    @property
    def size(self):
        return self.limit


def size(box):
    return box.size
"""
FILES = {
    "src/box.py": BOX,
    "src/odd.py": b"def broken(:\n    pass\n\ndef after():\n    return size\n",
    "src/link": b"../../etc",
    "docs/a.txt": b"size matters (a lot)\nred \x1b[31malert\x1b[0m\n",
    "data.bin": b"\0\1\2",
    "tests/test_box.py": b"from src.box import size\n",
}


def workspace(changes: dict[str, bytes | None] | None = None, allow: bool = False) -> Workspace:
    return Workspace(FILES.__getitem__, list(FILES), changes if changes is not None else {}, is_protected, allow)


# paths


@pytest.mark.parametrize(
    "path",
    [
        "",
        " ",
        "/etc/passwd",
        "../x",
        "a/../../x",
        "a/..",
        "~/x",
        "C:/x",
        "a\\..\\x",
        "a\nb",
        "a\0b",
        "\x1b[0m",
        ".",
        "./",
    ],
)
def test_a_path_that_could_lead_out_is_refused(path: str) -> None:
    with pytest.raises(ToolError):
        contained(path)
    with pytest.raises(ToolError):
        workspace().write(path, b"x")


@settings(deadline=None, derandomize=True)
@given(st.text("./ab~\\\n", max_size=10))
def test_what_is_let_through_stays_inside(path: str) -> None:
    try:
        kept = contained(path)
    except ToolError:
        return
    assert not kept.startswith("/") and ".." not in kept.split("/") and "\n" not in kept


def test_a_path_through_a_link_or_a_file_is_refused() -> None:
    with pytest.raises(ToolError, match="src/link is a file or a link"):
        workspace().write("src/link/passwd", b"x")
    with pytest.raises(ToolError, match="src is a directory"):
        workspace().write("src", b"x")


def test_writing_back_what_was_there_is_no_change() -> None:
    changes: dict[str, bytes | None] = {}
    made = workspace(changes)
    empty = made.revision()
    made.write("src/box.py", b"x")
    assert changes == {"src/box.py": b"x"} and made.read("src/box.py") == b"x" and made.revision() != empty
    made.write("./src//box.py", FILES["src/box.py"])
    assert changes == {} and made.revision() == empty


def test_a_deleted_file_is_gone() -> None:
    made = workspace({"src/box.py": None})
    assert "src/box.py" not in made.files() and not made.exists("src/box.py")
    with pytest.raises(KeyError):
        made.read("src/box.py")


@pytest.mark.parametrize(
    "path",
    [
        "tests/test_box.py", "tests/data/x.json", "test/util.py", "src/test_x.py", "src/x_test.py", "conftest.py",
        "src/conftest.py", "pytest.ini", "tox.ini", "setup.cfg", "pyproject.toml", "noxfile.py", "sitecustomize.py",
        "src/fixtures/a.json", "TESTS/A.py", "src/x.test.ts", "pkg/a_test.go", "odd/checks.py",
    ],
)  # fmt: skip
def test_tests_and_their_configuration_are_protected(path: str) -> None:
    protected = lambda p: is_protected(p, {"odd/checks.py"})  # noqa: E731
    made = Workspace(FILES.__getitem__, list(FILES), {}, protected)
    with pytest.raises(ToolError, match="may not be edited: it is"):
        made.write(path, b"x")
    Workspace(FILES.__getitem__, list(FILES), {}, protected, allow_test_edits=True).write(path, b"x")


@pytest.mark.parametrize(
    "path", ["src/box.py", "contest.py", "src/latest.py", "src/attest/x.py", "setup.py", "a/testing.py"]
)
def test_code_is_not_protected(path: str) -> None:
    assert is_protected(path) == ""


@pytest.mark.parametrize(
    "path",
    [
        ".git/config",
        "sub/.git",
        ".GIT/hooks/x",
        ".github/workflows/ci.yml",
        ".gitlab-ci.yml",
        ".coder.toml",
        ".gitattributes",
        ".GitHub\u200c./workflows/ci.yml",
        "git~1/config",
        ".gitattributes::$DATA",
    ],
)
def test_some_files_are_never_edited_whatever_is_allowed(path: str) -> None:
    assert forbidden(path) and is_protected(path)
    with pytest.raises(ToolError, match="may not be edited"):
        workspace(allow=True).write(path, b"x")


def test_many_files_are_read_at_once_and_not_one_by_one() -> None:
    """A read of its own for each file took so long that a search of a large repository saw a fraction of it."""
    files = {f"m{n}.py": f"def f{n}():\n    return shared\n".encode() for n in range(20)}

    def one(path: str) -> bytes:
        raise AssertionError(f"{path} was read alone")

    def many(paths: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        return ((path, files[path]) for path in paths)

    changes: dict[str, bytes | None] = {"m0.py": None, "a.py": b"shared = 1\n"}
    made = Workspace(one, list(files), changes, lambda path: "", read_many=many)
    found = search(made, "shared").split("\n")
    assert found[:4] == ["20 matches", "a.py", "1|shared = 1", "m1.py"] and "m0.py" not in found
    assert [symbol.path for symbol in find_definitions(made, "f7")] == ["m7.py"]


# reading


def test_a_window_has_numbers_and_says_how_much_there_is() -> None:
    assert read_window(workspace(), "src/box.py", 2, 3) == "src/box.py, lines 2 to 3 of 10:\n    limit = 3\n"
    with pytest.raises(ToolError, match="only 10 lines"):
        read_window(workspace(), "src/box.py", 99)
    with pytest.raises(ToolError, match="binary file of 3 bytes"):
        read_window(workspace(), "data.bin")


def test_long_files_and_lines_are_cut_and_counted() -> None:
    made = workspace({"long.py": b"x = 1\n" * 5000, "wide.py": b"y" * 9000})
    shown = read_window(made, "long.py", limit=1000)
    assert len(shown) < 1200 and "more lines left out" in shown
    assert "8600 characters left out" in read_window(made, "wide.py")


def test_terminal_escapes_and_hidden_characters_are_not_shown() -> None:
    assert "\x1b" not in read_window(workspace(), "docs/a.txt")
    assert clean("a\x1b]0;title\x07b\x1b[2Jc\x9bd\u202ee\rf\r\ng\tx\udcff") == "abc\ufffdd\ufffde\nf\ng\tx\ufffd"


@given(st.binary(max_size=200))
@settings(deadline=None, derandomize=True)
def test_text_goes_back_to_its_bytes(data: bytes) -> None:
    try:
        text = decode("a.py", data)
    except ToolError:
        assert b"\0" in data
        return
    assert text.encode(text.text) == data


def test_a_path_is_understood_where_one_file_is_meant() -> None:
    made = workspace()
    assert meant(made, "./src/box.py") == "src/box.py"
    assert meant(made, "/home/me/project/src/box.py") == "src/box.py"
    assert meant(made, "box.py") == "src/box.py"
    assert meant(made, "src\\box.py") == "src/box.py"
    with pytest.raises(ToolError, match=r"Did you mean src/box\.py"):
        meant(made, "src/boxs.py")
    with pytest.raises(ToolError, match="leads out"):
        meant(made, "../src/box.py")
    with pytest.raises(ToolError, match="could be any of"):
        meant(workspace({"lib/box.py": b""}), "box.py")


def test_files_are_listed_by_directory_and_folded_where_they_are_many() -> None:
    assert list_files(workspace(), "src") == "3 files\nsrc/box.py\nsrc/link\nsrc/odd.py"
    assert list_files(workspace(), "src/*.py") == "2 files\nsrc/box.py\nsrc/odd.py"
    many: dict[str, bytes | None] = {f"lib/part{n % 9}/module{n}.py": b"" for n in range(3000)}
    shown = list_files(workspace(many), limit=2000)
    assert "lib/ (3000 files)" in shown and len(shown) < 2200
    assert "lib/part0/ (334 files)" in list_files(workspace(many), "lib", limit=2000)
    with pytest.raises(ToolError, match="nothing at"):
        list_files(workspace(), "nowhere")


# searching


def test_text_is_found_as_it_is_and_else_as_an_expression() -> None:
    assert "docs/a.txt\n1|size matters (a lot)" in search(workspace(), "(a lot)")
    assert "src/box.py\n5|    def size(self):\n9|def size(box):" in search(workspace(), r"def s\w+\(")
    assert "box.py" not in search(workspace(), "size", "docs")
    with pytest.raises(ToolError, match="Nothing matches"):
        search(workspace(), "zebra")
    with pytest.raises(ToolError, match="regular expression it is wrong"):
        search(workspace(), "zebra(")


@pytest.mark.parametrize(
    "pattern", ["(x+)+y", "(x|x)*y", r"(.*)*\d", "(?:x{0,50}){0,50}y", r"(x*)\1y", "x*x*x*x*x*x*y"]
)
def test_an_expression_that_could_run_for_ever_is_refused(pattern: str) -> None:
    started = time.monotonic()
    with pytest.raises(ToolError, match="too costly"):
        search(workspace({"a.txt": b"x" * 100_000}), pattern)
    assert time.monotonic() - started < 2


def test_many_matches_are_cut_and_counted() -> None:
    shown = search(workspace({"a.txt": b"needle in a haystack\n" * 1000}), "needle", limit=500)
    assert shown.startswith("200 or more matches") and "more lines left out" in shown and len(shown) < 700


# symbols


def test_definitions_have_their_whole_span() -> None:
    found = {s.qualified: s for s in definitions("src/box.py", FILES["src/box.py"])}
    assert set(found) == {"Box", "Box.limit", "Box.size", "size"}
    size = found["Box.size"]
    assert (size.first_line, size.last_line, size.kind) == (4, 6, "function")
    assert FILES["src/box.py"][size.body_start : size.end].startswith(b"def size(self)")


def test_definitions_and_uses_are_found_by_name() -> None:
    assert [(s.path, s.first_line) for s in find_definitions(workspace(), "Box.size")] == [("src/box.py", 4)]
    assert len(find_definitions(workspace(), "size")) >= 1
    uses = {(use.path, use.line) for use in find_uses(workspace(), "size")}
    assert {("src/box.py", 9), ("src/odd.py", 5), ("tests/test_box.py", 1)} <= uses
    assert find_uses(workspace({"s.py": b"'size'  # size\n"}), "size")[0].path != "s.py"


def test_a_file_that_does_not_parse_still_has_symbols() -> None:
    assert [s.first_line for s in find_definitions(workspace(), "after")] == [4]


def test_deep_nesting_is_no_trouble() -> None:
    assert definitions("a.py", b"x = " + b"(" * 20_000 + b")" * 20_000 + b"\ndef f(): pass\n")


def test_cutting_keeps_both_ends() -> None:
    assert cap("a" * 50 + "z" * 50, 30).startswith("a" * 20 + "\n[... 70 characters left out ...]\n")
    assert cap("short", 30) == "short"
