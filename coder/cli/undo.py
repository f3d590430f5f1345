"""coder undo"""

from __future__ import annotations

from coder.cli.options import HERE, Repo, RunOrNewest
from coder.cli.terminal import say


def command(run: RunOrNewest = "", repo: Repo = HERE) -> None:
    """The files are put back exactly. Refused if they have changed since they were applied."""
    from coder.cli.landing import find_run, take_back
    from coder.record.store import RunStore

    found = find_run(RunStore(), run, repo)
    files = take_back(found)
    say(f"taken back: {', '.join(files) if files else found.id}")
