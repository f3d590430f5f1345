"""What a snapshot holds, and that taking one leaves the user's repository byte for byte as it was."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path

import pytest

from coder_sandbox import snapshot as snapshot_module
from coder_sandbox.snapshot import Base, SnapshotError


@pytest.fixture
def take(tmp_path):
    return lambda repo, **limits: Base.take(repo, tmp_path / "run", **limits)


def contents(base: Base) -> dict[str, bytes]:
    return {path: base.read(path) for path in base.files}


def test_a_dirty_tree_is_taken_as_it_is_now(make_repo, git, take, write):
    repo = make_repo({"a.py": "a\n", "b.py": "b\n", "gone.py": "x\n", ".gitignore": "*.log\nsecret/\n"})
    write(repo / "a.py", "a staged\n")
    git(repo, "add", "a.py")
    write(repo / "a.py", "a staged, then changed\n")
    write(repo / "b.py", "b unstaged\n")
    (repo / "gone.py").unlink()
    write(repo / "tests/test_new.py", "def test_new(): assert 0\n")
    write(repo / "debug.log", "ignored\n")
    write(repo / "secret/key", "ignored\n")

    assert contents(take(repo)) == {
        ".gitignore": b"*.log\nsecret/\n",
        "a.py": b"a staged, then changed\n",
        "b.py": b"b unstaged\n",
        "tests/test_new.py": b"def test_new(): assert 0\n",
    }


def test_everything_coder_does_leaves_the_repository_byte_for_byte(make_repo, git, take, write, fingerprint):
    repo = make_repo({"a.py": "a\n", "b.py": "b\n", ".gitattributes": "*.py filter=evil\n"})
    git(repo, "config", "filter.evil.clean", f"touch {repo}/evil; cat")
    git(repo, "config", "core.fsmonitor", f"touch {repo}/evil;")
    write(repo / "a.py", "stashed\n")
    git(repo, "-c", "filter.evil.clean=", "-c", "core.fsmonitor=", "stash")
    write(repo / "b.py", "dirty\n")
    write(repo / "new.py", "new\n")
    os.utime(repo / "a.py", (1, 1))  # so that a refresh of the index would write it
    before = fingerprint(repo)

    base = take(repo)
    base.checkout("one", {"a.py": b"patched\n"})
    base.restore("one")
    base.diff({"a.py": None})
    base.remove("one")

    assert fingerprint(repo) == before
    assert "evil" not in before


def test_detached_head(make_repo, git, take):
    repo = make_repo({"a.py": "a\n"})
    git(repo, "checkout", "-q", "--detach")
    assert contents(take(repo)) == {"a.py": b"a\n"}


def test_unborn_head(make_repo, take, git):
    repo = make_repo({"a.py": "a\n", "b.py": "b\n"}, commit=False)
    git(repo, "add", "a.py")
    assert contents(take(repo)) == {"a.py": b"a\n", "b.py": b"b\n"}


def test_a_merge_in_progress_with_conflicts(make_repo, git, take, write):
    repo = make_repo({"a.py": "base\n"})
    git(repo, "checkout", "-q", "-b", "side")
    write(repo / "a.py", "side\n")
    git(repo, "commit", "-qam", "side")
    git(repo, "checkout", "-q", "main")
    write(repo / "a.py", "main\n")
    git(repo, "commit", "-qam", "main")
    git(repo, "merge", "side", check=False)

    base = take(repo)

    assert base.files == ("a.py",)
    assert base.read("a.py").startswith(b"<<<<<<< HEAD\nmain\n")


def test_submodules_dirty_nested_and_never_initialised(make_repo, git, take, write, tmp_path):
    inner = make_repo({"deep.py": "deep\n"}, "inner")
    lib = make_repo({"lib.py": "lib\n"}, "lib")
    git(lib, "submodule", "add", "-q", str(inner), "inner")
    git(lib, "commit", "-qam", "inner")
    repo = make_repo({"a.py": "a\n"})
    git(repo, "submodule", "add", "-q", str(lib), "ext/lib")
    git(repo, "submodule", "add", "-q", str(lib), "ext/absent")
    git(repo, "submodule", "update", "-q", "--init", "--recursive", "ext/lib")
    git(repo, "commit", "-qm", "lib")
    git(repo, "submodule", "deinit", "-q", "-f", "ext/absent")
    write(repo / "ext/lib/lib.py", "lib changed\n")
    write(repo / "ext/lib/new.py", "new\n")

    assert {p: d for p, d in contents(take(repo)).items() if not p.endswith(".gitmodules")} == {
        "a.py": b"a\n",
        "ext/lib/lib.py": b"lib changed\n",
        "ext/lib/new.py": b"new\n",
        "ext/lib/inner/deep.py": b"deep\n",
    }


def test_a_repository_standing_untracked_in_another(make_repo, take):
    repo = make_repo({"a.py": "a\n"})
    make_repo({"b.py": "b\n"}, "repo/vendored")
    assert contents(take(repo)) == {"a.py": b"a\n", "vendored/b.py": b"b\n"}


def test_a_linked_worktree_of_the_users(make_repo, git, take, write, tmp_path, fingerprint):
    main = make_repo({"a.py": "a\n"})
    linked = tmp_path / "linked tree"
    git(main, "worktree", "add", "-q", "-b", "work", str(linked))
    write(linked / "a.py", "changed\n")
    before = fingerprint(main), fingerprint(linked), git(main, "worktree", "list")

    assert contents(take(linked)) == {"a.py": b"changed\n"}
    assert (fingerprint(main), fingerprint(linked), git(main, "worktree", "list")) == before


def test_a_linked_worktree_whose_repository_is_not_here(make_repo, git, take, tmp_path):
    main = make_repo({"a.py": "a\n"})
    linked = tmp_path / "linked"
    git(main, "worktree", "add", "-q", str(linked))
    main.rename(tmp_path / "elsewhere")
    assert contents(take(linked)) == {"a.py": b"a\n"}


def test_a_shallow_clone(make_repo, git, take, write, tmp_path):
    origin = make_repo({"a.py": "one\n"})
    write(origin / "a.py", "two\n")
    git(origin, "commit", "-qam", "second")
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{origin}", "shallow")
    assert contents(take(tmp_path / "shallow")) == {"a.py": b"two\n"}


NAMES = ["with space.py", "naïve/файл.py", 'quo"te\\back.py', "new\nline.py", "tab\t.py", "-dash.py", "*.py"]


def test_names_of_every_kind_in_a_repository_whose_path_has_spaces(make_repo, take):
    names = [*NAMES, os.fsdecode(b"latin-\xe9.py")]
    repo = make_repo({name: name.encode("utf-8", "surrogateescape") for name in names}, "my répo dir")

    base = take(repo)
    place = base.checkout("one")

    assert sorted(base.files) == sorted(names)
    for name in names:
        assert (place / name).read_bytes() == base.read(name) == name.encode("utf-8", "surrogateescape")
    patch = base.diff(dict.fromkeys(names, b"changed\n"))
    subprocess.run(["git", "apply"], cwd=place, input=patch.encode("utf-8", "surrogateescape"), check=True)
    assert {(place / name).read_bytes() for name in names} == {b"changed\n"}


BYTES = {"crlf.txt": b"a\r\nb\r\n", "latin.py": b"# \xe9\n", "nul.bin": b"\0\1\2", "utf16.txt": "ä\n".encode("utf-16")}


def test_exact_bytes_whatever_gitattributes_say(make_repo, git, take, write):
    repo = make_repo({}, commit=False)
    git(repo, "config", "filter.shout.clean", "tr a-z A-Z")
    git(repo, "config", "filter.shout.smudge", "tr a-z Z")
    git(repo, "config", "core.autocrlf", "true")
    attributes = "*.txt text eol=lf\n*.py filter=shout ident eol=crlf\nutf16.txt working-tree-encoding=UTF-16\n"
    files = {**BYTES, "id.py": b"# $Id$ shout\n", ".gitattributes": attributes.encode()}
    for name, data in files.items():
        write(repo / name, data)

    base = take(repo)
    place = base.checkout("one")

    assert contents(base) == files
    assert {name: (place / name).read_bytes() for name in files} == files


def test_links_are_kept_as_links_and_never_followed(make_repo, take, write, tmp_path, git):
    outside = tmp_path / "outside"
    write(outside / "secret.py", "secret\n")
    repo = make_repo({"real.py": "real\n", "pkg/m.py": "m\n", "was/here.py": "tracked\n"})
    (repo / "to_file.py").symlink_to("real.py")
    (repo / "to_dir").symlink_to("pkg")
    (repo / "dangling").symlink_to("nowhere")
    (repo / "out").symlink_to(outside)
    (repo / "was/here.py").unlink()
    (repo / "was").rmdir()
    (repo / "was").symlink_to(outside)  # a tracked directory that is a link now
    write(outside / "here.py", "secret\n")

    base = take(repo)
    place = base.checkout("one")

    links = {"to_file.py": "real.py", "to_dir": "pkg", "dangling": "nowhere", "out": str(outside), "was": str(outside)}
    assert set(base.files) == {"real.py", "pkg/m.py", *links}
    assert {name: str((place / name).readlink()) for name in links} == links


def test_executable_bits(make_repo, take):
    repo = make_repo({"run.sh": "#!/bin/sh\n", "plain.py": ""})
    (repo / "run.sh").chmod(0o755)
    place = take(repo).checkout("one")
    assert os.access(place / "run.sh", os.X_OK)
    assert (place / "plain.py").stat().st_mode & 0o777 == 0o644


def test_a_directory_that_is_no_git_repository(tmp_path, user_home, take, write):
    repo = tmp_path / "plain"
    for name in ("a.py", "pkg/b.py", "build/__init__.py", "pkg.egg-info/PKG-INFO"):
        write(repo / name, name)
    for junk in (
        "node_modules/x.js",
        "__pycache__/a.pyc",
        "build2/pyvenv.cfg",
        "build2/lib/x.py",
        "dist/a.whl",
        "c.pyc",
    ):
        write(repo / junk, "junk")
    (repo / "link").symlink_to("pkg")
    assert set(take(repo).files) == {"a.py", "pkg/b.py", "build/__init__.py", "pkg.egg-info/PKG-INFO", "link"}


def test_a_directory_that_a_repository_further_up_ignores(make_repo, take, write):
    repo = make_repo({".gitignore": "demo/\n", "a.py": "a\n"})
    write(repo / "demo/b.py", "b\n")
    assert contents(take(repo / "demo")) == {"b.py": b"b\n"}


def test_a_part_of_a_repository_is_the_tree_below_it_only(make_repo, take, write):
    repo = make_repo({"top.py": "top\n", "pkg/a.py": "a\n", "pkg/sub/b.py": "b\n", ".gitignore": "*.log\n"})
    write(repo / "pkg/new.py", "new\n")
    write(repo / "pkg/x.log", "ignored\n")
    assert contents(take(repo / "pkg")) == {"a.py": b"a\n", "new.py": b"new\n", "sub/b.py": b"b\n"}


def test_untracked_caches_and_environments_are_left_out_tracked_ones_are_not(make_repo, take, write):
    repo = make_repo({"a.py": "a\n", "node_modules/kept.js": "tracked\n"})
    for junk in (".venv/lib/x.py", "env/pyvenv.cfg", "env/lib/y.py", "__pycache__/a.cpython-311.pyc"):
        write(repo / junk, "junk")
    assert set(take(repo).files) == {"a.py", "node_modules/kept.js"}


def test_ignored_build_products_are_checked_out_but_are_not_in_the_base(make_repo, take, write):
    ignore = "*.so\n_version.py\n*.egg-info/\n.venv/\nproto/\n__pycache__/\n*.log\n"
    repo = make_repo({"pkg/__init__.py": "", ".gitignore": ignore})
    products = {"pkg/fast.so": b"\x7fELF", "pkg/_version.py": b"v = 1\n", "pkg.egg-info/PKG-INFO": b"Name: pkg\n",
                "pkg/proto/gen.py": b"g = 1\n"}  # fmt: skip
    for name, data in products.items():
        write(repo / name, data)
    for junk in (".venv/lib/z.so", ".venv/pyvenv.cfg", "pkg/__pycache__/x.py", "pkg/x.log", "docs/_version.py"):
        write(repo / junk, "junk")

    base = take(repo)
    place = base.checkout("one")

    assert set(base.files) == {"pkg/__init__.py", ".gitignore"}
    assert set(base.products) == set(products)
    assert {name: (place / name).read_bytes() for name in products} == products
    (place / "pkg/fast.so").unlink()
    base.restore("one")
    assert (place / "pkg/fast.so").exists()
    with pytest.raises(SnapshotError, match="build product"):
        base.diff({"pkg/_version.py": b"v = 2\n"})


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a repository to somebody else")
def test_a_repository_of_another_owner(make_repo, git, take):
    repo = make_repo({"a.py": "a\n", ".gitignore": "*.log\n", "x.log": "ignored\n"})
    for place, directories, names in os.walk(repo):
        for name in (".", *directories, *names):
            os.chown(Path(place) / name, 65534, 65534)
    assert git(repo, "status", check=False) == ""  # git itself refuses
    assert set(take(repo).files) == {"a.py", ".gitignore"}


def test_called_from_a_git_hook_with_gits_own_variables_set(make_repo, take, monkeypatch, tmp_path):
    other = make_repo({"other.py": ""}, "other")
    repo = make_repo({"a.py": "a\n"})
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git/index"))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(tmp_path / "nowhere"))
    assert contents(take(repo)) == {"a.py": b"a\n"}


def test_the_users_own_list_of_ignored_files_counts(make_repo, take, user_home, write):
    repo = make_repo({"a.py": "a\n"})
    write(user_home / ".config/git/ignore", "*.swp\n")
    write(repo / "a.swp", "editor\n")
    assert take(repo).files == ("a.py",)


def test_what_is_no_file_is_left_out(make_repo, take):
    repo = make_repo({"a.py": "a\n", "pipe": "tracked\n"})
    (repo / "pipe").unlink()
    os.mkfifo(repo / "pipe")
    assert take(repo).files == ("a.py",)


def test_an_opened_snapshot_equals_the_taken_one(make_repo, take):
    base = take(make_repo({"a.py": "a\n", "b/c.py": "c\n"}))
    again = Base.open(base.run_dir)
    assert (again.repo, again.commit, again.tree, again.files) == (base.repo, base.commit, base.tree, base.files)


def test_equal_trees_make_equal_snapshots(make_repo, tmp_path):
    repo = make_repo({"a.py": "a\n"})
    assert Base.take(repo, tmp_path / "r1").commit == Base.take(repo, tmp_path / "r2").commit


# --- refusals ------------------------------------------------------------------------------------------------


def test_no_such_directory(tmp_path, take):
    with pytest.raises(SnapshotError, match="does not exist"):
        take(tmp_path / "nothing")


def test_not_a_directory(tmp_path, take):
    (tmp_path / "file").write_text("")
    with pytest.raises(SnapshotError, match="is not a directory"):
        take(tmp_path / "file")


def test_a_bare_repository(tmp_path, git, take):
    git(tmp_path, "init", "-q", "--bare", "bare.git")
    with pytest.raises(SnapshotError, match="bare git repository"):
        take(tmp_path / "bare.git")


def test_too_many_files_and_too_many_bytes(make_repo, take, tmp_path, write):
    repo = make_repo({"a.py": "a\n", "b.py": "x" * 3_000_000})
    with pytest.raises(SnapshotError, match="more than 1 files"):
        take(repo, max_files=1)
    with pytest.raises(SnapshotError, match="more than 1 MB"):
        take(repo, max_bytes=1 << 20)
    write(tmp_path / "plain/a", "")
    write(tmp_path / "plain/b", "")
    with pytest.raises(SnapshotError, match="more than 1 files"):
        take(tmp_path / "plain", max_files=1)


def test_an_unreadable_file_is_named(make_repo, take, monkeypatch):
    repo = make_repo({"a.py": "a\n", "locked.py": "x\n"})
    real = os.open

    def refuse(path, *args, **kwargs):
        if str(path).endswith("locked.py"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path, *args, **kwargs)

    monkeypatch.setattr(snapshot_module.os, "open", refuse)
    with pytest.raises(SnapshotError, match=r"Permission denied .*locked\.py"):
        take(repo)


def test_a_full_disk_is_told_and_nothing_half_made_stays(make_repo, take, tmp_path, monkeypatch):
    repo = make_repo({"a.py": "a\n"})

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(snapshot_module.durable, "write_durably", full)
    with pytest.raises(SnapshotError, match="disk is full"):
        take(repo)
    assert list((tmp_path / "run").iterdir()) == []
    with pytest.raises(SnapshotError, match="no finished snapshot"):
        Base.open(tmp_path / "run")


def test_a_run_directory_inside_the_repository(make_repo):
    repo = make_repo({"a.py": "a\n"})
    with pytest.raises(SnapshotError, match="CODER_HOME"):
        Base.take(repo, repo / ".coder/run")


def test_no_git_on_this_machine(make_repo, take, monkeypatch, tmp_path):
    repo = make_repo({"a.py": "a\n"})
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SnapshotError, match="git"):
        take(repo)
