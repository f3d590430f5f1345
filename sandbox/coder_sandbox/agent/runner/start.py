"""Where a runner process starts: `python -B start.py`, in the target's root, its job the first line on stdin."""

from __future__ import annotations

import importlib
import os
import sys
import types


def main() -> None:
    """Become what `python -m pytest` would be, with the agent's modules under a name that no target has."""
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    if not getattr(sys.flags, "safe_path", False):
        sys.path[0] = os.getcwd()
    package = types.ModuleType("_coder_agent")
    package.__path__ = [here]
    sys.modules[package.__name__] = package
    importlib.import_module("_coder_agent.runner.jobs").main()


def nanny() -> None:
    """Be the parent of the runner, so that a test that ends its parent does not end the agent; end as it ends."""
    pid = os.fork()
    if pid == 0:
        main()
        return
    status = os.waitpid(pid, 0)[1]
    if os.WIFSIGNALED(status):
        os.kill(os.getpid(), os.WTERMSIG(status))
    os._exit(os.WEXITSTATUS(status))


if __name__ == "__main__":
    nanny()
