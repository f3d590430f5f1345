import pytest

from ttlcache import memoize
from ttlcache.clock import ManualClock
from ttlcache.memo import make_key


@pytest.fixture
def calls():
    return []


def test_called_once(calls):
    @memoize()
    def double(number):
        calls.append(number)
        return number * 2

    assert [double(2), double(2), double(3)] == [4, 4, 6]
    assert calls == [2, 3]


def test_none_is_remembered(calls):
    @memoize()
    def nothing():
        calls.append(1)

    nothing()
    nothing()
    assert len(calls) == 1


def test_forgets_after_ttl(calls):
    clock = ManualClock()

    @memoize(ttl=5, clock=clock)
    def now():
        calls.append(1)
        return clock.now()

    now()
    clock.advance(6)
    assert now() == 6


def test_key_ignores_the_order_of_keywords():
    assert make_key((1,), {"a": 1, "b": 2}) == make_key((1,), {"b": 2, "a": 1})


def test_key_tells_positions_from_keywords():
    assert make_key(("a", 1), {}) != make_key((), {"a": 1})


def test_name_is_kept():
    @memoize()
    def area():
        """Docs."""

    assert area.__name__ == "area"


def test_clock_does_not_go_back():
    with pytest.raises(ValueError):
        ManualClock().advance(-1)
