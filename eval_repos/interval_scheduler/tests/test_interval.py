import pytest

from shifts import Interval
from shifts.merge import busiest, gaps, union


def test_empty_is_refused():
    with pytest.raises(ValueError):
        Interval(5, 5)


def test_overlap():
    assert Interval(0, 10).overlaps(Interval(9, 12))


def test_neighbours_do_not_overlap():
    assert not Interval(0, 10).overlaps(Interval(10, 12))


def test_neighbours_touch():
    assert Interval(0, 10).touches(Interval(10, 12))


def test_contains_itself():
    assert Interval(3, 9).contains(Interval(3, 9))


def test_join():
    assert Interval(0, 4).join(Interval(9, 10)) == Interval(0, 10)


def test_split_leaves_out_a_short_rest():
    assert Interval(0, 50).split(20) == [Interval(0, 20), Interval(20, 40)]


def test_split_too_short():
    assert Interval(0, 10).split(20) == []


def test_union():
    assert union([Interval(5, 8), Interval(0, 2), Interval(7, 11)]) == [Interval(0, 2), Interval(5, 11)]


def test_union_joins_neighbours():
    assert union([Interval(0, 2), Interval(2, 3)]) == [Interval(0, 3)]


def test_union_of_nothing():
    assert union([]) == []


def test_gaps_between():
    assert gaps(Interval(0, 100), [Interval(10, 20), Interval(50, 60)]) == [
        Interval(0, 10),
        Interval(20, 50),
        Interval(60, 100),
    ]


def test_gaps_at_the_edges():
    assert gaps(Interval(0, 100), [Interval(0, 20), Interval(90, 100)]) == [Interval(20, 90)]


def test_gaps_ignores_what_lies_outside():
    assert gaps(Interval(50, 60), [Interval(0, 20), Interval(70, 80)]) == [Interval(50, 60)]


def test_no_gap():
    assert gaps(Interval(0, 10), [Interval(0, 10)]) == []


def test_busiest():
    assert busiest([Interval(0, 5), Interval(3, 9), Interval(4, 6), Interval(9, 12)]) == 3
