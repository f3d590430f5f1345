"""coder diff"""

from __future__ import annotations

from coder.cli.options import HERE, Repo, RunOrNewest
from coder.errors import UsageError


def command(run: RunOrNewest = "", repo: Repo = HERE) -> None:
    """Piped, it is exact, as `git apply` needs it."""
    from coder.cli.landing import find_run
    from coder.cli.report import show_patch
    from coder.record.store import RunStore

    found = find_run(RunStore(), run, repo)
    result = found.result()
    if result is None or not result.patch:
        raise UsageError(f"run {found.id} has no patch (`coder show {found.id}` tells why)")
    show_patch(result.patch)
