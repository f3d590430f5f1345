"""The patch as a commit or a branch: the user's own commit, nothing else of his touched, and the way back."""

from __future__ import annotations

import pytest

from coder_sandbox import apply as apply_module
from coder_sandbox.apply import SnapshotError, TreeMoved, apply, branch, commit, undo
from coder_sandbox.commit import refuse_impossible
from coder_sandbox.landed import Landed
from coder_sandbox.snapshot import Base

CHANGES = {"a.py": b"a = 2\n", "old.py": None, "new/c.py": b"c = 1\n"}


@pytest.fixture
def repo(make_repo, write, git):
    root = make_repo({"a.py": "a = 1\n", "old.py": "old\n", "staged.py": "s\n", "dirty.py": "d\n", "run.sh": "#!\n"})
    (root / "run.sh").chmod(0o755)
    git(root, "commit", "-qam", "executable")
    write(root / "staged.py", "staged by the user\n")
    git(root, "add", "staged.py")
    write(root / "dirty.py", "dirty\n")
    write(root / "test_new.py", "untracked\n")
    for hook in ("pre-commit", "post-commit", "commit-msg", "reference-transaction", "post-index-change"):
        write(root / f".git/hooks/{hook}", f"#!/bin/sh\ntouch {root}/HOOK\n")
        (root / f".git/hooks/{hook}").chmod(0o755)
    return root


@pytest.fixture
def base(repo, tmp_path):
    return Base.take(repo, tmp_path / "run")


def status(git, repo):
    return set(git(repo, "status", "--porcelain").splitlines())


def seen_by_git(git, repo):
    """Everything of the repository that the user sees through git."""
    ask = ("status", "--porcelain"), ("for-each-ref",), ("stash", "list"), ("symbolic-ref", "HEAD"), ("config", "-l")
    return [git(repo, *args, check=False) for args in (*ask, ("diff", "--cached"), ("worktree", "list"))]


def test_a_commit_of_just_the_patch_by_the_user(base, repo, git):
    other = status(git, repo)
    head = git(repo, "rev-parse", "HEAD")

    new = commit(base, CHANGES, "Fix a\n\nBecause.")

    assert git(repo, "rev-parse", "main") == new
    assert git(repo, "log", "-1", "--format=%an <%ae>%n%P%n%B").split("\n")[:4] == [
        "Ada <ada@example.org>", head, "Fix a", "",
    ]  # fmt: skip
    assert set(git(repo, "show", "--format=", "--name-status", new).splitlines()) == {
        "M\ta.py", "D\told.py", "A\tnew/c.py",
    }  # fmt: skip
    assert status(git, repo) == other
    assert (repo / "a.py").read_bytes() == b"a = 2\n"
    assert git(repo, "diff", "--cached", "--name-only") == "staged.py"
    assert not (repo / "HOOK").exists()


def test_undo_takes_the_commit_back(base, repo, git, fingerprint):
    before = seen_by_git(git, repo)
    commit(base, CHANGES, "Fix a")
    assert undo(base.run_dir) == ["a.py", "new/c.py", "old.py", "refs/heads/main"]
    assert seen_by_git(git, repo) == before
    assert (repo / "a.py").read_bytes() == b"a = 1\n"
    assert not (repo / "new").exists()


def test_committing_twice_makes_one_commit(base, repo, git):
    assert commit(base, CHANGES, "Fix a") == commit(base, CHANGES, "Fix a")
    assert git(repo, "rev-list", "--count", "HEAD") == "3"


def test_committing_what_was_applied_before(base, repo, git):
    apply(base, CHANGES)
    new = commit(base, CHANGES, "Fix a")
    assert git(repo, "show", f"{new}:a.py") == "a = 2"
    undo(base.run_dir)
    assert (repo / "old.py").exists()


def test_undo_refuses_when_something_was_committed_on_top(base, repo, git, fingerprint):
    commit(base, CHANGES, "Fix a")
    git(repo, "commit", "-qm", "the user's")
    before = fingerprint(repo)
    with pytest.raises(TreeMoved, match="refs/heads/main"):
        undo(base.run_dir)
    assert fingerprint(repo) == before


def test_undo_refuses_when_the_user_is_on_another_branch(base, repo, git):
    commit(base, CHANGES, "Fix a")
    git(repo, "checkout", "-q", "-b", "other")
    with pytest.raises(TreeMoved, match="refs/heads/main"):
        undo(base.run_dir)


@pytest.mark.parametrize("name", ["staged.py", "dirty.py", "test_new.py"])
def test_a_touched_file_with_changes_of_the_users_is_refused(name, base, repo, fingerprint):
    before = fingerprint(repo)
    for make in (lambda: commit(base, {name: b"x\n"}, "x"), lambda: branch(base, {name: b"x\n"}, "fix", "x")):
        with pytest.raises(TreeMoved, match=name):
            make()
    assert {k: v for k, v in fingerprint(repo).items() if not k.startswith(".git/objects")} == {
        k: v for k, v in before.items() if not k.startswith(".git/objects")
    }
    assert Landed.load(base.run_dir) is None


