"""What a failure's text tells in each language: the frames in the project, and what was expected and what came."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from coder_tools.contract import Frame, TestResult
from coder_tools.runners.contract import Project

READ = 4_000  # characters of a message that are looked at
SHOWN = 300  # characters of a value
FRAMES = 40

# Each with path and line, some with a function. What matters most stands first: the innermost frame, the first error.
_PATTERNS = (
    # Rust: a backtrace's `3: shop::total` with `at ./src/lib.rs:5:9` below
    re.compile(r"\d+: (?P<f>[^\n]+)\n\s+at (?P<p>\S+\.rs):(?P<l>\d+)"),
    # JavaScript: `at name (file:///x/y.js:3:5)`, `at /x/y.js:3:5`; vitest's `❯ name src/y.js:3:5`
    re.compile(r"(?:^|\n)\s*(?:at|❯) (?:(?P<f>[^\n(]*?) \(?)?(?:file://)?(?P<p>[^\s():]+\.\w+):(?P<l>\d+):\d+"),
    # Java: `at shop.Cart.total(Cart.java:12)`
    re.compile(r"\bat (?:[\w.]+/)?(?P<f>(?P<c>[\w.$]+)\.[\w$<>]+)\((?P<p>\w+\.(?:java|kt)):(?P<l>\d+)\)"),
    # Go: a goroutine's `\t/x/y.go:12 +0x1d`
    re.compile(r"(?P<f>[\w./*()]+)\([^\n]*\)\n\t(?P<p>\S+\.go):(?P<l>\d+)"),
    # `panicked at src/lib.rs:5:9`, or older `panicked at 'words', src/lib.rs:5:9`
    re.compile(r"panicked at (?:'[^\n]*', )?(?P<p>[^\s:]+\.rs):(?P<l>\d+)"),
    # a compiler: `--> src/lib.rs:5:9`, `src/x.c:5:9: error`, `/x/Y.java:[5,9]`, `Y.java:5: error`, `./y_test.go:5:9:`
    re.compile(r"(?:^|\s)(?:-->\s+|\[ERROR\] )?(?P<p>[^\s:\[\]()]+\.\w+):\[?(?P<l>\d+)\b"),
)

_VALUES = (
    # (expected as `e`, actual as `a`) in the words of assertion libraries; without `a`, a condition that did not hold
    re.compile(r"[Ee]xpected:? ?<(?P<e>.*?)> but was:? ?<(?P<a>.*?)>", re.DOTALL),  # JUnit
    re.compile(r"\bExpected (?P<e>\S+ to be thrown), but (?P<a>nothing) was thrown"),
    re.compile(r"\bexpected \[(?P<e>[^\n]*?)\] but found \[(?P<a>[^\n]*?)\]"),  # TestNG
    re.compile(r"\bExpected: (?P<e>[^\n]+)\n\s*but: (?:was )?(?P<a>[^\n]+)"),  # Hamcrest
    re.compile(r"\bexpected: *(?P<e>[^\n]+)\n\s*but was: *(?P<a>[^\n]+)"),  # AssertJ
    re.compile(r"\bExpecting(?: actual)?:\s*\n\s*(?P<a>[^\n]+)\n\s*to be equal to:\s*\n\s*(?P<e>[^\n]+)"),  # and older
    re.compile(r"\bActual: (?P<a>[^\n]+)\n\s*Expected: (?P<e>[^\n]+)"),  # GoogleTest's EXPECT_TRUE
    re.compile(  # GoogleTest's EXPECT_EQ(actual, expected)
        r"\bExpected equality of these values:\n *[^\n]+\n( +Which is: (?P<a>[^\n]+)\n)? *(?P<e>[^\n]+)"
    ),
    re.compile(r"\bwith expansion:\n\s*(?P<a>[^\n]+?) == (?P<e>[^\n]+)"),  # Catch2
    re.compile(r"\bvalues: \w+\( (?P<a>[^\n]+?) == (?P<e>[^\n]+?) \)"),  # doctest
    re.compile(r"\bhas failed \[(?P<a>[^\n]+?) != (?P<e>[^\n]+?)\]"),  # Boost.Test
    re.compile(
        r"\bleft: `(?P<a>[^\n]*?)`,\n\s*right: `(?P<e>[^\n]*?)`"
    ),  # Rust before 1.73: assert_eq!(actual, expected)
    re.compile(r"\bleft: (?P<a>[^\n]+)\n\s*right: (?P<e>[^\n]+)"),  # Rust
    re.compile(r"\bassertion failed: (?P<e>[^\n]+)"),  # Rust: assert!
    re.compile(r"\bAssertion `(?P<e>[^\n]+)' failed"),  # C: assert
    re.compile(r"\bExpected(?: \w+)?: *(?P<e>[^\n]+)\n\s*Received(?: \w+)?: *(?P<a>[^\n]+)"),  # Jest
    re.compile(r"[Ee]xpected: *(?P<e>[^\n]+)\n\s*(?:[Aa]ctual|[Gg]ot) *: *(?P<a>[^\n]+)"),  # testify and its like
    re.compile(r"\bexpected [^\n]+? to have a length of (?P<e>\d+) but got (?P<a>\d+)"),  # chai
    re.compile(r"\bexpected (?P<a>.+?) to (?P<e>(?:contain|include) [^\n]+)"),
    re.compile(r"\bexpected (?P<a>.+?) to (?:deeply |strictly |be |equal |match )+(?P<e>.+?)(?: //|\n|$)"),  # chai
    re.compile(r"\bgot:? (?P<a>.+?)[,;]? (?:but )?(?:want|wanted|expected):? (?P<e>[^\n]+)", re.IGNORECASE),  # Go
    re.compile(r"= (?P<a>[^\n]+?)[,;] (?:want|wanted|expected) (?P<e>[^\n]+)"),
    re.compile(r"\b(?:want|wanted|expected):? (?P<e>.+?)[,;]? (?:but )?(?:got|was|is):? (?P<a>[^\n]+)", re.IGNORECASE),
)


def frames_in(text: str, project: Project, root: str, beside: str = "") -> tuple[Frame, ...]:
    """The frames of a failure's text that are in the project, outermost first.

    `root`: the repository as the text names it; `beside`: the directory to which bare names are relative.
    """
    for pattern in _PATTERNS:
        found = list(_frames(pattern.finditer(text[:READ]), project, root, beside))
        if found:
            return tuple(dict.fromkeys(reversed(found)))[-FRAMES:]
    return ()


def _frames(matches: Iterable[re.Match[str]], project: Project, root: str, beside: str) -> Iterator[Frame]:
    for match in matches:
        groups = match.groupdict()
        named = groups["p"]
        if groups.get("c"):  # Java gives the class with its package, and of the path the last part alone
            named = "/".join([*groups["c"].split("$")[0].split(".")[:-1], named])
        path = project.known(named, root, beside)
        if path and int(match["l"]) > 0:
            yield Frame(path, int(match["l"]), (groups.get("f") or "").strip()[:200])


def values_in(text: str) -> tuple[str, str]:
    """(expected, actual) as a failure's text gives them; ("", "") where it does not."""
    for pattern in _VALUES:
        if found := pattern.search(text[:READ]):
            return found["e"].strip()[:SHOWN], (found.groupdict().get("a") or "false").strip()[:SHOWN]
    return "", ""


def explained(result: TestResult, project: Project, root: str, beside: str = "") -> TestResult:
    """A result with what its message tells: frames, expected and actual, where the runner did not give them."""
    if result.passed or result.outcome == "skipped":
        return result
    expected, actual = (result.expected, result.actual)
    if not (expected or actual):
        expected, actual = values_in(result.message)
    frames = result.frames or frames_in(result.message, project, root, beside)
    return replace(result, frames=frames, expected=expected, actual=actual)
