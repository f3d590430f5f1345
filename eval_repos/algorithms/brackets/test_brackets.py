import pytest

from brackets import balanced


@pytest.mark.parametrize("text", ["", "abc", "()", "([]{})", "f(a[1])", "(((())))"])
def test_balanced(text):
    assert balanced(text) is True


@pytest.mark.parametrize("text", [")", "(]", "([)]", "())"])
def test_closed_wrongly(text):
    assert balanced(text) is False


@pytest.mark.parametrize("text", ["(", "([]", "{{}"])
def test_not_closed(text):
    assert balanced(text) is False
