"""coder apply"""

from __future__ import annotations

from typing import Annotated

import typer

from coder.cli.options import HERE, Repo, RunOrNewest
from coder.cli.terminal import say


def command(
    run: RunOrNewest = "",
    repo: Repo = HERE,
    alternative: Annotated[
        int | None, typer.Option(metavar="N", help="Another patch that was verified: `coder show RUN --alternatives`.")
    ] = None,
) -> None:
    """Refused, with nothing written, if a file it touches has changed since the run."""
    from coder.cli.landing import find_run, land
    from coder.record.store import RunStore

    say(land(find_run(RunStore(), run, repo), "apply", alternative=alternative))
