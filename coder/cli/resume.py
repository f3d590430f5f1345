"""coder resume"""

from __future__ import annotations

from typing import Annotated

import typer

from coder.cli.options import Json, Run, Verbose
from coder.errors import UsageError

_More = Annotated[int | None, typer.Option(metavar="N", help="As many in all, where the run was given fewer.", min=1)]


def command(
    run: Run,
    time: Annotated[str | None, typer.Option(help="Wall time in all, where the run was given less.")] = None,
    steps: _More = None,
    tokens: _More = None,
    tokens_in: _More = None,
    tokens_out: _More = None,
    model_calls: _More = None,
    test_runs: _More = None,
    as_json: Json = False,
    verbose: Verbose = False,
) -> int:
    """It goes on after its last finished step, with what is left of its budgets, or of larger ones."""
    from coder.cli.attempt import Destination, attempt
    from coder.record.store import RunStore
    from coder.run import resume

    given = {
        "time": _seconds(time), "steps": steps, "tokens": tokens, "tokens_in": tokens_in, "tokens_out": tokens_out,
        "model_calls": model_calls, "test_runs": test_runs,
    }  # fmt: skip
    larger = {name: value for name, value in given.items() if value is not None}
    store = RunStore()
    return attempt(
        lambda listen: resume(run, store, listen, larger), store, Destination(), as_json=as_json, verbose=verbose
    )


def _seconds(time: str | None) -> float | None:
    from coder.config import parse_duration

    try:
        return None if time is None else parse_duration(time)
    except ValueError as error:
        raise UsageError(f"--time {time}: {error}; write it as 90s, 10m or 1h") from None
