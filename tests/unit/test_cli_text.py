"""Nothing that a repository or a model says can act on the reader's terminal."""

import pytest

from coder.cli.text import clean, count, duration, one_line, visible


@pytest.mark.parametrize(
    "attack",
    [
        "\x1b]0;owned\x07",  # OSC: window title
        "\x1b]52;c;cm0gLXJmIC8=\x1b\\",  # OSC 52: clipboard
        "\x1b]8;;http://evil.example\x1b\\",  # OSC 8: link
        "\x9d0;owned\x9c",  # OSC by its one C1 character
        "\x1b[2J\x1b[H",  # CSI: clear the screen
        "\x1b[31;1m",
        "\x9b31m",  # CSI by its one C1 character
        "\x1b[?1049h",
        "\x1bP1$r0m\x1b\\",  # DCS
        "\x1b_payload\x1b\\",  # APC
        "\x1bc",  # reset
        "\x1b(0",  # line-drawing characters
        "\x1b",
        "\x08\x08\x08",
        "\r",
        "\x00\x07\x0e",
        "\x7f\x85\x90",
        "\u202e\u2066\u2069\u200f",  # bidi
        "\u200b\ufeff\u00ad",  # invisible
        "\u2028\u2029",
        "\udcff",  # a byte that is no text
        "\U000e0041",  # a tag
    ],
)
def test_what_could_act_on_a_terminal_is_gone(attack):
    assert clean(f"a{attack}") == "a"
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in clean(f"a{attack}b"))
    assert one_line(f"a{attack}") == "a"
    shown = visible(f"a{attack}b")
    assert shown.isprintable()
    assert shown.startswith("a\\")


def test_an_unfinished_sequence_takes_the_rest_with_it():
    assert clean("a\x1b]0;never ended") == "a"
    assert clean("a\x1b[31") == "a"


@pytest.mark.parametrize(
    "text", ["plain", "ünï 漢字 é", "two\nlines\tand a tab", "[bold]markup[/bold]", "no\u00a0break"]
)
def test_ordinary_text_stays_as_it_is(text):
    assert clean(text) == visible(text) == text


def test_a_diff_shows_what_is_hidden_in_it():
    assert visible("+x = 1 # \u202e }\x1b[8m\udcff\U000e0041") == r"+x = 1 # \u202e }\x1b[8m\udcff\U000e0041"


def test_one_line_is_one_line_of_the_width():
    assert one_line("a\n  b\tc\r\n\n") == "a b c"
    assert one_line("expected '    a' and got ' a'") == "expected '    a' and got ' a'", "or it would say nothing"
    assert one_line("x" * 50, 10) == "xxxxxxx..."


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.04, "0.0 s"), (9.94, "9.9 s"), (42.4, "42 s"), (185, "3:05"), (3723, "1:02:03")]
)
def test_durations(seconds, words):
    assert duration(seconds) == words


def test_counts():
    assert (count(1, "test"), count(0, "test"), count(1204, "test")) == ("1 test", "0 tests", "1,204 tests")
