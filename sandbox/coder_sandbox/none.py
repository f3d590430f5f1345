"""No sandbox: the agent as an ordinary process of the host, only when the user says so in words.

Time, output, memory and process limits hold; nothing keeps the repository's code from the host's files or network.
"""

from __future__ import annotations

import shutil
from dataclasses import replace

from coder_sandbox.client import AgentClient
from coder_sandbox.contract import Limits, Workspace
from coder_sandbox.launch import AGENT, agent_command, environment
from coder_sandbox.owner import temporary_directory
from coder_sandbox.wire import PipeWire


def open_none(workspace: Workspace, limits: Limits) -> AgentClient:
    """Start the agent on the host itself, in the worktree where it lies.

    Nothing can be shown at another path here: the opened sandbox's `workspace.inside` is the worktree's own path.
    Raises SandboxError if the interpreter cannot be started.
    """
    workspace = replace(workspace, inside=workspace.worktree)
    tmp = temporary_directory(workspace.label)
    try:
        wire = PipeWire(
            agent_command(workspace.python, AGENT, limits, workspace.inside, remove=tmp),
            environment(workspace, home=str(tmp / "home"), tmp=str(tmp)),
            cwd=str(workspace.worktree),
        )
    except BaseException:
        shutil.rmtree(tmp, ignore_errors=True)
        raise
    return AgentClient("none", workspace, limits, wire, lambda: shutil.rmtree(tmp, ignore_errors=True))
