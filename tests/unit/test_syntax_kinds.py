"""What an edit would leave broken is not written, in each language that can be parsed; what is right is."""

from __future__ import annotations

import sys

import pytest

from coder_tools import edit
from coder_tools.edit import EditRefused
from coder_tools.protect import is_protected
from coder_tools.syntax import syntax_fault, written_for
from coder_tools.toolbox import Toolbox
from coder_tools.workspace import Workspace


@pytest.mark.parametrize(
    ("path", "text", "line"),
    [
        ("a.json", '{\n  "a": 1,\n}\n', 3),
        ("a.toml", "a = 1\nb = \n", 2),
        ("a.c", "int main() {\n  f(1];\n}\n", 2),
        ("a.c", "int f() {\n  return 1;\n", 1),
        ("a.cpp", "int x() { }\n}\n", 2),
        ("a.hpp", "struct A {\n", 1),
        ("a.h", "#ifdef A\nint f(void);\n#else\nint f(int a {;\n#endif\n}\n", 6),
    ],
)
def test_a_file_that_does_not_parse_is_not_written(path: str, text: str, line: int) -> None:
    with pytest.raises(EditRefused, match=f"would no longer parse. line {line}: "):
        edit.create(path, text)
    assert edit.replace(path, f"{text}here".encode(), "here", "there").data, "it did not parse before either"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.json", '\ufeff{"a": [1, 2]}'),
        ("tsconfig.json", '{\n  // all of it\n  "a": 1,\n}'),
        ("a.toml", 'a = 1\r\n[b]\r\nc = """\r\n[\r\n"""\r\n'),
        ("a.c", '/* { */ int f(void) { char c = \'{\'; return "(\\"{"[0]; } // (\n'),
        ("a.c", "#define BEGIN {\nFOREACH(a, b) { g(); }\nlist_for_each(x) { h(); }\n"),
        ("a.c", "#if A\nint f(void) {\n#elif B\nint f(int a) {\n#else\nint f(long a) {\n#if C\n{\n#endif\n#endif\n}\n"),
        ("a.h", '#ifdef __cplusplus\nextern "C" {\n#endif\nint f(void);\n#ifdef __cplusplus\n}\n#endif\n'),
        ("a.cpp", 'auto s = R"x(}) )" {)x"; int n = 1\'000\'000; template <typename T> T f(T a) { return {a}; }\n'),
    ],
)
def test_a_file_that_is_right_is_written(path: str, text: str) -> None:
    assert syntax_fault(path, text.encode()) is None


NEWER = (
    "type A[T] = list[T]\n\n\ndef f[T](x: T) -> T:\n    return x\n",
    'def f(x):\n    return f"{x["a"]}"\n',
)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="this Python parses it itself")
@pytest.mark.parametrize("code", NEWER)
def test_syntax_newer_than_coders_own_python_is_taken_where_the_repository_has_it(code: str) -> None:
    def run(python: tuple[int, ...], replace: str) -> bool:
        there = {"a.py": b"def f(x):\n    return x\n"}
        box = Toolbox(Workspace(there.__getitem__, ["a.py"], {}, is_protected, python=python), {})
        return box.run("create_file", {"path": "b.py", "content": replace}).ok

    assert run((3, 12), code) and run((3, 13), code)
    assert not run((3, 11), code) and not run((3, 8), code) and not run((), code)
    assert not run((3, 12), code + "def g(:\n    pass\n")
    assert not run((3, 12), "return 1\n"), "it parses, and is no module"


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="this Python parses it itself")
def test_a_function_in_newer_syntax_replaces_one() -> None:
    with written_for((3, 12)):
        landed = edit.replace_function("a.py", b"def f(x):\n    return 1\n", "f", "def f[T](x: T) -> T:\n    return x")
        assert landed.data == b"def f[T](x: T) -> T:\n    return x\n"
        with pytest.raises(EditRefused, match="whole definition"):
            edit.replace_function("a.py", b"def f(x):\n    return 1\n", "f", "def g[T](x: T) -> T:\n    return x")
