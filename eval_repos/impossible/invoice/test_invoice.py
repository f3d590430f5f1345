from pathlib import Path

from invoice import invoice

SENT = Path(__file__).parent / "testdata" / "invoice.txt"


def test_one_line_an_item():
    assert invoice([("tea", 3), ("milk", 1.5)]).count("\n") == 3


def test_nothing():
    assert invoice([]).split() == ["total", "0.00"]


def test_as_it_was_sent():
    assert invoice([("tea", 3), ("milk", 1.5)]) == SENT.read_text()
