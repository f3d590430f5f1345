import pytest

from queens import queens


@pytest.mark.parametrize(("size", "ways"), [(1, 1), (2, 0), (3, 0), (4, 2), (5, 10), (6, 4), (7, 40)])
def test_ways(size, ways):
    assert queens(size) == ways


def test_some_placed_already():
    assert queens(4, (1,)) == 1
