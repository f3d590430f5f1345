import pytest

from postfix import postfix


def test_number():
    assert postfix("42") == 42


def test_sum():
    assert postfix("1 2 +") == 3


def test_difference():
    assert postfix("7 2 -") == 5


def test_quotient():
    assert postfix("8 2 /") == 4


def test_nested():
    assert postfix("2 3 4 * +") == 14


def test_differences_from_the_left():
    assert postfix("10 3 - 2 -") == 5


@pytest.mark.parametrize("text", ["+", "1 +", "1 2", ""])
def test_no_expression(text):
    with pytest.raises(ValueError):
        postfix(text)
