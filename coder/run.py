"""One run from request to result: the only entry that the command line, the eval harness and the Action call."""

from __future__ import annotations

import os
import sqlite3
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from coder.errors import CoderError, UsageError
from coder.record.events import Event
from coder.record.mask import Masker
from coder.record.result import Counts, Drift, Result, Seconds, Verification, sandbox_in_words
from coder.record.store import RunDir, RunStore
from coder.record.sweep import sweep
from coder.saver import kind
from coder.state import GRAPH_VERSION, State, fresh
from coder.supervisor.budget import Budget
from coder.task import Request

if TYPE_CHECKING:
    from coder.session import Session
    from coder.supervisor.second_opinion import Judge

_HOW_TO_REACH = {
    "sqlite": "unset CODER_CHECKPOINTS and resume it",
    "postgres": "set CODER_CHECKPOINTS to the server as it was and resume it",
}
Listen = Callable[[Event], None]


def fix(request: Request, store: RunStore, listen: Listen) -> Result:
    """Take a request to its result. A foreseeable fault is a result with its status and reason, not an exception."""
    sweep(store)
    rundir = store.create(request.repo, request.goal or ", ".join(request.tests), request.to_dict())
    rundir.write_json("graph.json", {"version": GRAPH_VERSION, "checkpoints": kind()})
    return _drive(rundir, request, listen, resumed=False)


def resume(run_id: str, store: RunStore, listen: Listen, budgets: Mapping[str, Any] | None = None) -> Result:
    """Go on with a run from its last finished step, with the budgets it has left.

    `budgets`: larger ones in place of those that it was given, by their names in the request. Raises UsageError for a
    run that is unknown, over, alive in another process, of a newer coder, or without what it needs to go on.
    """
    rundir = store.open(run_id)
    if rundir.running():
        raise UsageError(f"run {rundir.id} is being driven by {rundir.owner()}")
    ended = rundir.result()
    if ended is not None and not ended.resumable:
        raise UsageError(f"run {rundir.id} is over ({ended.status}): nothing to resume")
    graph = _graph_of(rundir)
    if graph["version"] > GRAPH_VERSION or rundir.is_of_a_newer_coder():
        raise UsageError(f"run {rundir.id} was made by a newer coder; resume it with that, or with one newer still")
    if (kept := graph.get("checkpoints", "sqlite")) != kind():
        raise UsageError(f"run {rundir.id} keeps its checkpoints in {kept}: {_HOW_TO_REACH[kept]}")
    request = _enlarged(rundir, ended, budgets or {})
    sweep(store)
    rundir.claim()
    rundir.forget_result()
    if budgets:
        rundir.write_json("meta.json", {**rundir.meta(), "request": request.to_dict()})
    return _drive(rundir, request, listen, resumed=True)


def _enlarged(rundir: RunDir, ended: Result | None, budgets: Mapping[str, Any]) -> Request:
    """The run's request with larger budgets. UsageError for a smaller one, or where the one that is needed lacks."""
    request = Request.from_dict(rundir.meta()["request"])
    for name, value in budgets.items():
        option, had = f"--{name.replace('_', '-')}", getattr(request, name)
        if value < had or not had:
            has = f"was given {had:g}" if had else "has no such limit"
            raise UsageError(f"{option} {value:g}: run {rundir.id} {has}; a resumed run can only be given more")
    needed = ended.resume_with if ended is not None else ""
    if needed and needed.split()[0].removeprefix("--").replace("-", "_") not in budgets:
        raise UsageError(f"run {rundir.id} has spent what it was given; with more: coder resume {rundir.id} {needed}")
    return replace(request, **budgets)


def _graph_of(rundir: RunDir) -> dict[str, Any]:
    """What wrote the checkpoints, and where to. A run that was killed before it said so has none."""
    return rundir.read_json("graph.json") or {"version": GRAPH_VERSION}


def _drive(rundir: RunDir, request: Request, listen: Listen, *, resumed: bool) -> Result:
    # what comes before the first step is time of the user's too
    budget = Budget(request, rundir.elapsed(), rundir.unanswered())
    rundir.log.listeners.append(listen)
    state = fresh()
    session: Session | None = None
    try:
        rundir.log.append("run", "start", {"repo": str(request.repo), "goal": request.goal, "resumed": resumed})
        if resumed:
            _renew(rundir)
        session = _open(rundir, request, budget, resumed=resumed)
        state = _invoke(session, state, resumed=resumed)
    except CoderError as error:
        state = _stopped(session, state, error.status, str(error))
    except KeyboardInterrupt:
        state = _stopped(session, state, "interrupted", f"interrupted; go on with: coder resume {rundir.id}")
    except OSError as error:
        state = _stopped(
            session,
            state,
            "environment_error",
            f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}; mend that and resume the run",
        )
    except Exception as error:
        if not (known := _foreseen(error)):
            with suppress(OSError):
                (rundir.path / "traceback.txt").write_text(Masker().text(traceback.format_exc()))
            raise
        state = _stopped(session, state, "environment_error", known)
        calls = getattr(error, "calls", 0)
        if calls and session is not None:
            _unanswered(session, state, error)
    finally:
        if session is not None:
            session.close()
    return _finish(rundir, request, session, state)


