"""Reading a model's stream with limits that hold, whatever the server does."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from coder.models.contract import ModelError

T = TypeVar("T")

_END = object()


def limited(
    open_stream: Callable[[], Iterator[T]],
    *,
    timeout: float,
    first: float,
    idle: float,
    abandon: Callable[[], None],
) -> Iterator[T]:
    """What the stream gives, from a thread of its own, so that no silence or trickle can hold up the caller.

    timeout: seconds for the whole; first: for the first piece (a cold model is being loaded); idle: between two.
    ModelError (retryable) when one is over; `abandon` is called then, and whenever the stream is left early, to
    close the connection, so that the server stops working on it. Errors of the stream are raised as they are.
    """
    pieces: queue.Queue[object] = queue.Queue()
    stopped = threading.Event()

    def pump() -> None:
        try:
            for piece in open_stream():
                pieces.put(piece)
                if stopped.is_set():
                    return
            pieces.put(_END)
        except BaseException as error:
            pieces.put(error)

    threading.Thread(target=pump, name="model-stream", daemon=True).start()
    deadline = time.monotonic() + timeout
    begun = finished = False
    try:
        while True:
            left = deadline - time.monotonic()
            wait = idle if begun else first
            try:
                piece = pieces.get(timeout=max(0.0, min(wait, left)))
            except queue.Empty:
                raise _silent(wait, timeout, over=left <= wait, begun=begun) from None
            if piece is _END:
                finished = True
                return
            if isinstance(piece, BaseException):
                finished = True
                raise piece
            begun = True
            yield piece  # type: ignore[misc]
    finally:
        if not finished:
            stopped.set()
            abandon()


def _silent(wait: float, timeout: float, *, over: bool, begun: bool) -> ModelError:
    if over:
        return ModelError(
            f"The model did not finish its answer within {timeout:.0f} seconds. Give the run more time, or take a "
            "smaller model.",
            retryable=True,
        )
    what = "stopped in the middle of its answer" if begun else "did not begin to answer"
    return ModelError(
        f"The model {what}: nothing came for {wait:.0f} seconds. Look at the model server, which may be stuck.",
        retryable=True,
    )
