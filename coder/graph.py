"""The state machine: every node hands over to the supervisor, and the supervisor alone decides what is next.

start -> baseline -> supervisor -> plan | edit | test | analyze | verify -> supervisor -> ... -> end
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from coder.nodes import NODES, THINK, Node
from coder.session import Session
from coder.state import MODEL_COUNTS, NodeName, State, fresh
from coder.supervisor.decide import supervise

Graph = CompiledStateGraph[State, None, State, State]


def build(session: Session, checkpointer: BaseCheckpointSaver[Any]) -> Graph:
    """The graph over one session. The same code must build the same graph, or old runs cannot be resumed."""
    graph = StateGraph(State)
    for name, node in NODES.items():
        graph.add_node(name, _step(session, name, node))
        graph.add_edge(name, "supervisor")
    graph.add_node("supervisor", partial(supervise, session))
    graph.add_edge(START, "baseline")
    graph.add_conditional_edges("supervisor", _decided, {**{name: name for name in NODES}, "stop": END})
    return graph.compile(checkpointer=checkpointer)


def _decided(state: State) -> str:
    return state["next"]


def _step(session: Session, name: NodeName, node: Node) -> Callable[..., State]:
    """A node with its time, its place in the think/act balance and its share of the budgets accounted for."""

    def run(state: State) -> State:
        state = State(**{**fresh(), **state})  # a run of an older coder lacks what is new
        session.emit(name, "begin", {"step": state["counts"]["steps"] + 1})
        started = time.monotonic()
        update = node(session, state)
        seconds = dict(state["seconds"])
        seconds[name] = round(seconds.get(name, 0.0) + time.monotonic() - started, 3)
        counts = dict(update.get("counts", state["counts"]))
        counts["steps"] += 1
        counts["think_steps" if name in THINK else "act_steps"] += 1
        untested = 0 if name == "test" else state["untested"] + (name in ("plan", "edit"))
        update.setdefault("did", "")
        update |= State(last=name, counts=counts, seconds=seconds, untested=untested, elapsed=session.budget.elapsed())
        update["took"] = round(time.monotonic() - started, 3)
        session.rundir.blobs.commit()
        spent = {name: counts[name] for name in MODEL_COUNTS}
        session.emit("run", "tick", {"budget": session.budget.left(State(**{**state, **update})), "spent": spent})
        return update

    return run
