"""Where a runner process starts: `python -B start.py`, in the target's root, its job the first line on stdin."""

from __future__ import annotations

import importlib
import os
import sys
import types


def name_agent() -> None:
    """Give the agent's modules a name that no target has."""
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    package = types.ModuleType("_coder_agent")
    package.__path__ = [here]
    sys.modules[package.__name__] = package


def main() -> None:
    """Become what `python -m pytest` would be."""
    if not getattr(sys.flags, "safe_path", False):
        sys.path[0] = os.getcwd()
    importlib.import_module("_coder_agent.runner.jobs").main()


def nanny() -> None:
    """Be the parent of the runner, so that a test that ends its parent does not end the agent; end as it ends."""
    name_agent()
    pid = os.fork()
    if pid == 0:
        main()
        return
    importlib.import_module("_coder_agent.runner.limit").pass_on(pid)
    status = os.waitpid(pid, 0)[1]
    if os.WIFSIGNALED(status):
        os.kill(os.getpid(), os.WTERMSIG(status))
    os._exit(os.WEXITSTATUS(status))


if __name__ == "__main__":
    nanny()
