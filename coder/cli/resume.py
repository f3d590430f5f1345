"""coder resume"""

from __future__ import annotations

from coder.cli.options import Json, Run, Verbose


def command(run: Run, as_json: Json = False, verbose: Verbose = False) -> int:
    """It goes on after its last finished step, with what is left of its budgets."""
    from coder.cli.attempt import Destination, attempt
    from coder.record.store import RunStore
    from coder.run import resume

    store = RunStore()
    return attempt(lambda listen: resume(run, store, listen), store, Destination(), as_json=as_json, verbose=verbose)
