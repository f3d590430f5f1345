"""What an edit does not mean to change stays: lines it repeats with a slip, text inside strings, code it leaves out."""

from __future__ import annotations

import difflib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coder_tools.edit import EditRefused, apply_diff, insert, replace, replace_function
from coder_tools.match import carried
from coder_tools.syntax import syntax_fault

CONNECT = b"""def connect(host):
    sock = open_socket(host)
    sock.settimeout(30)
    sock.retries = 100
    sock.send(b'hi')
    return sok
"""
SLIP = CONNECT.decode().replace("settimeout", "setimeout").partition("\n")[2]  # what a model remembers of it
FIXED = CONNECT.replace(b"sok", b"sock")
TWO = b"def f(a):\n    x = 1\n\n\ndef g(a):\n    return 2\n"


def test_a_slip_in_lines_that_an_edit_repeats_is_not_written() -> None:
    assert replace("a.py", CONNECT, SLIP, SLIP.replace("sok", "sock")).data == FIXED
    lines = SLIP.rstrip("\n").split("\n")
    diff = "\n".join(difflib.unified_diff(lines, [*lines[:-1], "    return sock"], lineterm=""))
    assert apply_diff("a.py", CONNECT, diff).data == FIXED


def test_a_slip_in_a_line_that_is_moved_deeper_is_not_written() -> None:
    new = SLIP.replace("    sock.setimeout(30)\n", "    if host:\n        sock.setimeout(30)\n")
    landed = replace("a.py", CONNECT, SLIP, new)
    assert landed.data == CONNECT.replace(b"    sock.settimeout", b"    if host:\n        sock.settimeout")


def test_a_slip_beside_what_changes_in_a_line_is_not_written() -> None:
    landed = replace("a.py", CONNECT, SLIP, SLIP.replace("sock.setimeout", "self.setimeout"))
    assert landed.data == CONNECT.replace(b"sock.settimeout", b"self.settimeout")
    landed = replace("a.py", CONNECT, SLIP, SLIP.replace("setimeout(30)", "setblocking(1)"))
    assert landed.data == CONNECT.replace(b"settimeout(30)", b"setblocking(1)"), "the slip itself is changed"


def test_white_space_of_lines_that_an_edit_repeats_stays() -> None:
    data = b"a = f( 1,  2 )\nb = 3\n"
    assert replace("a.py", data, "a = f( 1, 2 )\nb = 3\n", "a = f( 1, 2 )\nb = 4\n").data == data.replace(b"3", b"4")
    data = b"a = 1\n\x0c\nb = 2\n"
    assert replace("a.py", data, "a = 1\n\nb = 2\n", "a = 1\n\nb = 3\n").data == data.replace(b"2", b"3")
    data = b"def f():\n    s = '''\nx\n    '''\n    return 1\n"
    landed = replace("a.py", data, "  s = '''\nx\n  '''\n  return 1\n", "  s = '''\nx\n  '''\n  return 2\n")
    assert landed.data == data.replace(b"1", b"2")


@settings(deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.sampled_from(["a = 1", "  b = 2", "", "c(3)", "    d"]), st.booleans()), max_size=9))
def test_what_an_edit_repeats_with_slips_stays(lines: list[tuple[str, bool]]) -> None:
    there = [line for line, _ in lines]
    wanted = [f"{line}x" if line and slip else line for line, slip in lines]
    assert carried(wanted, wanted, there) == there


@pytest.mark.parametrize(
    ("search", "new", "after"),
    [
        ("x = 1", "x = 1\nreturn x", b"    x = 1\n    return x\n"),
        ("x = 1\n", "y = 1\nreturn y\n", b"    y = 1\n    return y\n"),
        ("x = 1", "if a:\n    x = 1\nx = 2", b"    if a:\n        x = 1\n    x = 2\n"),
        ("x = 1", "if a:\n    x = 1", b"    if a:\n        x = 1\n"),
        ("x = 1", "if a:\n        x = 1\n    x = 2", b"    if a:\n        x = 1\n    x = 2\n"),
        ("x = 1", "x = 1\n    return x", b"    x = 1\n    return x\n"),
        ("x = 1", "    x = 3", b"    x = 3\n"),
        ("x = 1", "    x = 3\n    return x", b"    x = 3\n    return x\n"),
        ("x = 1", "  x = 3\n  return x", b"    x = 3\n    return x\n"),
        ("x = 1", 'x = """\nmy\n"""\nreturn x', b'    x = """\nmy\n"""\n    return x\n'),
    ],
)
def test_a_line_given_without_its_indentation_is_replaced_with_it(search: str, new: str, after: bytes) -> None:
    assert replace("a.py", TWO, search, new).data == TWO.replace(b"    x = 1\n", after)


