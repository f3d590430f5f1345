"""A valid edit lands exactly; no edit lands anywhere else. Over generated files, edits and slips of the pen."""

from __future__ import annotations

import difflib

from hypothesis import given, settings
from hypothesis import strategies as st

from coder_tools.diffs import hunks_of
from coder_tools.edit import EditRefused, apply_diff, replace, rewrite
from coder_tools.formats import edits_in
from coder_tools.match import find_lines

WORDS = [
    "alpha",
    "beta",
    "gamma",
    "delta",
    "x",
    "y",
    "total",
    "count",
    "if",
    "return",
    "=",
    "+",
    "-",
    "(",
    ")",
    "1",
    "2",
]
line = st.builds(
    lambda depth, words: "    " * depth + " ".join(words),
    st.integers(0, 3),
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=6),
)
lines = st.lists(st.one_of(line, st.just("")), min_size=1, max_size=30)
PATH = "notes.txt"  # no syntax to keep


def text_of(parts: list[str]) -> bytes:
    return "".join(part + "\n" for part in parts).encode()


def whole_lines(data: bytes, part: list[str]) -> int:
    """How often the lines stand in the text, white space aside."""
    there = [" ".join(each.split()) for each in data.decode().split("\n")]
    wanted = [" ".join(each.split()) for each in part]
    return sum(there[at : at + len(wanted)] == wanted for at in range(len(there)))


def times(data: bytes, part: str) -> int:
    """How often the text is there, places that overlap counted each."""
    text = data.decode()
    return sum(text.startswith(part, at) for at in range(len(text)))


@st.composite
def edits(draw: st.DrawFn) -> tuple[list[str], int, int, list[str]]:
    """A file, a run of its lines that begins and ends with one that is not blank, and what is to stand there."""
    file = draw(lines.filter(lambda parts: any(part.strip() for part in parts)))
    solid = [at for at, part in enumerate(file) if part.strip()]
    first = draw(st.sampled_from(solid))
    last = draw(st.sampled_from([at for at in solid if at >= first]))
    return file, first, last + 1, draw(lines)


@settings(max_examples=300, deadline=None)
@given(edits())
def test_a_search_that_is_there_once_lands_exactly(edit: tuple[list[str], int, int, list[str]]) -> None:
    file, first, last, new = edit
    data, wanted = text_of(file), file[first:last]
    try:
        landed = replace(PATH, data, "\n".join(wanted) + "\n", "\n".join(new) + "\n")
    except EditRefused as error:
        assert times(data, "\n".join(wanted) + "\n") != 1 or "same as the old" in str(error)
        return
    assert landed.data == text_of([*file[:first], *new, *file[last:]])


@settings(max_examples=300, deadline=None)
@given(edits(), st.integers(0, 2), st.booleans())
def test_a_search_with_other_white_space_lands_exactly_or_not_at_all(
    edit: tuple[list[str], int, int, list[str]], deeper: int, trailing: bool
) -> None:
    file, first, last, _ = edit
    data = text_of(file)
    shifted = [" " * deeper + part + ("  " if trailing else "") if part else part for part in file[first:last]]
    new = [*shifted, " " * deeper + "new line"]
    try:
        landed = replace(PATH, data, "\n".join(shifted) + "\n", "\n".join(new) + "\n")
    except EditRefused:
        assert whole_lines(data, file[first:last]) != 1 or deeper or times(data, "\n".join(shifted) + "\n") != 1
        return
    result = landed.data.decode().split("\n")
    assert result[:first] == file[:first], "what stands before is as it was"
    assert result[len(result) - (len(file) - last) - 1 : -1] == file[last:], "what stands after is as it was"