def test_a_change_staged_after_the_snapshot_is_refused(base, repo, git, write):
    write(repo / "a.py", "a = 7\n")
    git(repo, "add", "a.py")
    write(repo / "a.py", "a = 1\n")
    with pytest.raises(TreeMoved, match="staged"):
        commit(base, CHANGES, "Fix a")
    assert (repo / "a.py").read_bytes() == b"a = 1\n"


def test_the_executable_bit_stays(base, repo, git):
    new = commit(base, {"run.sh": b"#!/bin/sh\n"}, "x")
    assert git(repo, "ls-tree", new, "run.sh").startswith("100755")


def test_a_detached_head_moves_itself(base, repo, git):
    git(repo, "checkout", "-q", "--detach")
    main = git(repo, "rev-parse", "main")
    new = commit(base, CHANGES, "Fix a")
    assert (git(repo, "rev-parse", "HEAD"), git(repo, "rev-parse", "main")) == (new, main)
    undo(base.run_dir)
    assert git(repo, "rev-parse", "HEAD") == main


def test_a_linked_worktree_commits_on_its_own_branch(repo, git, tmp_path):
    linked = tmp_path / "linked"
    git(repo, "worktree", "add", "-q", "-b", "work", str(linked))
    main = git(repo, "rev-parse", "main")
    base = Base.take(linked, tmp_path / "run2")
    new = commit(base, CHANGES, "Fix a")
    assert (git(repo, "rev-parse", "work"), git(repo, "rev-parse", "main")) == (new, main)
    assert git(linked, "status", "--porcelain") == ""
    undo(base.run_dir)
    assert git(repo, "rev-parse", "work") == main
    assert git(linked, "status", "--porcelain") == ""


def test_a_part_of_a_repository(make_repo, git, tmp_path):
    repo = make_repo({"top.py": "top\n", "pkg/a.py": "a = 1\n"}, "mono")
    base = Base.take(repo / "pkg", tmp_path / "run2")
    new = commit(base, {"a.py": b"a = 2\n"}, "Fix")
    assert git(repo, "show", f"{new}:pkg/a.py") == "a = 2"
    assert git(repo, "status", "--porcelain") == ""


def test_a_shallow_clone(repo, git, tmp_path):
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{repo}", "shallow")
    base = Base.take(tmp_path / "shallow", tmp_path / "run2")
    new = commit(base, CHANGES, "Fix")
    assert git(tmp_path / "shallow", "show", f"{new}:a.py") == "a = 2"


def test_line_endings_are_stored_as_git_would(make_repo, git, tmp_path, write):
    repo = make_repo({".gitattributes": "*.txt text eol=crlf\n", "a.txt": "a\r\n", "raw.bin": b"a\r\n"}, "endings")
    base = Base.take(repo, tmp_path / "run2")
    new = commit(base, {"a.txt": b"b\r\n", "raw.bin": b"b\r\n", "new.txt": b"n\r\n"}, "Fix")
    assert git(repo, "ls-files", "--eol", "a.txt").split()[0] == "i/lf"
    assert git(repo, "ls-files", "--eol", "raw.bin").split()[0] == "i/crlf"
    assert git(repo, "cat-file", "-s", f"{new}:new.txt") == "2"
    assert git(repo, "status", "--porcelain") == ""


