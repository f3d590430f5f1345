from recently_used import RecentlyUsed


def test_missing():
    assert RecentlyUsed(2).get("a") is None


def test_default():
    assert RecentlyUsed(2).get("a", 0) == 0


def test_put_and_get():
    cache = RecentlyUsed(2)
    cache.put("a", 1)
    assert cache.get("a") == 1


def test_oldest_goes():
    cache = RecentlyUsed(2)
    for key in "abc":
        cache.put(key, key)
    assert cache.get("a") is None and cache.get("b") == "b"


def test_reading_is_use():
    cache = RecentlyUsed(2)
    cache.put("a", 1)
    cache.put("b", 2)
    cache.get("a")
    cache.put("c", 3)
    assert cache.get("a") == 1 and cache.get("b") is None


def test_writing_again_is_use():
    cache = RecentlyUsed(2)
    cache.put("a", 1)
    cache.put("b", 2)
    cache.put("a", 10)
    cache.put("c", 3)
    assert cache.get("a") == 10 and cache.get("b") is None


def test_never_more_than_its_size():
    cache = RecentlyUsed(3)
    for number in range(10):
        cache.put(number, number)
    assert len(cache) == 3
