"""Jobs with priorities, retries and a spool on disk."""

from .job import Job
from .queue import Queue
from .worker import Worker

__all__ = ["Job", "Queue", "Worker"]