def test_a_file_behind_a_filter_is_refused_and_the_filter_not_run(make_repo, git, tmp_path):
    repo = make_repo({"a.py": "a\n"}, "filtered")
    git(repo, "config", "filter.lock.clean", "tr a-z A-Z")
    (repo / ".gitattributes").write_text("*.dat filter=lock\n")
    (repo / "x.dat").write_text("secret\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "filtered")
    git(repo, "config", "filter.lock.clean", f"touch {tmp_path}/RAN; cat")
    base = Base.take(repo, tmp_path / "run2")
    with pytest.raises(TreeMoved, match=r"x\.dat"):
        commit(base, {"x.dat": b"other\n"}, "Fix")
    assert not (tmp_path / "RAN").exists()


def test_an_unborn_head_is_refused(make_repo, tmp_path):
    base = Base.take(make_repo({"a.py": "a\n"}, "unborn", commit=False), tmp_path / "run2")
    for land in (lambda: commit(base, {"a.py": b"b\n"}, "x"), lambda: branch(base, {"a.py": b"b\n"}, "fix", "x")):
        with pytest.raises(SnapshotError, match="no commit yet"):
            land()


def test_a_directory_without_git_is_refused(tmp_path, user_home, write):
    write(tmp_path / "plain/a.py", "a\n")
    base = Base.take(tmp_path / "plain", tmp_path / "run2")
    with pytest.raises(SnapshotError, match="not in a git repository"):
        commit(base, {"a.py": b"b\n"}, "x")


def test_a_file_in_a_submodule_is_refused(make_repo, git, tmp_path):
    lib = make_repo({"lib.py": "lib\n"}, "lib")
    repo = make_repo({"m.py": "m\n"}, "super")
    git(repo, "submodule", "add", "-q", str(lib), "lib")
    git(repo, "commit", "-qm", "lib")
    base = Base.take(repo, tmp_path / "run2")
    with pytest.raises(SnapshotError, match="submodule"):
        commit(base, {"lib/lib.py": b"x\n"}, "x")


def test_a_merge_in_progress_is_refused(make_repo, git, tmp_path, write):
    repo = make_repo({"a.py": "a\n", "b.py": "b\n"}, "merging")
    for name, where in (("side", "side"), ("main", "main")):
        git(repo, "checkout", "-q", *(["-b", where] if where == "side" else [where]))
        write(repo / "a.py", name)
        git(repo, "commit", "-qam", name)
    git(repo, "merge", "side", check=False)
    base = Base.take(repo, tmp_path / "run2")
    with pytest.raises(SnapshotError, match="a merge is under way"):
        commit(base, {"b.py": b"c\n"}, "x")
    apply(base, {"b.py": b"c\n"})  # that can be done


def test_no_identity(make_repo, git, tmp_path, user_home):
    repo = make_repo({"a.py": "a\n"}, "nobody")
    (user_home / ".gitconfig").write_text("[user]\nuseConfigOnly = true\n")
    base = Base.take(repo, tmp_path / "run2")
    with pytest.raises(SnapshotError, match=r"set user\.name"):
        commit(base, {"a.py": b"b\n"}, "x")
    assert (repo / "a.py").read_text() == "a\n"


@pytest.mark.parametrize("fails", ["_put_into_index", "_move"])
def test_a_commit_that_fails_half_way_leaves_everything_as_it_was(fails, base, repo, git, monkeypatch):
    before = seen_by_git(git, repo)
    real = getattr(apply_module, fails)
    calls = iter(range(9))

    def fail_once(*args):
        if next(calls) == 0:
            raise SnapshotError("locked")
        real(*args)

    monkeypatch.setattr(apply_module, fails, fail_once)
    with pytest.raises(SnapshotError, match="locked"):
        commit(base, CHANGES, "Fix a")
    assert seen_by_git(git, repo) == before
    assert Landed.load(base.run_dir) is None


def test_a_branch_leaves_tree_index_and_head_alone(base, repo, git, fingerprint):
    before, head = fingerprint(repo), git(repo, "rev-parse", "HEAD")
    new = branch(base, CHANGES, "coder/fix-a", "Fix a")
    after = fingerprint(repo)
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert all(name.startswith((".git/objects", ".git/refs", ".git/logs")) for name in changed)
    assert git(repo, "rev-parse", "coder/fix-a", "coder/fix-a^").split() == [new, head]
    assert git(repo, "show", "coder/fix-a:a.py") == "a = 2"
    assert not (repo / "HOOK").exists()
    assert undo(base.run_dir) == ["refs/heads/coder/fix-a"]
    assert git(repo, "branch", "--list", "coder/*") == ""


@pytest.mark.parametrize(
    ("name", "why"), [("main", "exists already"), ("a..b", "not a valid name"), ("-d", "not a valid")]
)
def test_a_branch_name_that_will_not_do(name, why, base):
    with pytest.raises(SnapshotError, match=why):
        branch(base, CHANGES, name, "x")


def test_what_cannot_be_committed_is_known_before_the_run(make_repo, git, tmp_path):
    repo = make_repo({"a.py": "x = 1\n"})
    refuse_impossible(repo, "fix/a")
    refuse_impossible(repo, "")
    for name, why in (("main", "exists already"), ("../../evil", "not a valid name")):
        with pytest.raises(SnapshotError, match=why):
            refuse_impossible(repo, name)
    (repo / ".git" / "MERGE_HEAD").write_text(git(repo, "rev-parse", "HEAD"))
    refuse_impossible(repo, "fix/a")
    with pytest.raises(SnapshotError, match="a merge is under way"):
        refuse_impossible(repo, "")
    (bare := tmp_path / "bare").mkdir()
    with pytest.raises(SnapshotError, match="not in a git repository"):
        refuse_impossible(bare, "")


def test_a_branch_that_has_moved_or_is_in_use_is_not_taken_back(base, repo, git):
    branch(base, CHANGES, "fix", "x")
    git(repo, "symbolic-ref", "HEAD", "refs/heads/fix")
    with pytest.raises(TreeMoved, match="refs/heads/fix"):
        undo(base.run_dir)
    git(repo, "symbolic-ref", "HEAD", "refs/heads/main")
    git(repo, "branch", "-f", "fix", "main")
    with pytest.raises(TreeMoved, match="refs/heads/fix"):
        undo(base.run_dir)


def test_a_patch_that_changes_nothing_is_not_committed(base):
    with pytest.raises(SnapshotError, match="changes nothing"):
        commit(base, {"a.py": b"a = 1\n"}, "x")
