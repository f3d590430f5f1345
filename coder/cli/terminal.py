"""Standard output and standard error: results on the one, words for people on the other."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any, TextIO

from coder.cli.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from coder.record.result import Status

JSON_RESULT = ("fix", "resume")  # verbs whose --json is one result, whatever happens


def say(text: str = "") -> None:
    """A line for people, on standard error. Nobody listening any more is no fault."""
    _write(sys.stderr, _fitted(clean(text), sys.stderr) + "\n")


def print_text(text: str, hang: int = 2) -> None:
    """A result for people, on standard output. `hang`: columns the rest of a long line is indented by."""
    _write(sys.stdout, _fitted(clean(text), sys.stdout, hang) + "\n")


def print_json(value: Any) -> None:
    """A result for programs, on standard output: one JSON value in ASCII, so that any path survives in it."""
    _write(sys.stdout, json.dumps(value, indent=2) + "\n")


def print_exact(text: str) -> None:
    """Text byte for byte as it was read (surrogateescape), on standard output."""
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
        sys.stdout.flush()
    except BrokenPipeError:
        _to_nowhere(sys.stdout)


def is_live(stream: TextIO) -> bool:
    """Whether the stream is a terminal that can be redrawn, and nobody asked for plain text."""
    return stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM", "") not in ("", "dumb")


def console(stream: TextIO) -> Console:
    """A rich console that never reads markup in what it prints."""
    from rich.console import Console

    return Console(file=stream, markup=False, highlight=False, emoji=False)


def _fitted(text: str, stream: TextIO, hang: int = 2) -> str:
    """The text with its lines broken between words to fit a terminal, the rest of a line indented under it."""
    if not stream.isatty():
        return text
    import textwrap

    try:
        width = max(20, os.get_terminal_size(stream.fileno()).columns - 1)
    except (OSError, ValueError):
        return text
    lines = []
    for line in text.split("\n"):
        indent = " " * min(max(hang, len(line) - len(line.lstrip()) + 2), width // 3)
        lines += textwrap.wrap(
            line,
            width,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
            replace_whitespace=False,
            drop_whitespace=True,
        ) or [""]
    return "\n".join(lines)


def _write(stream: TextIO, text: str) -> None:
    try:
        encoding = stream.encoding or "utf-8"
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
    except BrokenPipeError:
        _to_nowhere(stream)


def _to_nowhere(stream: TextIO) -> None:
    """Whoever read the stream is gone: what else goes there goes nowhere, and the exit code stays what it is."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def answer_without_run(argv: Sequence[str], status: Status, reason: str) -> None:
    """The one JSON result that was asked for, where no run came about."""
    if argv and argv[0] in JSON_RESULT and "--json" in argv:
        from coder.record.result import Result

        print_json(Result("", status, reason=reason).to_dict())
