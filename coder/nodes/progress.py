"""Progress of a test run as events: at most a few a second, so that the log stays small."""

from __future__ import annotations

import time

from coder.session import Session
from coder_tools.contract import CandidateResult, TestResult

INTERVAL = 0.25  # seconds


class Progress:
    """Counts results as they come and tells the listeners now and then."""

    def __init__(self, session: Session, node: str, label: str, total: int) -> None:
        self._session, self._node, self._label, self._total = session, node, label, total
        self._done = 0
        self._last = 0.0

    def result(self, result: TestResult | CandidateResult) -> None:
        """One more test or candidate has ended."""
        self._done += 1
        now = time.monotonic()
        if now - self._last >= INTERVAL or self._done == self._total:
            self._last = now
            data = {"done": self._done, "total": self._total, "label": self._label}
            self._session.emit(self._node, "progress", data)