def test_python_that_only_compiling_finds_wrong_is_refused() -> None:
    with pytest.raises(EditRefused, match="'return' outside function"):
        replace("a.py", TWO, "    return 2\n", "    pass\nreturn 2\n")
    assert syntax_fault("a.py", b"from __future__ import annotations\nx: int = 1\n") is None
    assert syntax_fault("a.py", b"x = await f()\n") is not None
    inner = b"def f():\n    n = 0\n\n    def g():\n        nonlocal n\n        n = 1\n\n    return g\n"
    code = "def g():\n    nonlocal n\n    n = 2\n"
    assert replace_function("a.py", inner, "f.g", code).data == inner.replace(b"1", b"2")


USAGE = b'''class A:
    def usage(self, n):
        """Say how.

        With examples.
        """
        text = """Usage:
  foo
        deep

bar
"""
        return text + n
'''


def test_a_function_whose_first_line_alone_lacks_its_indentation_gets_it() -> None:
    data = b"class A {\n  f() {\n    return 1;\n  }\n}\n"
    assert replace_function("a.js", data, "f", "f() {\n    return 2;\n  }").data == data.replace(b"1", b"2")
    data = b"class A:\n    def f(self):\n        return 1\n"
    assert replace_function("a.py", data, "f", "def f(self):\n        return 2").data == data.replace(b"1", b"2")


@pytest.mark.parametrize("margin", ["as in the file", "moved", "moved with its strings"])
def test_text_inside_strings_of_a_function_stays(margin: str) -> None:
    code = USAGE.decode().partition("\n")[2].replace("+ n", "+ str(n)")
    if margin == "moved with its strings":
        code = "\n".join(line.removeprefix("    ") for line in code.split("\n"))
    elif margin == "moved":
        texts = ("  foo", "        deep", "bar", '"""')
        code = "\n".join(line if line in texts else line.removeprefix("    ") for line in code.split("\n"))
    assert replace_function("a.py", USAGE, "usage", code).data == USAGE.replace(b"+ n", b"+ str(n)")


def test_new_text_inside_strings_of_a_function_is_written_as_it_is() -> None:
    data = b"class A {\n  f() {\n    return `a\nb`;\n  }\n}\n"
    landed = replace_function("a.ts", data, "f", "f() {\n  return `a\n  c\nb` + 1;\n}")
    assert landed.data == b"class A {\n  f() {\n    return `a\n  c\nb` + 1;\n  }\n}\n"
    landed = replace_function(
        "a.py", USAGE, "usage", 'def usage(self, n):\n    """Say.\n\n    More.\n    """\n    return """\nx\n"""'
    )
    assert landed.data.endswith(b'        """Say.\n\n        More.\n        """\n        return """\nx\n"""\n')


def test_removed_lines_that_look_like_a_header_are_removed() -> None:
    data = b"SELECT a\n-- old\nFROM t;\n"
    diff = "--- a/q.sql\n+++ b/q.sql\n@@ -1,3 +1,3 @@\n SELECT a\n--- old\n+-- new\n FROM t;\n"
    assert apply_diff("q.sql", data, diff).data == data.replace(b"old", b"new")
    assert apply_diff("q.sql", data, "@@ -1,3 +1,2 @@\n SELECT a\n--- old\n FROM t;").data == b"SELECT a\nFROM t;\n"
    added = apply_diff("q.c", b"f(i) {\n  i = 1;\n", "@@ -1,2 +1,3 @@\n f(i) {\n   i = 1;\n+++ i;\n")
    assert added.data == b"f(i) {\n  i = 1;\n++ i;\n"


def test_a_hunk_that_names_what_it_stands_under_lands_there() -> None:
    run = "    def run(self):\n        return 1\n"
    data = f"class A:\n{run}\n\nclass B:\n{run}".encode()
    for numbers in ("-2,2 +2,2 @@ ", ""):
        diff = f"@@ {numbers}class B:\n     def run(self):\n-        return 1\n+        return 2\n"
        assert apply_diff("a.py", data, diff).data == data[:-2] + b"2\n"


def test_a_diff_that_is_also_of_another_file_is_refused() -> None:
    first, second = (f"--- a/{n}.py\n+++ b/{n}.py\n@@ -1 +1 @@\n-a = 1\n+a = 2\n" for n in "ab")
    for diff in (first + second, second):
        with pytest.raises(EditRefused, match=r"b\.py.*one call for each"):
            apply_diff("a.py", b"a = 1\n", diff)
    for path in ("a.py", "src/a.py"):
        assert (
            apply_diff(path, b"a = 1\n", "diff --git a/a.py b/a.py\nindex 1234567..89ab\n" + first).data == b"a = 2\n"
        )
    assert apply_diff("a.py", b"a = 1\n", "--- old\n+++ new\n@@\n-a = 1\n+a = 2\n").data == b"a = 2\n"


