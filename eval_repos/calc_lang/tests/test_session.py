import pytest

from calc import CalcError, Session, calculate


def test_variables():
    assert calculate("x = 4\ny = x * 2\nx + y") == 12


def test_names_from_outside():
    assert calculate("rate * 3", rate=1.5) == 4.5


def test_comments_and_empty_lines():
    assert calculate("1 + 1 # two\n\n# nothing") == 2


def test_ans():
    session = Session()
    session.run("6 * 7")
    assert session.run("ans - 2") == 40


def test_empty_line_keeps_ans():
    session = Session()
    session.run("5")
    session.run("   ")
    assert session.names["ans"] == 5


def test_percent():
    assert Session(total=80).percent("8 + 12", "total") == 25


def test_percent_of_itself():
    assert Session(total=80).percent("total", "total") == 100


def test_percent_of_nothing():
    with pytest.raises(CalcError, match="share of nothing"):
        Session().percent("1", "2 - 2")


def test_table():
    assert Session(a=1).table("a + x * x", "x", [0, 1, 2]) == [1, 2, 5]


def test_table_leaves_the_variable_alone():
    session = Session(x=9)
    session.table("x + 1", "x", [1, 2])
    assert session.names["x"] == 9


def test_table_of_an_assignment():
    with pytest.raises(CalcError):
        Session().table("y = x", "x", [1])
