"""coder runs"""

from __future__ import annotations

from coder.cli.options import Json
from coder.cli.terminal import print_json, print_text, say
from coder.cli.text import one_line


def command(as_json: Json = False) -> None:
    """An interrupted run can be resumed: coder resume RUN."""
    from coder.record.store import RunStore

    store = RunStore()
    runs = store.list()
    if as_json:
        print_json([run.to_dict() for run in runs])
    elif not runs:
        say(f"no runs yet in {store.home}")
    else:
        for run in runs:
            status = run.status.replace("_", " ") + (" (resumable)" if run.resumable else "")
            goal = one_line(run.goal, 60) or "every failing test"
            print_text(f"{run.run_id}  {status:<24}  {goal}  {run.repo}")
