"""The run store: private, found by a part of the id, honest about what is running."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from coder.errors import EnvironmentFault, UsageError
from coder.record.result import Result
from coder.record.store import RunDir, RunStore, default_home


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "home")


def ended(store: RunStore, status="fixed", repo="/repo") -> RunDir:
    run = store.create(Path(repo), "goal", {})
    run.save_result(Result(run.id, status))
    run.close()
    return run


def renamed(store: RunStore, name: str) -> None:
    ended(store).path.rename(store.runs / name)


def test_the_home_is_coder_home_or_the_state_directory(monkeypatch, tmp_path):
    assert default_home({"CODER_HOME": str(tmp_path / "x")}) == tmp_path / "x"
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert default_home({}) == tmp_path / "coder"


def test_a_run_is_private_and_its_id_says_when(store):
    run = store.create(Path("/repo"), "goal", {"seed": 1})
    assert re.fullmatch(r"\d{8}-\d{6}-[0-9a-f]{4}", run.id)
    assert [oct(path.stat().st_mode & 0o777) for path in (store.home, store.runs, run.path)] == ["0o700"] * 3
    run.log.append("a", "b")
    run.write_json("alternatives/x.json", [1])
    run.blobs.save("much")
    assert all(path.stat().st_mode & 0o077 == 0 for path in run.path.rglob("*"))


def test_what_was_asked_is_kept_with_secrets_masked(store, monkeypatch):
    monkeypatch.setenv("MY_TOKEN", "tell-nobody")
    run = store.create(Path("/repo"), "fix tell-nobody", {"seed": 1, "goal": "fix tell-nobody"})
    meta = store.open(run.id).meta()
    masked = "fix [masked:MY_TOKEN]"
    assert (meta["repo"], meta["goal"], meta["request"]) == ("/repo", masked, {"seed": 1, "goal": masked})


def test_the_list_has_exactly_the_keys_of_the_design_newest_first(store):
    for month in ("03", "12", "07"):
        run = ended(store, repo=f"/{month}")
        run.write_json("meta.json", run.meta() | {"started": f"2026-{month}-01T00:00:00+00:00"})
    runs = store.list()
    assert [run.repo for run in runs] == ["/12", "/07", "/03"]
    assert list(runs[0].to_dict()) == ["run_id", "status", "repo", "goal", "started", "resumable"]


def test_an_interrupted_run_is_resumable_and_an_ended_one_is_not(store):
    runs = {status: ended(store, status).id for status in ("fixed", "not_fixed", "interrupted", "already_passing")}
    seen = {run.run_id: (run.status, run.resumable) for run in store.list()}
    assert seen == {runs[status]: (status, status == "interrupted") for status in runs}


def test_a_run_at_work_is_running_and_a_killed_one_is_interrupted(store):
    program = (
        "import sys; from pathlib import Path; from coder.record.store import RunStore\n"
        "run = RunStore(Path(sys.argv[1])).create(Path('/repo'), '', {})\n"
        "print(run.id, flush=True); sys.stdin.read()"
    )
    argv = [sys.executable, "-c", program, store.home]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True) as process:
        assert process.stdout
        run_id = process.stdout.readline().strip()
        (seen,) = store.list()
        assert (seen.run_id, seen.status, seen.resumable) == (run_id, "running", False)
        with pytest.raises(UsageError, match=f"driven by process {process.pid}"):
            store.open(run_id).claim()
        process.send_signal(signal.SIGKILL)
    (seen,) = store.list()
    assert (seen.status, seen.resumable) == ("interrupted", True)
    store.open(run_id).claim()


def test_the_result_is_masked_but_its_patch_stays_exact(store, monkeypatch):
    monkeypatch.setenv("MY_TOKEN", "tell-nobody")
    run = store.create(Path("/repo"), "", {})
    run.save_result(Result(run.id, "fixed", reason="tell-nobody", patch="+tell-nobody\udcff\r\n"))
    result = run.result()
    assert result is not None
    assert (result.reason, result.patch) == ("[masked:MY_TOKEN]", "+tell-nobody\udcff\r\n")


def test_changes_come_back_byte_for_byte(store):
    changes = {"a b/ü.py": b"\x00\xff\r\n", "gone.py": None, "odd\udcff.py": b""}
    run = store.create(Path("/repo"), "", {})
    assert run.changes() == {}
    run.save_changes(changes)
    assert store.open(run.id).changes() == changes


def test_a_run_is_found_by_a_part_of_its_id(store):
    for name in ("20260101-000000-aaaa", "20260102-000000-bbbb"):
        renamed(store, name)
    assert store.open("20260102-000000-bbbb").id == store.open("20260102").id == store.open("bbbb").id
    with pytest.raises(UsageError, match=r"any of 2 runs: 20260102-000000-bbbb, 20260101-000000-aaaa"):
        store.open("202601")


@pytest.mark.parametrize("name", ["20260109-000000-aaaa", "", "nonsense", "../runs/20260101-000000-aaaa", "/etc", "*"])
def test_an_unknown_run_is_refused_with_near_ones(store, name):
    renamed(store, "20260101-000000-aaaa")
    with pytest.raises(UsageError, match="20260101-000000-aaaa"):
        store.open(name)


def test_a_store_without_runs_says_so(store):
    assert list(store.list()) == []
    with pytest.raises(UsageError, match="none yet"):
        store.open("x")
    with pytest.raises(UsageError, match="no run of /repo yet"):
        store.newest(Path("/repo"))


def test_the_newest_run_of_a_repository(store):
    for name, repo in (("1", "/a"), ("2", "/a"), ("3", "/b")):
        ended(store, repo=repo).path.rename(store.runs / name)
    assert store.newest(Path("/a")).id == "2"


def test_damage_hides_one_run_and_no_other(store):
    good, bad, empty = ended(store), ended(store), store.runs / "20260101-000000-dead"
    empty.mkdir()
    (bad.path / "meta.json").write_text("{")
    assert [run.run_id for run in store.list()] == [good.id]
    with pytest.raises(EnvironmentFault, match="damaged"):
        store.open(bad.id).meta()


def test_a_home_that_cannot_be_made_is_said_in_words(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentFault, match=r"cannot keep the record in .*file.*CODER_HOME"):
        RunStore(tmp_path / "file" / "home").create(Path("/repo"), "", {})


def test_a_file_is_replaced_whole_or_not_at_all(store, monkeypatch):
    run = store.create(Path("/repo"), "", {})
    run.write_json("x.json", "old")

    def broken(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(EnvironmentFault, match="disk is full"):
        run.write_json("x.json", "new")
    monkeypatch.undo()
    assert run.read_json("x.json") == "old"
    assert sorted(path.name for path in run.path.iterdir()) == ["lock", "meta.json", "x.json"]
