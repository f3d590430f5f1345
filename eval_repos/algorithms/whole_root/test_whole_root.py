import math

import pytest

from whole_root import whole_root


@pytest.mark.parametrize("number", [0, 1, 2, 3, 4, 8, 9, 15, 16, 17, 99, 100, 10**12, 10**12 - 1])
def test_root(number):
    assert whole_root(number) == math.isqrt(number)


def test_negative():
    with pytest.raises(ValueError):
        whole_root(-1)
