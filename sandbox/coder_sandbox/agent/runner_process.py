"""A runner process as the agent sees it: its job, its records, the end of its output, and its end."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from select import POLLIN, poll
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Optional

if TYPE_CHECKING:
    from coder_sandbox.agent.processes import PINNED, kill_descendants, oom_score
    from coder_sandbox.agent.runner.report import Inbox, Record, new_word
else:
    from processes import PINNED, kill_descendants, oom_score
    from runner.report import Inbox, Record, new_word

START = os.path.join(os.path.dirname(os.path.abspath(__file__)), "runner", "start.py")
TICK = 0.05  # seconds between two looks whether a process that says nothing has ended
TAIL = 8000  # bytes of output that are kept
NEUTRAL = {
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
    "PYTHONUNBUFFERED": "1",  # so that the tail is there when a process is killed
    "COLUMNS": "80",
    "LINES": "24",
    "TERM": "xterm",
}
ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


class RunnerProcess:
    """One runner process doing one job."""

    def __init__(self, job: Record) -> None:
        """Start it in the job's root. The job gets what the runner needs to answer."""
        self.scratch = tempfile.mkdtemp(prefix="run-")
        self.tail = b""
        mine, its = os.pipe()
        word = new_word()
        self._inbox = Inbox(mine, word)
        try:
            with oom_score.raised():
                self.process = subprocess.Popen(
                    [sys.executable, "-B", START],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    cwd=job["root"],
                    env=self._environment(job),
                    pass_fds=(its,),
                    start_new_session=True,
                )
        finally:
            os.close(its)
        assert self.process.stdout
        os.set_blocking(self.process.stdout.fileno(), False)
        self._poll = poll()
        self._poll.register(mine, POLLIN)
        self._poll.register(self.process.stdout, POLLIN)
        self.send({**job, "fd": its, "word": word, "scratch": self.scratch})

    def _environment(self, job: Record) -> Dict[str, str]:
        environment = {**os.environ, **NEUTRAL, "TMPDIR": os.path.join(self.scratch, "tmp")}
        os.mkdir(environment["TMPDIR"])
        environment.pop("PYTEST_ADDOPTS", None)  # the target's configuration is in its files
        if job["do"] in ("warm", "candidate"):  # native threads do not survive a fork
            environment.update({name: os.environ.get(name, "1") for name in ONE_THREAD})
        return environment

    def send(self, message: Any) -> None:
        """Write a line to it. One that has ended does not read it, and that shows in its records."""
        assert self.process.stdin
        try:
            self.process.stdin.write(json.dumps(message).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass

    def records(self, wait: float) -> List[Record]:
        """What it has said, waiting up to `wait` seconds for something. Its output is read along the way."""
        self._poll.poll(max(0.0, min(wait, TICK)) * 1000)
        self._listen()
        records = self._inbox.read()
        if self._inbox.closed:
            self._unregister(self._inbox.fd)
        return records

    def _listen(self) -> None:
        """Take some of its output; only the tail is kept."""
        assert self.process.stdout
        if self.process.stdout.closed:
            return
        for _ in range(16):
            try:
                data = os.read(self.process.stdout.fileno(), 1 << 16)
            except BlockingIOError:
                return
            if not data:
                self._unregister(self.process.stdout.fileno())
                self.process.stdout.close()
                return
            self.tail = (self.tail + data)[-TAIL:]

    def _unregister(self, fd: int) -> None:
        with contextlib.suppress(KeyError):  # a second time
            self._poll.unregister(fd)

    @property
    def ended(self) -> bool:
        """Whether the process itself has ended; records may still wait to be read."""
        return self.process.poll() is not None

    def until(self, deadline: float) -> Iterator[Record]:
        """Its records as they come, up to its end or the deadline (on the monotonic clock)."""
        while True:
            ended = self.ended
            yield from self.records(deadline - time.monotonic())
            if ended:
                yield from self.records(0)
                return
            if time.monotonic() >= deadline:
                return

    @property
    def words(self) -> str:
        """The last of its output."""
        return self.tail.decode("utf-8", "replace").strip()

    def close(self) -> None:
        """End it with everything it started."""
        self.process.kill()
        PINNED.discard(self.process.pid)
        kill_descendants(keep=PINNED)
        self.process.wait()
        self.records(0)
        for file in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):  # what was not sent is of no use
                if file:
                    file.close()
        self._inbox.close()
        shutil.rmtree(self.scratch, ignore_errors=True)


def first(records: Iterator[Record], *kinds: str) -> Optional[Record]:
    """The first record of one of these kinds; None if there is none."""
    return next((record for record in records if any(kind in record for kind in kinds)), None)