GO = b"package p\n\nfunc (a A) Len() int {\n\treturn 1\n}\n\nfunc (b *B[T]) Len() int {\n\treturn 1\n}\n"
RUST = (
    b"impl A {\n    fn new() -> i32 {\n        1\n    }\n}\n"
    b"impl<T> B<T> {\n    fn new() -> i32 {\n        1\n    }\n}\n"
)


@pytest.mark.parametrize("name", ["B.Len", "(*B).Len", "(b *B) Len", "B::Len"])
def test_a_method_of_go_has_the_name_of_its_type(name: str) -> None:
    landed = replace_function("a.go", GO, name, "func (b *B[T]) Len() int {\n\treturn 2\n}")
    assert landed.data == GO[:-4] + b"2\n}\n"


@pytest.mark.parametrize("name", ["B::new", "B.new", "B::new()"])
def test_a_method_of_rust_has_the_name_of_its_type(name: str) -> None:
    landed = replace_function("a.rs", RUST, name, "fn new() -> i32 {\n    2\n}")
    assert landed.data == RUST[::-1].replace(b"1", b"2", 1)[::-1]


def test_a_name_in_doubt_is_refused_with_what_to_do() -> None:
    both = b"def add(a, b):\n    return a\n\n\nclass Box:\n    def add(self, a):\n        return a\n"
    with pytest.raises(EditRefused, match=r"line 1: add: .*\nline 6: Box.add: .*\nName one by its whole name"):
        replace_function("a.py", both, "add", "def add(self, a):\n    return b")
    assert replace_function("a.py", both, "add", "def add(a, b):\n    return b").data == both.replace(b"a\n", b"b\n", 1)


@pytest.mark.parametrize(
    ("path", "data", "name", "code"),
    [
        ("a.ts", "class A {\n  @dec()\n  f() {\n    return 1;\n  }\n}\n", "f", "@dec()\nf() {\n  return 2;\n}"),
        (
            "a.ts",
            "// F.\nexport async function f() {\n  return 1;\n}\n",
            "f",
            "// F.\nasync function f() {\n  return 2;\n}",
        ),
        ("a.rs", "/// F.\n#[inline]\nfn f() -> i32 {\n    1\n}\n", "f", "#[inline]\nfn f() -> i32 {\n    2\n}"),
        ("a.rs", "/// F.\n#[inline]\nfn f() -> i32 {\n    1\n}\n", "f", "/// F.\n#[inline]\nfn f() -> i32 {\n    2\n}"),
        (
            "a.go",
            "package p\n\n// F is.\nfunc F() int {\n\treturn 1\n}\n",
            "F",
            "// F is.\nfunc F() int {\n\treturn 2\n}",
        ),
        ("a.py", "# F.\n@g\ndef f():\n    return 1\n", "f", "# F.\n@g\ndef f():\n    return 2"),
        ("a.py", "# F.\n@g\ndef f():\n    return 1\n", "f", "# F.\ndef f():\n    return 2"),
        ("a.py", "@g(\n    1,\n)\ndef f():\n    return 1\n", "f", "@g(\n    1,\n)\ndef f():\n    return 2"),
        (
            "A.java",
            "class A {\n    /** F. */\n    @Override\n    int f() {\n        return 1;\n    }\n}\n",
            "f",
            "/** F. */\n@Override\nint f() {\n    return 2;\n}",
        ),
    ],
)
def test_what_stands_above_a_function_is_there_once(path: str, data: str, name: str, code: str) -> None:
    landed = replace_function(path, data.encode(), name, code)
    assert landed.data.decode() == data[::-1].replace("1", "2", 1)[::-1]


def test_a_comment_of_the_file_stays_above_one_that_says_something_else() -> None:
    landed = replace_function(
        "a.py", b"# Keep in step with g.\ndef f():\n    return 1\n", "f", "# 2!\ndef f():\n    return 2"
    )
    assert landed.data == b"# Keep in step with g.\n# 2!\ndef f():\n    return 2\n"


@pytest.mark.parametrize(
    ("line", "search"), [("A = 1.5", "A = 1"), ("x >= y", "x >"), ("v = 1.5", "5"), ("a == b", "= b"), ("**k", "*k")]
)
def test_a_search_that_ends_inside_a_number_or_an_operator_is_not_there(line: str, search: str) -> None:
    with pytest.raises(EditRefused, match="is not in"):
        replace("a.txt", line.encode(), search, "z")


