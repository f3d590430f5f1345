"""What has to be right on the host around a sandbox: who owns the worktree, and the places mounts inside it need."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from coder_sandbox.contract import SandboxError, Workspace


def lend(worktree: Path, uid: int, gid: int) -> Callable[[], None]:
    """Give the worktree to the user that it is written by inside. Returns what gives it, and all that is new, back.

    Only root can do that, and only root needs it; for anybody else this does nothing.
    """
    before = worktree.stat()
    if os.geteuid() != 0 or (before.st_uid, before.st_gid) == (uid, gid):
        return lambda: None
    _give(worktree, uid, gid)
    return lambda: _give(worktree, before.st_uid, before.st_gid)


def _give(worktree: Path, uid: int, gid: int) -> None:
    # chown of coreutils follows no link and walks trees deeper than a path can be long
    done = subprocess.run(
        ["chown", "-hR", f"{uid}:{gid}", "--", str(worktree)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise SandboxError(f"The worktree {worktree} cannot be given to user {uid}: {done.stderr.strip()}")


def mount_points(workspace: Workspace) -> Callable[[], None]:
    """Make the empty directories in the worktree that mounts below it need. Returns what removes them again.

    Done here and not by the backend, which would follow a link that the repository's code has left in a
    directory's place. Raises SandboxError if there is such a link, or a file.
    """
    made: list[Path] = []
    for mount in sorted(workspace.mounts, key=lambda mount: len(mount.inside.parts)):
        if workspace.inside not in mount.inside.parents:
            continue
        place = workspace.worktree
        for name in mount.inside.relative_to(workspace.inside).parts:
            place = place / name
            if place.is_symlink() or (place.exists() and not place.is_dir()):
                raise SandboxError(f"{mount.inside} is in the way of {mount.host}: it is no directory in the worktree.")
            if not place.exists():
                place.mkdir()
                made.append(place)

    def remove() -> None:
        for place in reversed(made):
            with contextlib.suppress(OSError):  # code inside may have put something there
                place.rmdir()

    return remove
