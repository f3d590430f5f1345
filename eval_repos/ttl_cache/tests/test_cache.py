import pytest

from ttlcache import Cache
from ttlcache.clock import ManualClock


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def cache(clock):
    return Cache(3, ttl=10, clock=clock)


def fill(cache, *keys):
    for key in keys:
        cache.put(key, key.upper())


def test_get(cache):
    cache.put("a", 1)
    assert cache.get("a") == 1


def test_get_default(cache):
    assert cache.get("a") is None
    assert cache.get("a", 7) == 7


def test_none_is_a_value(cache):
    cache.put("a", None)
    assert cache.get("a", 7) is None


def test_overwrite(cache):
    cache.put("a", 1)
    cache.put("a", 2)
    assert cache.get("a") == 2
    assert len(cache) == 1


def test_bounded(cache):
    fill(cache, "a", "b", "c", "d")
    assert cache.keys() == ["b", "c", "d"]


def test_writing_again_is_a_use(cache):
    fill(cache, "a", "b", "c", "a", "d")
    assert cache.keys() == ["c", "a", "d"]


def test_reading_is_a_use(cache):
    fill(cache, "a", "b", "c")
    cache.get("a")
    cache.put("d", 1)
    assert cache.keys() == ["c", "a", "d"]


def test_peeking_is_no_use(cache):
    fill(cache, "a", "b", "c")
    cache.peek("a")
    cache.put("d", 1)
    assert cache.keys() == ["b", "c", "d"]


def test_expires(cache, clock):
    cache.put("a", 1)
    clock.advance(9)
    assert "a" in cache
    clock.advance(1)
    assert "a" not in cache


def test_own_lifetime(cache, clock):
    cache.put("a", 1, ttl=100)
    cache.put("b", 2)
    clock.advance(50)
    assert cache.keys() == ["a"]


def test_without_ttl(clock):
    cache = Cache(2, clock=clock)
    cache.put("a", 1)
    clock.advance(10**6)
    assert "a" in cache


def test_old_entries_leave_before_live_ones(cache, clock):
    cache.put("live", 1, ttl=100)
    fill(cache, "a", "b")
    clock.advance(20)
    fill(cache, "c")
    assert cache.keys() == ["live", "c"]


def test_evictions_are_counted(cache):
    fill(cache, "a", "b", "c", "d", "e")
    assert cache.stats.evicted == 2


def test_purge(cache, clock):
    fill(cache, "a", "b")
    clock.advance(5)
    fill(cache, "c")
    clock.advance(5)
    assert cache.purge() == 2
    assert cache.stats.expired == 2


def test_discard(cache):
    fill(cache, "a")
    assert cache.discard("a")
    assert not cache.discard("a")


def test_clear(cache):
    fill(cache, "a", "b")
    cache.clear()
    assert len(cache) == 0


def test_size_must_be_positive():
    with pytest.raises(ValueError):
        Cache(0)


def test_stats(cache):
    fill(cache, "a")
    cache.get("a")
    cache.get("a")
    cache.get("b")
    assert (cache.stats.hits, cache.stats.misses) == (2, 1)
    assert cache.stats.rate == pytest.approx(2 / 3)


def test_rate_without_look_ups(cache):
    assert cache.stats.rate == 0
