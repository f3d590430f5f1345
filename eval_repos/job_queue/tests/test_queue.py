import pytest

from jobs import Job, Queue, backoff


def names(queue, now=0.0):
    found = []
    while True:
        job = queue.get(now)
        if job is None:
            return found
        found.append(job.name)


def test_order_of_arrival():
    queue = Queue()
    for name in "abc":
        queue.put(Job(name))
    assert names(queue) == ["a", "b", "c"]


def test_priority():
    queue = Queue()
    queue.put(Job("later", priority=9))
    queue.put(Job("first", priority=0))
    queue.put(Job("second"))
    assert names(queue) == ["first", "second", "later"]


def test_empty():
    assert Queue().get() is None


def test_held_back():
    queue = Queue()
    queue.put(Job("held"), not_before=10)
    assert queue.get(now=9.9) is None
    assert queue.get(now=10).name == "held"


def test_next_wake():
    queue = Queue()
    assert queue.next_wake() is None
    queue.put(Job("b"), not_before=20)
    queue.put(Job("a"), not_before=10)
    assert queue.next_wake() == 10


def test_len_counts_both():
    queue = Queue()
    queue.put(Job("a"))
    queue.put(Job("b"), not_before=10)
    assert len(queue) == 2


def test_drop():
    queue = Queue()
    for name in "abab":
        queue.put(Job(name))
    assert queue.drop("a") == 2
    assert names(queue) == ["b", "b"]


@pytest.mark.parametrize("priority", [-1, 10])
def test_priority_out_of_range(priority):
    with pytest.raises(ValueError):
        Job("a", priority=priority)


def test_name_is_needed():
    with pytest.raises(ValueError):
        Job("")


@pytest.mark.parametrize("attempts, seconds", [(1, 1), (2, 2), (3, 4), (10, 60)])
def test_exponential(attempts, seconds):
    assert backoff.exponential()(attempts) == seconds


def test_constant():
    assert backoff.constant(3)(7) == 3
