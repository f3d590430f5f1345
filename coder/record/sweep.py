"""What killed runs have left: their worktrees, half-written locks, temporary directories. The record itself stays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path

from coder.errors import CoderError
from coder.record.store import RunDir, RunStore


def sweep(store: RunStore) -> None:
    """Put away what belongs to no living process. A run keeps all that a resume needs; nothing here raises.

    Whether a run's process lives is told by the kernel's lock on the run; of anything else by the owner in its name.
    """
    from coder_sandbox import docker, owner

    docker.sweep_marked(owner.sweep())
    with suppress(OSError):
        for path in store.runs.iterdir():
            run = RunDir(path)
            if next(_left(path), None) is not None and not run.running():
                with suppress(CoderError, OSError):
                    _put_away(run)


def _left(run: Path) -> Iterator[Path]:
    """A run's worktrees, git's entries of them, and git's locks: files that a killed process leaves behind."""
    git_dir = run / "base.git"
    patterns = ("worktrees/*", "*.lock", "refs/**/*.lock", "objects/**/tmp_obj_*")
    return chain((run / "worktrees").glob("*"), *(git_dir.glob(pattern) for pattern in patterns))


def _put_away(run: RunDir) -> None:
    from coder_sandbox.safe_files import directory, remove

    run.claim()  # so that nobody resumes it meanwhile
    try:
        for path in list(_left(run.path)):
            with suppress(OSError), directory(path.parent) as handle:
                remove(handle, path.name)
    finally:
        run.close()
