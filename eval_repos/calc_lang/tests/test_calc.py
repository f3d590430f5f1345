import pytest

from calc import CalcError, calculate
from calc.tokens import tokenize


@pytest.mark.parametrize(
    "text, value",
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("10 - 4 - 3", 3),
        ("2 ** 3 ** 2", 512),
        ("-2 ** 2", -4),
        ("7 % 4 * 2", 6),
        (".5 + 1.", 1.5),
        ("8 / 4 / 2", 1),
        ("--3", 3),
    ],
)
def test_arithmetic(text, value):
    assert calculate(text) == value


@pytest.mark.parametrize(
    "text, value",
    [("max(1, 5, 3)", 5), ("sqrt(16)", 4), ("abs(-2)", 2), ("clamp(12, 0, 10)", 10), ("share(1, 4)", 25)],
)
def test_functions(text, value):
    assert calculate(text) == value


def test_clamp_keeps_what_is_inside():
    assert calculate("clamp(4, 0, 10)") == 4


def test_log():
    assert calculate("log(8, 2)") == pytest.approx(3)


@pytest.mark.parametrize(
    "text, message",
    [
        ("1 +", "expected a value"),
        ("1 2", "unexpected '2'"),
        ("(1", r"expected '\)'"),
        ("3 $ 4", "unexpected character"),
        ("1 / 0", "division by zero"),
        ("x + 1", "unknown name 'x'"),
        ("foo(1)", "unknown function"),
        ("sqrt(1, 2)", "takes 1 arguments, not 2"),
    ],
)
def test_errors(text, message):
    with pytest.raises(CalcError, match=message):
        calculate(text)


def test_positions():
    assert [token.position for token in tokenize("ab + 12")] == [0, 3, 5, 7]
