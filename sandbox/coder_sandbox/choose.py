"""Which sandbox: the one asked for, or the best there is here, and never none unless asked for."""

from __future__ import annotations

from typing import Literal

from coder_sandbox.contract import Limits, Sandbox, SandboxError, Workspace

Kind = Literal["auto", "docker", "bwrap", "none"]


def open_sandbox(kind: Kind, workspace: Workspace, limits: Limits) -> Sandbox:
    """Open a sandbox with the agent running inside.

    "auto" takes bubblewrap if it works here (it opens in milliseconds), else Docker. Raises SandboxError, with
    what to do, if the one asked for cannot be had, or for "auto" neither.
    """
    if kind == "auto":
        kind = best()
    if kind == "bwrap":
        from coder_sandbox.bwrap import open_bwrap

        return open_bwrap(workspace, limits)
    if kind == "docker":
        from coder_sandbox.docker import open_docker

        return open_docker(workspace, limits)
    if workspace.allow_hosts:
        raise SandboxError("--allow-host needs a sandbox: without one every host can be reached.")
    from coder_sandbox.none import open_none

    return open_none(workspace, limits)


def probe(kind: Kind) -> tuple[bool, str]:
    """Whether this kind works here, and its version; or why not, and the remedy."""
    if kind == "auto":
        try:
            kind = best()
        except SandboxError as error:
            return False, str(error)
    if kind == "bwrap":
        from coder_sandbox import bwrap

        return bwrap.probe()
    if kind == "docker":
        from coder_sandbox import docker

        return docker.probe()
    return True, "no sandbox: the repository's code runs with all your rights"


def best() -> Literal["bwrap", "docker"]:
    """The first that works here. Raises SandboxError, with the reasons, if none does."""
    reasons = []
    for kind in ("bwrap", "docker"):
        works, words = probe(kind)
        if works:
            return kind
        reasons.append(f"{kind}: {words}")
    raise SandboxError(
        "There is no sandbox here to run the repository's code in.\n  "
        + "\n  ".join(reasons)
        + "\nOnly if you trust the repository as yourself: --sandbox none runs it without one."
    )
