"""Reading a model's stream: with limits that hold, whatever the server does, and thoughts told from text."""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from coder.models.contract import ModelError, ToolCall
from coder.models.tags import Thoughts, unopened, without_frame
from coder.models.tokens import WRITTEN, Size, size_of

T = TypeVar("T")

_END = object()
_FAR = 2  # times its tokens, by their characters: that is no slip in the estimate


@dataclass
class Piece:
    """What one line or event of a stream brought."""

    text: str = ""
    thinking: str = ""
    calls: tuple[ToolCall, ...] = ()
    info: dict[str, Any] = field(default_factory=dict)
    unfinished: str = ""  # of a call that comes in parts


@dataclass
class Heard:
    """A stream, read to its end or to where it was cut."""

    text: str = ""
    thinking: str = ""
    calls: list[ToolCall] = field(default_factory=list)
    info: dict[str, Any] = field(default_factory=dict)
    cut: bool = False  # its thinking went over the limit
    over: bool = False  # the whole of it did
    opened: bool = False  # it began in the middle of a thought: the chat template had opened it


def hear(
    pieces: Iterator[Piece],
    think_limit: int | None = None,
    most: int | None = None,
    *,
    opened: bool = False,
    seconds: float = math.inf,
) -> Heard:
    """Read a stream whole; cut it where it has thought for more than `think_limit` tokens and said nothing yet, and
    where it has by far more than the `most` tokens that the server was to hold it to. With a limit on its thoughts
    they may also take no more than half of `seconds`: a slow model would never come to its answer. `opened`: it is
    likely to begin in the middle of a thought; if it turns out not to, that was the answer."""
    heard = Heard()
    until = time.monotonic() + seconds / 2
    thoughts = Thoughts(opened=opened)
    thought = said = Size()
    apart = ""  # thoughts that the server itself told from the text
    for piece in pieces:
        thinking, text = thoughts.feed(piece.text)
        apart += piece.thinking
        heard.thinking += piece.thinking + thinking
        heard.text += text
        heard.calls += piece.calls
        heard.info |= piece.info
        thought += size_of(piece.thinking) + size_of(thinking)
        too_long = think_limit is not None and (
            WRITTEN.tokens(thought) > think_limit or (bool(heard.thinking) and time.monotonic() > until)
        )
        said += size_of(piece.text) + size_of(piece.thinking) + size_of(piece.unfinished)
        heard.cut = too_long and not (heard.text.strip() or heard.calls)
        heard.over = most is not None and WRITTEN.tokens(said) > _FAR * most
        if heard.cut or heard.over:
            close = getattr(pieces, "close", None)
            if close is not None:
                close()  # the server stops when the connection is closed
            if heard.cut:
                heard.opened = opened
                return heard
            break
    thinking, text = thoughts.feed("", last=True)
    heard.thinking, heard.text = heard.thinking + thinking, heard.text + text
    heard.opened = opened and thoughts.closed
    if opened and not thoughts.closed:
        heard.thinking, heard.text = apart, heard.thinking.removeprefix(apart) + heard.text
    return _told_apart(heard)


def _told_apart(heard: Heard) -> Heard:
    """The answer with thoughts and text where they belong, now that all of it is there."""
    before, heard.text = unopened(heard.text, acted=bool(heard.calls))
    heard.opened |= bool(before) and not heard.thinking
    heard.thinking = (heard.thinking + before).strip()
    heard.text = without_frame(heard.text)
    if heard.thinking:
        heard.text = heard.text.lstrip("\n")
    return heard


def limited(
    open_stream: Callable[[], Iterator[T]],
    *,
    timeout: float,
    idle: float,
    abandon: Callable[[], None],
    still_busy: Callable[[float], str] = lambda waited: "",
    says: Callable[[T], bool] = lambda piece: True,
) -> Iterator[T]:
    """What the stream gives, from a thread of its own, so that no silence or trickle can hold up the caller.

    timeout: seconds for the whole; idle: the longest silence, which a piece that `says` nothing is too. Before the
    first that does `still_busy` is asked whenever that is over, with the seconds waited so far: "" if there is a reason
    to wait on (a cold model is being loaded, a long prompt is being read), else why not. ModelError (retryable) when a
    limit is over; `abandon` is called then, and whenever the stream is left early, to close the connection, so that the
    server stops working on it.
    Errors of the stream are raised as they are.
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
    started = time.monotonic()
    begun = finished = False
    heard = started  # when something was said last, or there was a reason to wait on
    try:
        while True:
            now = time.monotonic()
            try:
                if now >= min(heard + idle, started + timeout):
                    raise queue.Empty
                piece = pieces.get(timeout=min(heard + idle, started + timeout) - now)
            except queue.Empty:
                waited = time.monotonic() - started
                if waited >= timeout:
                    raise _too_long(timeout) from None
                why = (
                    f"it stopped in the middle of its answer: nothing came for {idle:.0f} seconds"
                    if begun
                    else still_busy(waited)
                )
                if why:
                    raise _stuck(why) from None
                heard = time.monotonic()
                continue
            if piece is _END:
                finished = True
                return
            if isinstance(piece, BaseException):
                finished = True
                raise piece
            if says(piece):  # type: ignore[arg-type]
                begun, heard = True, time.monotonic()
            yield piece  # type: ignore[misc]
    finally:
        if not finished:
            stopped.set()
            abandon()


def says(piece: Piece) -> bool:
    """Whether it brought anything but counts: some servers send empty pieces for ever."""
    return bool(piece.text or piece.thinking or piece.calls or piece.unfinished)


def _too_long(timeout: float) -> ModelError:
    return ModelError(
        f"The model did not finish its answer within {timeout:.0f} seconds. Give the run more time, or take a "
        "smaller model.",
        retryable=True,
    )


def _stuck(why: str) -> ModelError:
    return ModelError(f"The model's answer was given up: {why}. Look at the model server.", retryable=True)
