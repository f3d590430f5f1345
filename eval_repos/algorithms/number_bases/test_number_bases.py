import pytest

from number_bases import in_base


@pytest.mark.parametrize(
    ("number", "base", "text"),
    [
        (0, 2, "0"),
        (1, 2, "1"),
        (5, 2, "101"),
        (6, 2, "110"),
        (255, 16, "ff"),
        (256, 16, "100"),
        (-10, 2, "-1010"),
        (35, 36, "z"),
        (1295, 36, "zz"),
        (123, 10, "123"),
    ],
)
def test_written(number, base, text):
    assert in_base(number, base) == text


@pytest.mark.parametrize("number", [3, 77, 1000, 98765])
def test_read_back(number):
    assert int(in_base(number, 7), 7) == number
