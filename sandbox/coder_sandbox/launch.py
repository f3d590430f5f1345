"""What every backend needs to start the agent: its command, its settings, its environment."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from coder_sandbox.contract import Limits, Mount, SandboxError, Workspace

AGENT = Path(__file__).parent / "agent"  # on the host
AGENT_INSIDE = Path("/coder-agent")
PROXY_INSIDE = Path("/coder-proxy")
HOME_INSIDE = "/tmp/home"


def environment(workspace: Workspace, home: str = HOME_INSIDE, tmp: str = "/tmp") -> dict[str, str]:
    """Everything that enters: neutral values, then what the workspace allows."""
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": home,
        "TMPDIR": tmp,
        "LANG": "C.UTF-8",
        "USER": "coder",
        "LOGNAME": "coder",
        **workspace.env,
    }


def agent_command(
    python: Path,
    directory: Path,
    limits: Limits,
    cwd: Path,
    *,
    rlimit_processes: int | None = None,
    relay: Path | None = None,
    remove: Path | None = None,
) -> list[str]:
    """The agent's argv. `directory` is where it sees itself.

    `rlimit_processes` is given where the kernel counts a user's processes per sandbox; `relay` is the
    socket that connections to its loopback are carried to; `remove` is a directory that it removes at its end.
    """
    settings: Mapping[str, object] = {
        "memory_mb": limits.memory_mb,
        "processes": limits.processes,
        "open_files": limits.open_files,
        "file_mb": limits.file_mb,
        "worktree_mb": limits.worktree_mb,
        "worktree_files": limits.worktree_files,
        "cpus": limits.cpus,
        "rlimit_processes": rlimit_processes,
        "cwd": str(cwd),
        "relay": str(relay) if relay else None,
        "remove": str(remove) if remove else None,
    }
    # -I -S -B: neither the repository, nor site-packages, nor a cache can put code into the agent
    return [str(python), "-I", "-S", "-B", str(directory / "main.py"), json.dumps(settings)]


def etc_files(uid: int, gid: int) -> dict[str, str]:
    """The few files that programs look for in /etc: one person, one host, and no name service."""
    return {
        "/etc/passwd": f"root:x:0:0:root:/:/bin/false\ncoder:x:{uid}:{gid}:coder:{HOME_INSIDE}:/bin/sh\n",
        "/etc/group": f"root:x:0:\ncoder:x:{gid}:\n",
        "/etc/hosts": "127.0.0.1 localhost coder\n::1 localhost\n",
        "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    }


SYSTEM_DIRECTORIES = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
"""Programs and libraries; all but the first are links into it on most systems, and not all exist."""

HOST_FILES = ("/etc/localtime", "/etc/ld.so.cache", "/etc/alternatives")
"""What is shown of the host's own /etc: time zone, library cache, and what links in /usr/bin lead through."""

CERTIFICATES = ("/etc/ssl", "/etc/pki", "/etc/ca-certificates")
"""And where any host may be reached: whom to trust."""

NAME_SERVERS = "/etc/resolv.conf"
"""And with the whole network. Where only some hosts may be reached their names are resolved outside."""


def host_files(workspace: Workspace) -> tuple[str, ...]:
    """What is shown of the host's own /etc."""
    certificates = CERTIFICATES if workspace.network or workspace.allow_hosts else ()
    return HOST_FILES + certificates + ((NAME_SERVERS,) if workspace.network else ())


def identity() -> tuple[int, int]:
    """The user and group that processes inside seem to have: the caller's, but never root."""
    return (os.geteuid(), os.getegid()) if os.geteuid() != 0 else (1000, 1000)


def in_order(workspace: Workspace) -> list[tuple[Path, Path, bool]]:
    """What is mounted, as (host, inside, writable): outer paths first, since a mount hides what is below it.

    Raises SandboxError for a mount that would take the worktree's place.
    """
    mounts = {mount.inside: (mount.host, mount.inside, False) for mount in workspace.mounts}
    if workspace.inside in mounts:
        raise SandboxError(f"{workspace.inside} is both the repository and part of the Python installation.")
    mounts[workspace.inside] = (workspace.worktree, workspace.inside, True)
    return sorted(mounts.values(), key=lambda mount: len(mount[1].parts))


def with_allowed_hosts(workspace: Workspace, undo: ExitStack) -> Workspace:
    """The workspace with the way to its allowed hosts; as it is, if it has none. `undo` takes what closes it.

    Raises SandboxError if a host is none, or if there is the whole network anyway.
    """
    if not workspace.allow_hosts:
        return workspace
    if workspace.network:
        raise SandboxError("--network opens everything, --allow-host some hosts alone: choose one.")
    from coder_sandbox import proxy  # brings asyncio, which costs more to import than bubblewrap to start

    try:
        opened = proxy.Proxy(workspace.allow_hosts, workspace.label)
    except (ValueError, OSError) as error:
        raise SandboxError(f"--allow-host: {error}") from None
    undo.callback(opened.close)
    mounts = (*workspace.mounts, Mount(opened.socket, PROXY_INSIDE))
    return replace(workspace, mounts=mounts, env={**workspace.env, **proxy.environment(workspace.allow_hosts)})