@pytest.mark.parametrize(
    ("data", "search", "new", "after"),
    [
        (b"x = 1\ny = 2\n", "x = 1", "x = 3\n", b"x = 3\ny = 2\n"),
        (b"x = 1\ny = 2\n", "= 1", "= 3\n", b"x = 3\ny = 2\n"),
        (b"def f():\n    x = 1\n    y = 2\n", "x = 1", "x = 3\n", b"def f():\n    x = 3\n    y = 2\n"),
        (b"x = 1\ny = 2\n", "x = 1\ny = 2", "x = 3\n", b"x = 3\n"),
        (b"x = 1\ny = 2\n", "x = 1", "x = 3\n\n", b"x = 3\n\ny = 2\n"),
        (b"x = 1", "x = 1", "x = 3\n", b"x = 3"),
        (b"x = 1\ny = 2\n", "x = 1", "x = 1\n", b"x = 1\n\ny = 2\n"),
        (b"x = (1, 2)\n", "(1,", "(\n1,\n", b"x = (\n1,\n 2)\n"),
    ],
)
def test_a_new_line_in_place_of_a_whole_one_has_no_blank_one(data: bytes, search: str, new: str, after: bytes) -> None:
    assert replace("a.py", data, search, new).data == after


@pytest.mark.parametrize("data", [b"a = 1\r\nb = 2\r\n", b"a = 1\r\nb = 2"])
def test_what_is_inserted_ends_its_lines_as_the_file_does(data: bytes) -> None:
    assert insert("a.py", data, 1, "c = 3\n").data == data.replace(b"b", b"c = 3\r\nb")
    end = b"\r\n" if data.endswith(b"\n") else b""
    assert insert("a.py", data, 2, "c = 3").data == data.removesuffix(b"\r\n") + b"\r\nc = 3" + end
    assert insert("a.py", b"", 0, "c = 3").data == b"c = 3\n"


LAZY = [
    "# ... existing code ...",
    "# … existing code …",
    "# ... (other methods)",
    "# rest of the code remains unchanged",
    "# Rest of the function...",
    "# [remaining methods]",
    "# existing code here",
    "# original implementation stays the same",
    "# ... 20 lines omitted",
    'x = "aaaa [... 300 characters left out]"',
    "# [... 12 more lines left out: read on from line 40]",
]
HONEST = [
    "# ... and then the second half",
    "# the rest is padding",
    "# existing users keep their names",
    "# other methods",
    "# previous function in the chain",
    "# the original code was wrong about zero",
    "x = ...",
    "...",
    "# the same as before, but sorted",
]


@pytest.mark.parametrize("line", LAZY)
def test_a_line_that_stands_in_for_others_is_refused_unless_it_is_the_files_own(line: str) -> None:
    data = b"def f():\n    a()\n    b()\n    return 1\n"
    new = f"def f():\n    {line}\n    return 2\n"
    with pytest.raises(EditRefused, match=r"the line `.*` stands in for code.* Send every line"):
        replace("a.py", data, "    a()\n    b()\n    return 1\n", f"    {line}\n    return 2\n")
    with pytest.raises(EditRefused, match="Send every line"):
        replace_function("a.py", data, "f", new)
    with pytest.raises(EditRefused, match="Send every line"):
        insert("a.py", data, 1, f"    {line}")
    own = f"def f():\n    a()\n    {line}\n    return 1\n".encode()
    assert replace_function("a.py", own, "f", f"def f():\n    {line}\n    return 2\n").data.endswith(b"return 2\n")
    assert replace("a.py", own, f"{line}\n    return 1", f"{line}\n    return 2").data.endswith(b"return 2\n")


@pytest.mark.parametrize("line", HONEST)
def test_a_comment_that_only_looks_so_is_written(line: str) -> None:
    data = b"def f():\n    a()\n    return 1\n"
    assert line.encode() in replace("a.py", data, "    a()\n", f"    {line}\n").data


def test_a_doctest_may_go_on() -> None:
    shown = '    """\n    >>> for x in xs:\n    ...     rest = same(x)\n    ...     existing.add(x)\n    """\n'
    assert b"existing" in insert("a.py", b"def f():\n    return 1\n", 1, shown).data


def test_new_text_that_leaves_code_out_is_refused() -> None:
    data = b"def f():\n    a()\n    b()\n    return 1\n"
    lazy = "def f():\n    # ... existing code ...\n    return 2\n"
    with pytest.raises(EditRefused, match="Send every line"):
        replace_function("a.py", data, "f", lazy)
    with pytest.raises(EditRefused, match="Send every line"):
        replace("a.py", data, data.decode(), lazy)
    with pytest.raises(EditRefused, match="Send every line"):
        apply_diff("a.py", data, "@@\n def f():\n-    a()\n-    b()\n+    # ... existing code ...\n")
