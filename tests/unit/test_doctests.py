"""Examples in docstrings are tests that stand in the code under test: that may be changed, and they may not."""

import pytest

from coder_tools.doctests import is_doctest, python_examples
from coder_tools.protect import bends_tests
from coder_tools.workspace import ToolError, Workspace

SOURCE = '''"""Words."""


def initials(name, sep=""):
    """First letters.

    >>> initials("ada lovelace")
    'AL'
    """
    return sep.join(w[0].lower() for w in name.split())


class Pair:
    """Two.

    >>> Pair().both
    (1, 2)
    """

    both = 1, 2


def double(n):
    """Twice as much."""
    return n * 2
'''
BENT = {
    "what an example expects": ("'AL'", "'al'"),
    "an example": ('"ada lovelace"', '"A L"'),
    "an example that is no longer run": (">>> initials", ">>> # doctest: +SKIP\n    >>> initials"),
    "no example any more": (">>> initials", "initials"),
    "another example before it": ("    >>> initials", "    >>> initials = lambda name: 'AL'\n    >>> initials"),
    "examples of a function by another name": ("def initials", "def first_letters"),
    "another function by that name": ("class Pair", "def initials():\n    '>>> 1\\n1'\n\n\nclass Pair"),
    "another docstring": ("def double", "initials.__doc__ = ''\n\n\ndef double"),
    "docstrings that are looked for elsewhere": ("def double", "__test__ = {}\n\n\ndef double"),
    "the whole file": (SOURCE, ""),
    "a file that is not Python": ("class Pair", "class class"),
}


def workspace(allow: bool = False) -> Workspace:
    return Workspace({"words.py": SOURCE.encode()}.__getitem__, ["words.py"], {}, lambda path: "", allow)


@pytest.mark.parametrize("name", BENT)
def test_examples_cannot_be_changed(name: str) -> None:
    old, new = BENT[name]
    changed = SOURCE.replace(old, new, 1).encode()
    assert changed != SOURCE.encode() and bends_tests("words.py", SOURCE.encode(), changed)
    with pytest.raises(ToolError, match="tests"):
        workspace().write("words.py", changed)
    workspace(allow=True).write("words.py", changed)


@pytest.mark.parametrize(("old", "new"), [(".lower()", ".upper()"), ("Twice as", "Two times as"), ("sep=", "by=")])
def test_the_code_around_them_can(old: str, new: str) -> None:
    tree = workspace()
    changed = SOURCE.replace(old, new).encode()
    tree.write("words.py", changed)
    assert tree.changes == {"words.py": changed}


def test_line_endings_and_python_that_cannot_be_read_say_nothing() -> None:
    assert python_examples(SOURCE.encode()) == python_examples(SOURCE.replace("\n", "\r\n").encode())
    assert python_examples(b"print 1 # >>>") == ()


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("words.py::words.initials", True),
        ("words.py::words.Pair.both", True),
        ("src/shop/core.py::shop.core.clamp", True),
        ("src/shop/core.py::src.shop.core", True),
        ("src/shop/__init__.py::shop.f", True),
        ("words.py::words", True),  # the module's own docstring
        ("check.py::check", False),  # a function of that name
        ("none.py::none", False),
        ("words.py::test_initials", False),
        ("words.py::test_initials[words.x]", False),
        ("words.py::TestWords::words", False),
        ("guide.txt::guide.txt", False),  # nothing but tests
        ("tests.test_words.TestWords.test_a", False),
        ("a/words.py::wordsmith.x", False),
    ],
)
def test_which_tests_are_examples(test: str, expected: bool) -> None:
    files = {"words.py": b"'>>> 1'\n", "check.py": b"def check():\n    '>>> 1'\n"}
    assert is_doctest(test, files.__getitem__) is expected