def _unanswered(session: Session, state: State, error: Any) -> None:
    """Put on the record what model calls cost that ended the run, and what they had sent."""
    from coder.nodes.view import record_prompt
    from coder.policies.contract import Spent

    session.emit("run", "unanswered", {"model_calls": error.calls, "prompt_tokens": error.prompt_tokens})
    record_prompt(session, "run", state, Spent(prompts=tuple(error.sent)))


def _renew(rundir: RunDir) -> None:
    """Give up checkpoints that this coder cannot go on from, and what a power loss has torn; the record says so."""
    from coder.recover import put_aside
    from coder.saver import open_saver
    from coder_sandbox.snapshot import Base

    damaged, version = put_aside(rundir), _graph_of(rundir)["version"]
    if damaged or version < GRAPH_VERSION:
        why = f"{' and '.join(damaged)} cannot be read" if damaged else f"an older coder wrote them (version {version})"
        rundir.log.append("record", "outdated", {"why": why})
        with open_saver(rundir.path) as saver:
            saver.delete_thread(rundir.id)
        rundir.write_json("graph.json", {"version": GRAPH_VERSION, "checkpoints": kind()})
    if Base.is_whole(rundir.path) and (removed := Base.mend(rundir.path)):
        rundir.log.append("record", "mended", {"removed": removed})


def _foreseen(error: Exception) -> str:
    """The words of a fault of a lower room; "" for our own bug."""
    from coder.models.contract import ModelError
    from coder_sandbox.contract import SandboxError
    from coder_sandbox.snapshot import SnapshotError
    from coder_tools.testing import TestRunFailed

    if isinstance(error, sqlite3.DatabaseError):  # the checkpoints: nothing else here is a database
        return f"cannot keep the checkpoints: {error}; free some space or mend the disk, and resume the run"
    return str(error) if isinstance(error, ModelError | SandboxError | SnapshotError | TestRunFailed) else ""


def _open(rundir: RunDir, request: Request, budget: Budget, *, resumed: bool) -> Session:
    """Take the base, find the target's interpreter, choose sandbox and policy. Nothing of the repository runs yet."""
    from coder.session import Session
    from coder_sandbox.choose import open_sandbox
    from coder_sandbox.content import choose_content
    from coder_sandbox.programs import equip
    from coder_sandbox.snapshot import Base, WrongRepository
    from coder_tools.runners.choose import choose_runner
    from coder_tools.runners.contract import Project

    if not request.repo.is_dir():
        raise UsageError(f"there is no directory {request.repo}")
    try:
        base = (
            Base.open(rundir.path) if resumed and Base.is_whole(rundir.path) else Base.take(request.repo, rundir.path)
        )
    except WrongRepository as error:
        raise UsageError(str(error)) from error
    try:
        chosen = choose_runner(request.test_cmd, Project(base.files, base.read))
    except ValueError as error:
        raise UsageError(f"--test-cmd: {error}") from error
    wanted: Any = request.sandbox
    kind, toolchain = choose_content(wanted, request.image, base.repo, os.environ, chosen.python)
    if chosen.runner is not None:
        toolchain = equip(toolchain, chosen.runner.needs, base.repo, os.environ)
    policy, model, why = _policy(request)
    rundir.log.append("run", "policy", {"policy": policy.name, "model": model, "why": why})
    rundir.log.append("run", "runner", {"name": chosen.name, "why": chosen.why})

    def opened(workspace: Any, limits: Any) -> Any:
        sandbox = open_sandbox(kind, workspace, limits)
        data = {"name": sandbox.name, "python": str(toolchain.python), "source": toolchain.source}
        reach = {"network": request.network, "allow_hosts": list(request.allow_hosts), "image": workspace.image}
        data |= reach | {"worktree": workspace.worktree.name}
        rundir.log.append("run", "sandbox", data)
        return sandbox

    session = Session(request, rundir, base, toolchain, policy, budget, opened, chosen)
    session.judge = _judge(request)
    return session


def _judge(request: Request) -> Judge | None:
    """The model that the supervisor may ask, if one was named."""
    if not request.judge:
        return None
    from coder.models.choose import choose_model
    from coder.supervisor.second_opinion import Judge

    try:
        model, _ = choose_model(request.judge)
    except ValueError as error:
        raise UsageError(f"--judge: {error}") from error
    return Judge(model) if model is not None else None


def _policy(request: Request) -> tuple[Any, str, str]:
    """The policy, the model's name, and why: the search alone without a model, the hybrid with one."""
    from coder.models.choose import choose_model
    from coder.policies.search import SearchPolicy

    search = SearchPolicy(request.seed)
    try:
        model, why = choose_model(request.model)
    except ValueError as error:
        raise UsageError(f"--model: {error}") from error
    if request.pictures and not (model is not None and model.images):
        who = f"{model.name} takes no pictures" if model is not None else f"there is no model to see them: {why}"
        raise UsageError(f"--image-file: {who}; leave it out, or take a model that takes pictures, such as gemma4")
    if model is None:
        return search, "", why
    from coder.policies.hybrid import HybridPolicy
    from coder.policies.model import ModelPolicy

    return HybridPolicy(search, ModelPolicy(model, samples=request.samples)), model.name, why


