"""A run survives what ends its process: it goes on where it was, spends nothing twice, and is driven by one."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import kills
import pytest

from coder import run
from coder.errors import UsageError
from coder.models.contract import ModelError
from coder.policies.contract import Edit, Spent, View
from coder.record.events import Event
from coder.record.store import RunStore
from coder.sqlite_saver import PRUNE_EVERY
from coder.task import Request

FIXED = kills.PRICES.replace("max", "min").encode()
PATH = "shop/prices.py"


@pytest.mark.slow
def test_killed_runs_end_as_the_unbroken_one_does(isolating: str) -> None:
    """One policy in each sandbox; `make kills-resume` has both in both, 200 times."""
    policy = {"bwrap": "scripted", "docker": "search"}[isolating]
    made = kills.Campaign(7, [isolating], [policy]).attempt(0)
    assert not made.said and made.kills >= 1


def test_a_run_killed_while_it_took_its_snapshot_takes_another(play: Callable[..., Any], store: RunStore) -> None:
    repo = store.home.parent / "repo"
    request = Request(repo, "test_cheapest", model="none", sandbox="none", time=120.0)
    rundir = store.create(repo, request.goal, request.to_dict())
    (rundir.path / "base.git" / "objects").mkdir(parents=True)
    rundir.close()
    assert play([{"write": {PATH: FIXED}}], run_id=rundir.id).status == "fixed"


def test_what_a_killed_process_spent_is_not_given_back(play: Callable[..., Any], store: RunStore) -> None:
    class Killed(BaseException):
        """Ends the process where it stands, as far as the run can tell."""

    def kill(view: View) -> Edit:
        raise Killed

    with pytest.raises(Killed):
        play([{"wants": "more", "note": "look"}, kill])
    [summary] = store.list()
    assert summary.status == "running"  # this very process holds the lock still
    rundir = store.open(summary.run_id)
    spent = rundir.elapsed()
    assert spent > 0


def test_a_dead_endpoint_leaves_a_run_that_goes_on(play: Callable[..., Any], store: RunStore) -> None:
    steps: list[Any] = [{"wants": "more", "note": "look"}, ModelError("the endpoint is gone")]
    first = play(steps)
    assert (first.status, first.resumable) == ("environment_error", True) and "gone" in first.reason
    spent = store.open(first.run_id).elapsed()
    second = play([steps[0], {"write": {PATH: FIXED}}], run_id=first.run_id)
    assert second.status == "fixed", second.reason
    assert second.counts.steps == 7, "baseline, plan, two edits, test, analyze, verify; the one that failed is no step"
    assert second.seconds.total >= spent


def unanswered(calls: int = 1) -> ModelError:
    error = ModelError("the endpoint is gone")
    error.calls, error.prompt_tokens = calls, 700 * calls
    return error


def test_calls_that_end_a_run_are_counted_over_all_its_parts(play: Callable[..., Any], store: RunStore) -> None:
    """They belong to no step, and no checkpoint holds them."""
    look: dict[str, Any] = {"wants": "more", "note": "look"}
    first = play([look, unanswered()], model_calls=3)
    assert (first.counts.model_calls, first.counts.prompt_tokens, first.resume_with) == (1, 700, "")
    second = play([look, unanswered(2)], run_id=first.run_id)
    assert (second.counts.model_calls, second.counts.prompt_tokens) == (3, 2100)
    assert second.resume_with == "--model-calls 6" and second.reason.endswith("`coder resume` needs --model-calls 6")
    with pytest.raises(UsageError, match=f"coder resume {first.run_id} --model-calls 6"):
        play([look, {"write": {PATH: FIXED}}], run_id=first.run_id)
    with pytest.raises(UsageError, match="was given 3; a resumed run can only be given more"):
        play([look], run_id=first.run_id, budgets={"model_calls": 2})
    with pytest.raises(UsageError, match="has no such limit"):
        play([look], run_id=first.run_id, budgets={"test_runs": 2})
    assert not store.open(first.run_id).running()
    last = play([look, {"write": {PATH: FIXED}}], run_id=first.run_id, budgets={"model_calls": 4})
    assert last.status == "fixed" and last.counts.model_calls == 3, last.reason
    assert store.open(first.run_id).meta()["request"]["model_calls"] == 4


def test_a_run_that_ends_without_the_steps_to_go_on_says_what_it_needs(play: Callable[..., Any]) -> None:
    """Its model's server failed until there were too few: more of them are of use once the server is back."""

    def failed(view: View) -> Edit:
        return Edit(wants="more", note="busy", fault="the server is busy", spent=Spent(1, 0, 1))

    first = play([failed, failed], steps=7)
    assert first.exit_code == 3 and first.resume_with == "--steps 14", first.reason
    assert first.reason.startswith("the server is busy") and first.reason.endswith("`coder resume` needs --steps 14")
    last = play([failed, failed, {"write": {PATH: FIXED}}], run_id=first.run_id, budgets={"steps": 14})
    assert last.status == "fixed" and last.counts.model_calls == 2, last.reason


