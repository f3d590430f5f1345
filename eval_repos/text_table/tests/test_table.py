import pytest

from texttable import Table


@pytest.fixture
def table():
    return Table(["name", "price"]).add("tea", 2.5).add("coffee", 13.0)


def lines(table):
    return table.render().splitlines()


def test_render(table):
    assert lines(table) == [
        "name    price",
        "------  -----",
        "tea      2.50",
        "coffee  13.00",
    ]


def test_render_without_rows():
    assert lines(Table(["a", "b"])) == ["a  b", "-  -"]


def test_missing_values_are_empty(table):
    table.add("water")
    assert lines(table)[-1] == "water"


def test_too_many_values(table):
    with pytest.raises(ValueError, match="3 values for 2 columns"):
        table.add(1, 2, 3)


def test_alignment_set(table):
    table.set_alignment("name", "right")
    assert lines(table)[2] == "   tea   2.50"


def test_max_column():
    table = Table(["text"], max_column=6).add("something long")
    assert lines(table) == ["text", "------", "somet…"]


def test_sort(table):
    table.sort("price", reverse=True)
    assert [line.split()[0] for line in lines(table)[2:]] == ["coffee", "tea"]


def test_sort_puts_empty_cells_last(table):
    table.add("water")
    table.sort("price")
    assert [line.split()[0] for line in lines(table)[2:]] == ["tea", "coffee", "water"]


def test_markdown(table):
    assert table.markdown().splitlines() == [
        "| name | price |",
        "| :-- | --: |",
        "| tea | 2.50 |",
        "| coffee | 13.00 |",
    ]


def test_markdown_escapes_bars():
    assert Table(["a"]).add("x|y").markdown().splitlines()[-1] == "| x\\|y |"
