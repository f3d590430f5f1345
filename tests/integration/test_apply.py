"""A patch lands exactly or not at all, and undo brings back exactly what was there."""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path

import pytest

from coder_sandbox import landing
from coder_sandbox.apply import SnapshotError, TreeMoved, apply, undo
from coder_sandbox.landed import Landed
from coder_sandbox.snapshot import Base

FILES = {"a.py": "a = 1\n", "pkg/b.py": b"b = 1\r\n", "pkg/old.py": b"caf\xe9\n", "run.sh": "#!/bin/sh\n"}
CHANGES = {
    "a.py": b"a = 2\n",
    "pkg/b.py": b"b = 2\r\n",
    "pkg/old.py": None,
    "run.sh": b"#!/bin/bash\n",
    "new/deep/c.py": b"c = 1\n",
    "pkg/caf\udce9.py": b"\0\xff",
}


@pytest.fixture
def repo(make_repo, write):
    root = make_repo(FILES)
    (root / "run.sh").chmod(0o750)
    (root / "a.py").chmod(0o600)
    (root / "link").symlink_to("a.py")
    write(root / "new_test.py", "not committed\n")
    return root


@pytest.fixture
def base(repo, tmp_path):
    return Base.take(repo, tmp_path / "run")


def files(fingerprint, repo):
    """The files as they are; directories without their times, which any write changes."""
    return {
        name: entry if entry[0].startswith("0o10") or entry[0].startswith("0o12") else entry[0]
        for name, entry in fingerprint(repo).items()
    }


def test_the_patch_lands_exactly(base, repo):
    apply(base, CHANGES)
    assert {p: (repo / p).read_bytes() if (repo / p).exists() else None for p in CHANGES} == CHANGES
    assert (repo / "run.sh").stat().st_mode & 0o777 == 0o750
    assert (repo / "a.py").stat().st_mode & 0o777 == 0o600
    assert not list(repo.rglob(".coder-*"))


def test_undo_restores_bytes_rights_times_and_directories(base, repo, fingerprint):
    before = files(fingerprint, repo)
    apply(base, CHANGES)
    assert files(fingerprint, repo) != before
    assert undo(base.run_dir) == sorted(CHANGES)
    assert files(fingerprint, repo) == before
    with pytest.raises(SnapshotError, match="nothing to undo"):
        undo(base.run_dir)


def test_git_of_the_user_is_not_touched_by_apply(base, repo, fingerprint):
    before = fingerprint(repo / ".git")
    apply(base, CHANGES)
    undo(base.run_dir)
    assert fingerprint(repo / ".git") == before


def test_applying_twice_is_fine_and_applying_something_else_is_not(base, repo):
    apply(base, CHANGES)
    before = (repo / "a.py").stat().st_mtime_ns
    apply(base, CHANGES)
    assert (repo / "a.py").stat().st_mtime_ns == before
    with pytest.raises(SnapshotError, match="another patch"):
        apply(base, {"a.py": b"a = 3\n"})


def test_changes_that_change_nothing_leave_nothing_to_undo(base):
    apply(base, {"a.py": b"a = 1\n"})
    assert Landed.load(base.run_dir) is None


def _edited(repo):
    (repo / "a.py").write_text("a = 5\n")


def _deleted(repo):
    (repo / "a.py").unlink()


def _mode_changed(repo):
    (repo / "a.py").chmod(0o755)


def _replaced_by_a_link(repo):
    (repo / "a.py").rename(repo / "other.py")
    (repo / "a.py").symlink_to("other.py")


def _fifo(repo):
    (repo / "a.py").unlink()
    os.mkfifo(repo / "a.py")


def _new_file_is_there(repo):
    (repo / "new/deep").mkdir(parents=True)
    (repo / "new/deep/c.py").write_text("mine\n")


def _directory_is_a_link_out(repo):
    outside = repo.parent / "outside"
    (repo / "pkg").rename(outside)
    (repo / "pkg").symlink_to(outside)


def _new_directory_is_a_link_out(repo):
    (repo.parent / "outside").mkdir()
    (repo / "new").symlink_to(repo.parent / "outside")


def _new_directory_is_a_file(repo):
    (repo / "new").write_text("")


MOVES = {
    _edited: "a.py", _deleted: "a.py", _mode_changed: "a.py", _replaced_by_a_link: "a.py", _fifo: "a.py",
    _new_file_is_there: "new/deep/c.py", _directory_is_a_link_out: "pkg/b.py",
    _new_directory_is_a_link_out: "new/deep/c.py", _new_directory_is_a_file: "new/deep/c.py",
}  # fmt: skip