def _invoke(session: Session, state: State, *, resumed: bool) -> State:
    """Run the graph to its end, a checkpoint after each step."""
    from coder.models.privacy import disable_tracing
    from coder.saver import open_saver

    disable_tracing()
    with open_saver(session.rundir.path) as saver:
        from coder.graph import build

        graph = build(session, saver)
        # Two graph steps a node (the node and the supervisor), and room for the ends.
        config: Any = {
            "configurable": {"thread_id": session.rundir.id},
            "recursion_limit": 2 * session.request.steps + 20,
        }
        start: State | None = state
        if resumed:
            from coder.recover import resumable

            start = resumable(session, saver, cast(State, graph.get_state(config).values))
        # A checkpoint is written beside what comes next, one after the other: a kill costs the step under way at most.
        final = graph.invoke(start, config, durability="async")
    return cast(State, final)


def _stopped(session: Session | None, state: State, status: str, reason: str) -> State:
    """The state a run was left in, as its checkpoint knows it, with the status it ends in."""
    known = _last_checkpoint(session) if session is not None else None
    return cast(State, {**state, **(known or {}), "status": status, "reason": reason})


def _last_checkpoint(session: Session) -> State | None:
    from coder.saver import open_saver

    try:
        with open_saver(session.rundir.path) as saver:
            found = saver.get({"configurable": {"thread_id": session.rundir.id}})
    except (sqlite3.Error, CoderError):  # on a full disk not even the first table could be made
        return None
    if found is None:
        return None
    return cast(State, {k: v for k, v in found["channel_values"].items() if k in State.__annotations__})


def _finish(rundir: RunDir, request: Request, session: Session | None, state: State) -> Result:
    """Write the result and close the record."""
    fixed = state["status"] == "fixed" and session is not None
    ref = state["change"] if fixed else state["best"]
    changes = session.load_changes(ref) if session is not None else {}
    patch = session.base.diff(changes) if changes and session is not None else ""
    total = session.budget.elapsed() if session is not None else 0.0
    if changes and fixed:
        rundir.save_changes(changes)
    events = {e.kind: e.data for e in rundir.events() if e.node == "run"}
    verdict = session.load(state["verification"]) if session is not None else None
    lost = rundir.unanswered()
    result = Result(
        run_id=rundir.id,
        status=state["status"],  # type: ignore[arg-type]  # a State's strings are those of the result
        goal_tests=state["goal_tests"],
        patch=patch,
        files=sorted(changes),
        verification=_verification(verdict),
        policy=events.get("policy", {}).get("policy", ""),
        model=events.get("policy", {}).get("model", ""),
        sandbox=sandbox_in_words(events.get("sandbox", {})),
        counts=Counts(**{name: amount + lost.get(name, 0) for name, amount in state["counts"].items()}),
        drift=_drift(rundir, state),
        seconds=Seconds(total=round(total, 3), **state["seconds"]),
        run_dir=str(rundir.path),
        reason=state["reason"],
        **_account(session, state),
    )
    if result.resumable and session is not None:
        _say_what_it_needs(result, session, state, lost)
    rundir.log.append("run", "end", {"status": result.status, "reason": result.reason})
    result = rundir.save_result(result)
    rundir.close()
    return result


def _say_what_it_needs(result: Result, session: Session, state: State, lost: Mapping[str, int]) -> None:
    """For a run that can be resumed, but not with the budgets that it was given: they are spent. `lost`: what no state
    counts, this part of the run included."""
    from coder.supervisor.decide import kept_back

    session.budget.lost = lost
    if needed := session.budget.larger(state, kept_back(session, state)):
        result.resume_with = needed
        result.reason += f" {needed}" if result.status == "interrupted" else f"; `coder resume` needs {needed}"


def _account(session: Session | None, state: State) -> dict[str, Any]:
    """What the result says of the patch of a fixed run."""
    if session is None or state["status"] != "fixed":
        return {}
    from coder.conclude import account

    return vars(account(session, state))


def _drift(rundir: RunDir, state: State) -> Drift:
    """What the supervisor made of the run's steps, by its record."""
    from coder.supervisor.review import review
    from coder.trajectories.contract import Trajectory
    from coder.trajectories.own import steps_in

    events = list(rundir.events())
    found = review(Trajectory("coder.event/1", "coder", tuple(steps_in(events)))).summary()
    helped = sum(e.data.get("helped") is True for e in events if (e.node, e.kind) == ("supervisor", "effect"))
    return Drift(
        **state["drift"], **{key: found[key] for key in ("calibrated", "evidence", "per_minute")}, helped=helped
    )


def _verification(verdict: dict[str, Any] | None) -> Verification:
    if verdict is None:
        return Verification()
    keys = ("scope", "goal_passed", "still_passing", "not_run", "regressed", "flaky")
    return Verification(**{key: verdict[key] for key in keys})
