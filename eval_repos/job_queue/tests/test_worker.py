import pytest

from jobs import Job, Queue, Worker, backoff


@pytest.fixture
def queue():
    return Queue()


def fail():
    raise RuntimeError("out of paper")


def test_done(queue):
    queue.put(Job("add", {"a": 1, "b": 2}))
    worker = Worker(queue, {"add": lambda a, b: a + b})
    assert worker.drain() == 1
    assert worker.done == [("add", 3)]


def test_nothing_to_do(queue):
    assert Worker(queue, {}).step() is False


def test_failed_job_waits(queue):
    queue.put(Job("print"))
    worker = Worker(queue, {"print": fail}, delay=backoff.constant(30))
    worker.step(now=100)
    assert queue.next_wake() == 130
    assert worker.drain(now=129) == 0


def test_failed_job_is_tried_again(queue):
    queue.put(Job("print"))
    worker = Worker(queue, {"print": fail})
    worker.step(now=0)
    worker.handlers["print"] = lambda: "ok"
    worker.step(now=5)
    assert worker.done == [("print", "ok")]


def test_dead_after_the_last_attempt(queue):
    job = Job("print")
    queue.put(job)
    worker = Worker(queue, {"print": fail}, max_attempts=2)
    worker.step(now=0)
    worker.step(now=100)
    assert worker.dead == [job]
    assert job.last_error == "RuntimeError: out of paper"


def test_dead_job_leaves_the_queue(queue):
    queue.put(Job("print"))
    worker = Worker(queue, {"print": fail}, max_attempts=1)
    worker.step()
    assert len(queue) == 0


def test_no_handler(queue):
    job = Job("unknown")
    queue.put(job)
    worker = Worker(queue, {}, max_attempts=1)
    worker.step()
    assert "no handler" in job.last_error


def test_drain_has_a_limit(queue):
    for _ in range(5):
        queue.put(Job("a"))
    assert Worker(queue, {"a": lambda: None}).drain(limit=3) == 3
