from tally import tally


def test_empty():
    assert tally([]) == {}


def test_words():
    assert tally(["a", "b", "a"]) == {"a": 2, "b": 1}


def test_sum():
    counts = tally(["a", "b", "a"])
    assert sum(counts.values()) == len(counts)
