import pytest

from texttable import cells
from texttable.align import align, center
from texttable.layout import column_widths, guess_alignment, shrink


@pytest.mark.parametrize(
    "value, text",
    [(None, ""), (True, "yes"), (False, "no"), (1.5, "1.50"), (3, "3"), ("a", "a")],
)
def test_to_text(value, text):
    assert cells.to_text(value) == text


def test_wide_characters():
    assert cells.width("日本") == 4


def test_clip_short():
    assert cells.clip("abc", 3) == "abc"


def test_clip_long():
    assert cells.clip("abcdef", 4) == "abc…"


def test_clip_wide():
    assert cells.clip("日本語", 4) == "日…"


@pytest.mark.parametrize("how, text", [("left", "ab   "), ("right", "   ab"), ("center", " ab  ")])
def test_align(how, text):
    assert align("ab", 5, how) == text


def test_align_unknown():
    with pytest.raises(ValueError, match="center, left, right"):
        align("ab", 5, "middle")


def test_center_even():
    assert center("ab", 4) == " ab "


def test_widths_of_header_and_rows():
    assert column_widths(["name", "n"], [["x", "100"], ["longer", "1"]]) == [6, 3]


def test_widths_limited():
    assert column_widths(["name"], [["a very long cell"]], limit=8) == [8]


def test_guess_alignment():
    assert guess_alignment([1, 2.5, None]) == "right"
    assert guess_alignment([1, "x"]) == "left"
    assert guess_alignment([True]) == "left"
    assert guess_alignment([None]) == "left"


def test_shrink():
    assert shrink([10, 4, 6], 15) == [5, 4, 6]


def test_shrink_keeps_a_minimum():
    assert shrink([5, 5], 2) == [3, 3]


def test_shrink_nothing_to_do():
    assert shrink([5, 5], 20) == [5, 5]
