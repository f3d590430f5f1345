"""Runs jobs."""

from . import backoff


class Worker:
    """Takes jobs from a queue and calls the handler of their name."""

    def __init__(self, queue, handlers, max_attempts=3, delay=None):
        self.queue = queue
        self.handlers = handlers
        self.max_attempts = max_attempts
        self.delay = delay or backoff.exponential()
        self.done = []
        self.dead = []

    def step(self, now=0.0):
        """Run one job. True if there was one, whether it succeeded or not."""
        job = self.queue.get(now)
        if job is None:
            return False
        try:
            result = self._call(job)
        except Exception as error:
            self._failed(job, error, now)
            return True
        self.done.append((job.name, result))
        return True

    def drain(self, now=0.0, limit=1000):
        """Run until nothing may run now; returns how many jobs ran."""
        count = 0
        while count < limit and self.step(now):
            count += 1
        return count

    def _call(self, job):
        handler = self.handlers.get(job.name)
        if handler is None:
            raise LookupError("no handler for %s" % job.name)
        return handler(**job.payload)

    def _failed(self, job, error, now):
        job.attempts += 1
        job.last_error = "%s: %s" % (type(error).__name__, error)
        if job.attempts >= self.max_attempts:
            self.dead.append(job)
        self.queue.put(job, not_before=now + self.delay(job.attempts))
