"""A run goes on without its checkpoints, after a power loss, and under a newer coder than it was begun with."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kills
import pytest
from disk import Disk, why_not

from coder import run
from coder.errors import UsageError
from coder.models.contract import ModelError
from coder.policies.contract import Edit, Spent, View
from coder.record.events import Event
from coder.record.store import RunDir, RunStore
from coder.state import GRAPH_VERSION
from coder_sandbox.git import Repository

PATH = "shop/prices.py"
SECOND, FIXED = (kills.PRICES.replace("max(prices)", body).encode() for body in ("sorted(prices)[1]", "min(prices)"))
OLDER = Path(kills.__file__).parent / "older" / "version-2.tar.gz"
STEPS: list[Any] = [{"write": {PATH: SECOND}}, {"write": {PATH: FIXED}}]
REFS = "refs/coder/tested"


@pytest.fixture
def interrupted(play: Callable[..., Any], store: RunStore) -> RunDir:
    """A run of five steps with one tested state that is no fix, after which the endpoint was gone."""
    result = play([STEPS[0], ModelError("gone")])
    assert result.resumable and result.counts.steps == 5
    return store.open(result.run_id)


def test_what_a_run_without_its_checkpoints_has_spent_is_what_its_last_step_told(
    play: Callable[..., Any], store: RunStore
) -> None:
    """Failed calls too, which have no prompt on the record, and with larger budgets than it began with."""

    def failed(view: View) -> Edit:
        return Edit(wants="more", note="no answer", spent=Spent(400, 5, 2))

    result = play([failed, ModelError("gone")], tokens=1000)
    rundir = store.open(result.run_id)
    (rundir.path / "checkpoints.sqlite").write_bytes(b"torn")
    again = play([failed, {"write": {PATH: FIXED}}], run_id=result.run_id, budgets={"tokens": 5000})
    assert again.status == "fixed", again.reason
    assert (again.counts.model_calls, again.counts.prompt_tokens, again.counts.completion_tokens) == (4, 800, 10)


def told(rundir: RunDir, kind: str) -> list[Event]:
    return [event for event in rundir.events() if (event.node, event.kind) == ("record", kind)]


def test_a_run_of_an_older_coder_goes_on_with_what_it_had_and_spent(
    play: Callable[..., Any], store: RunStore, tmp_path: Path
) -> None:
    """Recorded by a coder of graph version 2, killed at its tenth step: two states tested, the first is half a fix."""
    repo = tmp_path / "repo"
    store.runs.mkdir(parents=True)
    with tarfile.open(OLDER) as archive:
        archive.extractall(store.runs, filter="data")
    [place] = store.runs.iterdir()
    for name in ("meta.json", "base.json", "events.jsonl"):
        said = (place / name).read_text()
        (place / name).write_text(said.replace("@REPO@", str(repo)).replace("@PYTHON@", str(kills.TARGET)))

    def second_half(view: View) -> Edit:
        best = view.workspace.read(PATH)
        assert b"return min(prices)\n\n\ndef dearest" in best, "it goes on from the best state"
        assert any(PATH in fact for fact in view.facts), "what was known is known"
        view.workspace.write(
            PATH, best.replace(b"dearest(prices):\n    return min", b"dearest(prices):\n    return max")
        )
        return Edit(changes=dict(view.workspace.changes), wants="test")

    result = play([second_half], run_id=place.name)
    assert result.status == "fixed", result.reason
    assert "+    return min(prices)" in result.patch and "+    return max(prices)" in result.patch
    assert result.counts.steps == 9 + 6, "baseline, plan, edit, test, analyze, verify come to the nine that were spent"
    assert (result.counts.prompt_tokens, result.counts.completion_tokens) == (390, 30)
    assert "version 2" in told(RunDir(place), "outdated")[0].data["why"]
    assert told(RunDir(place), "recovered")[0].data == {"steps": 9, "tested": 2, "goal_passed": 1}


def test_a_run_of_a_newer_coder_is_refused_in_words(interrupted: RunDir, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupted.write_json("graph.json", {"version": GRAPH_VERSION + 1, "checkpoints": "sqlite"})
    with pytest.raises(UsageError, match="newer coder"):
        run.resume(interrupted.id, RunStore(interrupted.path.parents[1]), lambda event: None)
    interrupted.write_json("graph.json", {"version": GRAPH_VERSION, "checkpoints": "sqlite"})
    with (interrupted.path / "events.jsonl").open("a") as log:
        log.write(
            Event(interrupted.id, 999, "2030-01-01T00:00:00+00:00", "x", "y", {}, "coder.event/2").to_json() + "\n"
        )
    with pytest.raises(UsageError, match="newer coder"):
        run.resume(interrupted.id, RunStore(interrupted.path.parents[1]), lambda event: None)


@pytest.mark.parametrize("harm", ["older", "torn", "empty"])
def test_a_run_goes_on_without_its_checkpoints(harm: str, interrupted: RunDir, play: Callable[..., Any]) -> None:
    for path in interrupted.path.glob("*.sqlite-*"):
        path.unlink()
    if harm == "older":
        interrupted.write_json("graph.json", {"version": GRAPH_VERSION - 1, "checkpoints": "sqlite"})
    elif harm == "empty":
        (interrupted.path / "blobs.sqlite").write_bytes(b"")
    else:
        for name in ("checkpoints", "blobs"):
            (interrupted.path / f"{name}.sqlite").write_bytes(b"torn" * 500)
    result = play(STEPS[1:], run_id=interrupted.id)
    assert result.status == "fixed", result.reason
    assert result.counts.steps == 5 + 6, "what was spent stays spent"
    assert told(interrupted, "recovered")[0].data == {"steps": 5, "tested": 1, "goal_passed": 0}
    assert bool(told(interrupted, "outdated")) == (harm != "empty")


def test_what_a_power_loss_tears_is_cut_mended_and_said(interrupted: RunDir, play: Callable[..., Any]) -> None:
    """Half an event and zeros after it, an empty ref, an empty and a torn object: the run goes on all the same."""
    place = interrupted.path / "base.git"
    store = Repository(place)
    refs = ("for-each-ref", "--format=%(refname) %(objectname)", REFS)
    before = store.text(*refs)
    with (interrupted.path / "events.jsonl").open("ab") as log:
        log.write(b'{"schema": "coder.event/1", "run"' + bytes(4096))
    objects = sorted(path for path in (place / "objects").glob("??/*") if len(path.parent.name) == 2)
    assert len(objects) >= 3, "a tested state is a commit, trees and a file"
    for path in objects:
        path.chmod(0o600)
    objects[0].write_bytes(b"")
    objects[1].write_bytes(objects[1].read_bytes()[:-9])
    (place / REFS / "1").write_bytes(b"")
    result = play(STEPS, run_id=interrupted.id)
    assert result.status == "fixed" and result.counts.steps == 5 + 4, result.reason
    assert told(interrupted, "cut")[0].data["bytes"] == 33 + 4096
    assert len(told(interrupted, "mended")[0].data["removed"]) == 3
    assert store.text(*refs).startswith(before) and not store.text("fsck", "--no-dangling")


def test_a_damaged_snapshot_is_said(interrupted: RunDir, play: Callable[..., Any]) -> None:
    (interrupted.path / "base.git" / "refs" / "heads" / "base").write_bytes(b"")
    result = play(STEPS, run_id=interrupted.id)
    assert result.status == "environment_error" and "snapshot" in result.reason and "start a new run" in result.reason


@pytest.mark.skipif(bool(why_not()), reason=why_not())
def test_a_power_loss_takes_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    """On a file system that keeps only what it was told to keep; `make power-loss` does it forty times."""
    disk = Disk(tmp_path)
    try:
        ended = kills.drive(tmp_path, "none", "scripted", [kills.Kill(events=40, seconds=0.05)], disk=disk)
    finally:
        disk.close()
    assert (ended.kills, ended.result["status"]) == (1, "fixed"), ended.result["reason"]
    assert list(ended.steps) == sorted(set(ended.steps)) and len(ended.tested.splitlines()) == 3
