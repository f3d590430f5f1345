"""From the arguments to the verb, and from whatever goes wrong to words and an exit code."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

import typer

from coder.cli.main import VERBS
from coder.cli.terminal import answer_without_run, say
from coder.errors import CoderError


def dispatch(argv: Sequence[str]) -> int:
    """Run the verb that `argv` begins with and return the exit code."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup asked for it to be ignored
            signal.signal(number, _interrupt)
    try:
        code = _app(argv[0] if argv else "")(args=list(argv), prog_name="coder", standalone_mode=False)
        return int(code or 0)
    except typer.TyperException as error:
        show = getattr(error, "show", None)
        show() if show else say(f"coder: {error}")
        answer_without_run(argv, "usage_error", getattr(error, "message", "") or str(error))
        return error.exit_code
    except CoderError as error:
        from coder.record.mask import Masker

        say(f"coder: {Masker().text(str(error))}")
        return error.exit_code
    except Exception as error:
        return unforeseen(error)


def unforeseen(error: Exception, run_dir: Path | None = None) -> int:
    """Say in a line that coder itself failed, keep the traceback with the run, and return the exit code."""
    import traceback

    from coder.record.mask import Masker

    trace = Masker().text("".join(traceback.format_exception(error)))
    say(f"coder: a fault in coder itself: {type(error).__name__}: {Masker().text(str(error))}")
    if run_dir is not None:
        try:
            (run_dir / "traceback.txt").write_text(trace, encoding="utf-8", errors="backslashreplace")
            say(f"  the traceback is in {run_dir / 'traceback.txt'}; please attach it when you report this")
            say("  to coder's issue tracker")
        except OSError:
            run_dir = None
    if "-v" in sys.argv or "CODER_DEBUG" in os.environ:
        say(trace)
    elif run_dir is None:
        say("  set CODER_DEBUG=1 to see the traceback; please attach it when you report this to coder's issue tracker")
    return 1


def _app(verb: str) -> typer.Typer:
    """The command line. Only the verb asked for is imported, all of them where completion or an error needs them."""
    app = typer.Typer(rich_markup_mode=None, context_settings={"help_option_names": ["--help", "-h"]})
    app.callback()(_all_verbs)
    for name in [verb] if verb in VERBS else VERBS:
        module = importlib.import_module(f"coder.cli.{name}")
        if hasattr(module, "app"):  # a verb with verbs of its own
            app.add_typer(module.app, name=name, help=VERBS[name])
            continue
        app.command(name, help=VERBS[name] + "\n\n" + (module.command.__doc__ or ""))(module.command)
    return app


def _all_verbs() -> None:
    """Keeps the verb a word of its own even where only one verb is loaded."""


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    """End as Ctrl-C does: sandboxes are closed, the run stays resumable."""
    raise KeyboardInterrupt