@pytest.mark.parametrize("move", MOVES, ids=lambda move: move.__name__.strip("_"))
def test_apply_refuses_when_the_tree_has_moved(move, base, repo, fingerprint):
    move(repo)
    before = fingerprint(repo.parent)
    with pytest.raises(TreeMoved, match=MOVES[move]) as caught:
        apply(base, CHANGES)
    assert MOVES[move] in caught.value.names
    assert fingerprint(repo.parent) == before


@pytest.mark.parametrize("move", [_edited, _deleted, _mode_changed, _replaced_by_a_link, _fifo])
def test_undo_refuses_when_the_tree_has_moved(move, base, repo, fingerprint):
    apply(base, CHANGES)
    move(repo)
    before = fingerprint(repo)
    with pytest.raises(TreeMoved, match=r"a\.py") as caught:
        undo(base.run_dir)
    assert caught.value.names == ("a.py",)
    assert fingerprint(repo) == before


def test_other_files_may_move(base, repo, write):
    write(repo / "unrelated.py", "mine\n")
    apply(base, CHANGES)
    write(repo / "unrelated.py", "mine, later\n")
    write(repo / "new/mine.py", "in a directory that coder made\n")
    undo(base.run_dir)
    assert (repo / "unrelated.py").read_text() == "mine, later\n"
    assert (repo / "new/mine.py").exists()
    assert not (repo / "new/deep").exists()


def apply_until_killed(base, calls):
    """Apply in a process of its own, which dies by SIGKILL after so many steps; did it?"""
    child = os.fork()
    if child == 0:
        left = iter(range(calls))

        def dying(real):
            def call(*args, **kwargs):
                if next(left, None) is None:
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(*args, **kwargs)

            return call

        for name in ("create", "unlink", "_make_directory", "_give_to_owner_of"):
            setattr(landing, name, dying(getattr(landing, name)))
        os.rename = dying(os.rename)
        try:
            apply(base, CHANGES)
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


@pytest.mark.parametrize("then", ["undo", "apply"])
def test_a_kill_in_the_middle_can_be_undone_or_finished(then, base, repo, fingerprint):
    before = files(fingerprint, repo)
    calls = 0
    while apply_until_killed(base, calls):
        calls += 1
        if then == "apply":
            apply(base, CHANGES)
            assert {p: (repo / p).read_bytes() if (repo / p).exists() else None for p in CHANGES} == CHANGES
        undo(base.run_dir)
        assert files(fingerprint, repo) == before
    assert calls > 15  # it really died at every step of the way


def test_a_full_disk_changes_nothing(base, repo, fingerprint, monkeypatch):
    before = files(fingerprint, repo)
    real, count = landing.create, iter(range(9))

    def full(*args):
        if next(count) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(*args)

    monkeypatch.setattr(landing, "create", full)
    with pytest.raises(SnapshotError, match="disk is full"):
        apply(base, CHANGES)
    assert files(fingerprint, repo) == before
    assert Landed.load(base.run_dir) is None


def test_a_deleted_link_comes_back_as_a_link(base, repo):
    apply(base, {"link": None})
    assert not os.path.lexists(repo / "link")
    undo(base.run_dir)
    assert (repo / "link").readlink() == Path("a.py")


def test_a_directory_that_is_no_git_repository(tmp_path, user_home, write):
    repo = tmp_path / "plain"
    write(repo / "a.py", "a = 1\n")
    base = Base.take(repo, tmp_path / "run")
    apply(base, {"a.py": b"a = 2\n"})
    assert (repo / "a.py").read_text() == "a = 2\n"
    undo(base.run_dir)
    assert (repo / "a.py").read_text() == "a = 1\n"


def test_files_in_a_submodule(make_repo, git, tmp_path):
    lib = make_repo({"lib.py": "lib\n"}, "lib")
    repo = make_repo({"m.py": "m\n"}, "super")
    git(repo, "submodule", "add", "-q", str(lib), "lib")
    base = Base.take(repo, tmp_path / "run")
    apply(base, {"lib/lib.py": b"fixed\n"})
    assert (repo / "lib/lib.py").read_text() == "fixed\n"
    undo(base.run_dir)
    assert git(repo / "lib", "status", "--porcelain") == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can write into the directory of somebody else")
def test_root_leaves_the_files_to_their_owner(base, repo):
    for path in (repo, repo / "a.py", repo / "pkg", repo / "pkg/old.py"):
        os.chown(path, 65534, 65534)
    apply(base, CHANGES)
    assert {(repo / p).stat().st_uid for p in ("a.py", "new", "new/deep", "new/deep/c.py")} == {65534}
    undo(base.run_dir)
    assert {(repo / p).stat().st_uid for p in ("a.py", "pkg/old.py")} == {65534}