@settings(max_examples=300, deadline=None)
@given(lines, lines, lines)
def test_a_search_for_what_is_not_there_changes_nothing_but_what_it_nearly_names(
    file: list[str], wanted: list[str], new: list[str]
) -> None:
    try:
        landed = replace(PATH, text_of(file), "\n".join(wanted) + "\n", "\n".join(new) + "\n")
    except EditRefused:
        return
    if landed.how == "exact":
        return  # the other tests see to it
    place = find_lines([*file, ""], "\n".join(wanted).strip("\n").split("\n"))
    assert place is not None
    gone = [" ".join(part.split()) for part in file[place.first : place.last] if part.strip()]
    named = [" ".join(part.split()) for part in wanted if part.strip()]
    same = sum(a == b for a, b in zip(gone, named, strict=True))
    assert same >= len(named) - max(1, len(named) // 4), "at least three lines in four are those that were named"
    result = landed.data.decode().split("\n")
    assert result[: place.first] == file[: place.first]
    tail = file[place.last :]
    assert not tail or result[-len(tail) - 1 : -1] == tail


@settings(max_examples=300, deadline=None)
@given(edits(), st.integers(-7, 7), st.booleans())
def test_a_diff_lands_whatever_its_line_numbers_say(
    edit: tuple[list[str], int, int, list[str]], drift: int, counts: bool
) -> None:
    file, first, last, new = edit
    after = [*file[:first], *new, *file[last:]]
    made = list(difflib.unified_diff(file, after, "a/x", "b/x", lineterm="", n=3))
    if not made:
        return
    drifted = []
    for part in made:
        if part.startswith("@@"):
            old = part.split()[1].lstrip("-").split(",")
            at = max(1, int(old[0]) + drift)
            part = f"@@ -{at},{old[1] if counts and len(old) > 1 else 99} +{at},7 @@"
        drifted.append(part.rstrip() if part == " " else part)
    try:
        landed = apply_diff(PATH, text_of(file), "\n".join(drifted))
    except EditRefused:
        assert any(whole_lines(text_of(file), list(old)) != 1 for old in _hunks(drifted)), (
            "each hunk had one place, and was refused"
        )
        return
    if all(whole_lines(text_of(file), list(old)) == 1 for old in _hunks(made)):
        assert landed.data == text_of(after)


@settings(max_examples=300, deadline=None)
@given(st.lists(line, min_size=5, max_size=12, unique=True), st.integers(0, 11), st.integers(0, 11), st.booleans())
def test_an_edit_with_a_slip_in_what_it_repeats_lands_exactly_or_not_at_all(
    file: list[str], at: int, slip: int, as_diff: bool
) -> None:
    """The line that changes is another than the one with the slip, which stays as the file has it."""
    at, slip = at % len(file), slip % len(file)
    remembered = [f"{part}7" if place == slip and slip != at else part for place, part in enumerate(file)]
    sent = [f"{part} new" if place == at else part for place, part in enumerate(remembered)]
    try:
        if as_diff:
            made = difflib.unified_diff(remembered, sent, lineterm="", n=99)
            landed = apply_diff(PATH, text_of(file), "\n".join(made))
        else:
            landed = replace(PATH, text_of(file), "\n".join(remembered) + "\n", "\n".join(sent) + "\n")
    except EditRefused:
        return
    assert landed.data == text_of([f"{part} new" if place == at else part for place, part in enumerate(file)])


@settings(max_examples=300, deadline=None)
@given(edits(), st.lists(line, min_size=1, max_size=4))
def test_a_line_without_its_indentation_is_replaced_by_lines_under_it(
    edit: tuple[list[str], int, int, list[str]], new: list[str]
) -> None:
    file, first, _, _ = edit
    bare = file[first].strip()
    indent = file[first][: len(file[first]) - len(file[first].lstrip())]
    new = ["start", *new, "end"]
    try:
        landed = replace(PATH, text_of(file), bare, "\n".join(new))
    except EditRefused:
        return
    if [part for part in file if bare in part] == [file[first]]:
        assert landed.data == text_of([*file[:first], *(indent + part for part in new), *file[first + 1 :]])


def _hunks(made: list[str]) -> list[tuple[str, ...]]:
    try:
        return [hunk.old for hunk in hunks_of("\n".join(made))]
    except EditRefused:
        return [()]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200), st.text(max_size=200), st.text(max_size=200))
def test_no_text_makes_an_edit_fall_over(file: str, search: str, new: str) -> None:
    data = file.replace("\0", "").encode("utf-8", "replace")
    for act in (
        lambda: replace("a.py", data, search, new),
        lambda: apply_diff("a.py", data, new),
        lambda: rewrite("a.js", data, new),
    ):
        try:
            act()
        except EditRefused:
            continue
    edits_in(new)


@settings(max_examples=200, deadline=None)
@given(edits())
def test_edits_written_as_blocks_are_read_as_they_are(edit: tuple[list[str], int, int, list[str]]) -> None:
    file, first, last, new = edit
    search, replacement = "".join(f"{p}\n" for p in file[first:last]), "".join(f"{p}\n" for p in new)
    text = f"Here it is:\n\nsrc/a.py\n<<<<<<< SEARCH\n{search}=======\n{replacement}>>>>>>> REPLACE\nDone."
    assert edits_in(text) == [("edit_file", {"path": "src/a.py", "search": search, "replace": replacement})]