class Relay:
    """Stands between coder and the Docker daemon, which is lost when it stops."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._open: list[socket.socket] = []
        self.start()

    def start(self) -> None:
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(self.path))
        self._listening.listen()
        threading.Thread(target=self._accept, args=(self._listening,), daemon=True).start()

    def stop(self) -> None:
        self.path.unlink()
        for each in (self._listening, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self, listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, far = listening.accept()[0], socket.socket(socket.AF_UNIX)
                far.connect("/var/run/docker.sock")
                self._open += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)


@pytest.mark.docker
def test_a_lost_daemon_leaves_a_run_that_goes_on(
    play: Callable[..., Any], store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tempfile.mkdtemp(prefix="coder-relay-")  # a socket's path must be short
    relay = Relay(Path(place) / "docker.sock")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{relay.path}")

    def lose(view: View) -> Edit:
        relay.stop()
        return Edit(changes={PATH: FIXED}, wants="test")

    first = play([lose], sandbox="docker")
    assert (first.status, first.resumable) == ("environment_error", True), first.reason
    assert "docker sandbox failed" in first.reason
    relay.start()
    second = play([lose], run_id=first.run_id)
    assert second.status == "fixed" and second.counts.steps == 6, second.reason
    relay.stop()
    argv = ["docker", "-H", "unix:///var/run/docker.sock", "ps", "-aq", "--filter", f"label=coder.run={first.run_id}"]
    assert subprocess.run(argv, capture_output=True, text=True, check=True).stdout == "", "a container is left"
    shutil.rmtree(place)


def test_two_processes_cannot_drive_one_run(play: Callable[..., Any], store: RunStore) -> None:
    first = play([ModelError("gone")])
    holder = store.open(first.run_id)
    holder.claim()
    with pytest.raises(UsageError, match=rf"driven by process {os.getpid()} on .*whose last step ended \d+ s ago"):
        run.resume(first.run_id, store, lambda e: None)
    holder.close()


def test_a_half_written_event_is_cut_and_said_so(play: Callable[..., Any], store: RunStore) -> None:
    first = play([ModelError("gone")])
    with (store.open(first.run_id).path / "events.jsonl").open("ab") as log:
        log.write(b'{"schema": "coder.event/1", "run"')
    seen: list[Event] = []
    assert play([{"write": {PATH: FIXED}}], run_id=first.run_id, listen=seen.append).status == "fixed"
    assert any((e.node, e.kind) == ("record", "cut") for e in store.open(first.run_id).events())


def test_a_checkpoint_of_an_older_coder_is_resumed(play: Callable[..., Any], store: RunStore) -> None:
    """What is new in the state has its first value where the checkpoint lacks it."""
    from coder import graph, state

    first = play([ModelError("gone")])
    new = {"tested", "think", "did", "demanded", "switched", "test_runs", "took"}
    assert new <= state.fresh().keys() and graph.fresh is state.fresh
    path = store.open(first.run_id).path / "checkpoints.sqlite"
    from coder.saver import open_saver

    with open_saver(path.parent) as saver:
        config: Any = {"configurable": {"thread_id": first.run_id}}
        found = saver.get_tuple(config)
        assert found is not None
        for name in new:
            found.checkpoint["channel_values"].pop(name, None)
            found.checkpoint["channel_versions"].pop(name, None)
        saver.put({"configurable": {**found.config["configurable"]}}, found.checkpoint, found.metadata, {})
    assert play([{"write": {PATH: FIXED}}], run_id=first.run_id).status == "fixed"


def test_only_the_newest_checkpoints_are_kept(play: Callable[..., Any]) -> None:
    result = play([{"wants": "more", "note": f"look at {n}, {'abcdefgh'[n]}"} for n in range(8)])
    with sqlite3.connect(Path(result.run_dir) / "checkpoints.sqlite") as database:
        assert database.execute("SELECT count(*) FROM checkpoints").fetchone()[0] <= PRUNE_EVERY


def test_several_runs_of_one_repository_do_not_disturb_each_other(
    play: Callable[..., Any], store: RunStore, tmp_path: Path
) -> None:
    results: list[Any] = []
    threads = [threading.Thread(target=lambda: results.append(play([{"write": {PATH: FIXED}}]))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [r.status for r in results] == ["fixed"] * 3
    assert len({r.patch for r in results}) == 1 and len({r.run_id for r in results}) == 3
    assert (tmp_path / "repo" / PATH).read_text() == kills.PRICES


# Postgres


def _binaries() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


@pytest.fixture
def postgres(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server of its own from Debian's packages, on a socket of its own; not as root."""
    pytest.importorskip("langgraph.checkpoint.postgres", reason="the [postgres] extra is not installed")
    binaries = _binaries()
    if binaries is None:
        pytest.skip("no Postgres server: apt-get install postgresql")
    place = Path(tempfile.mkdtemp(prefix="coder-pg-"))  # a socket's path must be short
    user = []
    if os.getuid() == 0:
        user = ["runuser", "-u", "postgres", "--"]
        shutil.chown(place, "postgres")
    subprocess.run(
        [*user, binaries / "initdb", "-A", "trust", "-U", "coder", place / "data"], check=True, capture_output=True
    )
    options = f"-k {place} -c listen_addresses=''"
    control = [*user, binaries / "pg_ctl", "-w", "-D", place / "data"]
    subprocess.run([*control, "-o", options, "-l", place / "log", "start"], check=True, capture_output=True)
    try:
        url = f"postgresql:///postgres?host={place}&user=coder"
        monkeypatch.setenv("CODER_CHECKPOINTS", url)
        yield url
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=False, capture_output=True)
        shutil.rmtree(place, ignore_errors=True)


def test_checkpoints_in_postgres_resume_a_run(
    play: Callable[..., Any], store: RunStore, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = play([{"wants": "more", "note": "look"}, ModelError("gone")])
    assert first.resumable and first.counts.steps == 3
    assert not (Path(first.run_dir) / "checkpoints.sqlite").exists()
    assert postgres not in "".join(p.read_text() for p in Path(first.run_dir).glob("*.json*"))
    monkeypatch.delenv("CODER_CHECKPOINTS")
    with pytest.raises(UsageError, match="checkpoints in postgres"):
        run.resume(first.run_id, store, lambda e: None)
    monkeypatch.setenv("CODER_CHECKPOINTS", postgres)
    second = play([{"wants": "more", "note": "look"}, {"write": {PATH: FIXED}}], run_id=first.run_id)
    assert second.status == "fixed", second.reason


def test_a_postgres_server_that_is_not_there_is_said(play: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("psycopg")
    monkeypatch.setenv("CODER_CHECKPOINTS", "postgresql:///x?host=/nowhere")
    result = play([{"write": {PATH: FIXED}}])
    assert result.status == "environment_error" and "CODER_CHECKPOINTS" in result.reason
