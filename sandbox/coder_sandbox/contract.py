"""The sandbox's whole vocabulary: every backend implements exactly this."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

KilledBy = Literal["timeout", "memory", "processes", "disk", "output", "cancelled"]
"""Why coder (and not the program itself) ended a command."""

Event = dict[str, Any]
"""One JSON object the agent sends while a request is under way."""


class SandboxError(Exception):
    """The sandbox cannot be opened, or died under a request.

    The message says what failed, why, and what the reader can do next; it is shown as it is.
    """


@dataclass(frozen=True)
class Limits:
    """What everything inside one sandbox may use, taken together unless said otherwise."""

    memory_mb: int = 4096
    processes: int = 512
    open_files: int = 4096  # a process
    file_mb: int = 1024  # a file
    tmp_mb: int = 1024  # the temporary directory
    worktree_mb: int = 4096  # the worktree, with what it started as
    worktree_files: int = 400_000
    cpus: float = 0.0  # 0: all there are
    output_bytes: int = 4_000_000  # a stream of a command; what is over is counted and dropped


@dataclass(frozen=True)
class Mount:
    """A host path shown inside at `inside`, read-only."""

    host: Path
    inside: Path


@dataclass(frozen=True)
class Workspace:
    """What is opened: one writable worktree, shown at the path where the user has the repository.

    Showing the worktree at the repository's own path makes editable installs, recorded absolute
    paths and in-tree virtual environments work unchanged, while the repository itself is not mounted.
    """

    worktree: Path  # on the host, the only writable thing
    inside: Path  # where the worktree appears inside
    python: Path  # the target's interpreter, as seen inside
    mounts: tuple[Mount, ...] = ()  # toolchain content, read-only, same path inside
    label: str = ""  # run id, put on containers and processes for the sweep
    network: bool = False  # all of it
    allow_hosts: tuple[str, ...] = ()  # these alone, as NAME or NAME:PORT
    image: str = ""  # a container image with the toolchain in it; "": the host's own toolchain
    env: Mapping[str, str] = field(default_factory=dict)  # the allow-listed variables, nothing else enters


@dataclass(frozen=True)
class ExecResult:
    """How one command ended. `exit_code` is negative for a signal (as in subprocess), None if never started."""

    exit_code: int | None
    stdout: str
    stderr: str
    duration: float  # seconds
    killed_by: KilledBy | None = None
    dropped_bytes: int = 0  # output over the limit


class Sandbox(Protocol):
    """One open sandbox with the agent inside. Not safe for use from several threads at once."""

    name: str  # "docker", "bwrap" or "none"
    workspace: Workspace
    python_version: str  # of the interpreter inside: "3.12.1"

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout: float,
        stdin: str = "",
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> ExecResult:
        """Run a command to its end or its timeout (then its whole process tree is killed).

        Raises SandboxError if the sandbox itself is gone.
        """
        ...

    def request(
        self,
        op: str,
        payload: Mapping[str, Any],
        *,
        timeout: float,
        on_event: Callable[[Event], None] | None = None,
    ) -> dict[str, Any]:
        """Ask the agent for an operation (see docs/agent-protocol.md) and wait for its result.

        Events are handed to `on_event` as they come. Raises SandboxError if the agent dies, answers
        something that is not the protocol, or does not answer within `timeout` seconds; SandboxError
        with the agent's own words if the operation is refused.
        """
        ...

    def close(self) -> None:
        """End everything inside and leave nothing behind. Safe to call twice."""
        ...
