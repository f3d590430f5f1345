"""The nodes of the graph: one step each, then back to the supervisor. A node never loops over steps itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from coder.nodes.analyze import analyze
from coder.nodes.baseline import baseline
from coder.nodes.edit import edit
from coder.nodes.plan import plan
from coder.nodes.test import test
from coder.nodes.verify import verify
from coder.session import Session
from coder.state import NodeName, State

Node = Callable[[Session, State], State]
"""Takes the state, returns only what it changed. Safe to run twice: what it does outside the state is idempotent."""

NODES: Mapping[NodeName, Node] = {
    "baseline": baseline,
    "plan": plan,
    "edit": edit,
    "test": test,
    "analyze": analyze,
    "verify": verify,
}
THINK = frozenset({"plan", "analyze"})
"""Nodes that think; the others act."""
