import os
import tempfile

from jobs import Job, spool


def test_round_trip(tmp_path):
    path = str(tmp_path / "spool.json")
    assert spool.save(path, [Job("a", {"x": 1}), Job("b", priority=2)]) == 2
    assert spool.load(path) == [Job("a", {"x": 1}), Job("b", priority=2)]


def test_no_file(tmp_path):
    assert spool.load(str(tmp_path / "none.json")) == []


def test_save_leaves_no_temporary_file(tmp_path):
    spool.save(str(tmp_path / "spool.json"), [])
    assert os.listdir(str(tmp_path)) == ["spool.json"]


def test_claim_twice(tmp_path):
    assert spool.claim(str(tmp_path), "one")
    assert not spool.claim(str(tmp_path), "two")


def test_release(tmp_path):
    spool.claim(str(tmp_path), "one")
    spool.release(str(tmp_path))
    assert spool.claim(str(tmp_path), "two")


def test_claim_shared_directory():
    # The directory is shared with whatever ran before, so this depends on who cleaned up.
    directory = os.path.join(tempfile.gettempdir(), "jobs-spool")
    os.makedirs(directory, exist_ok=True)
    claimed = spool.claim(directory, "test")
    if not claimed:
        spool.release(directory)
    assert claimed
