"""Attacks on the host's git from inside a worktree: everything coder does with one is done, and nothing of it runs.

The control of each is git as anybody would call it, in the same worktree.
"""

from __future__ import annotations

import dataclasses
import os
import pty
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from coder.evaluate.dataset import DatasetError, apply_patch
from coder_sandbox import apply
from coder_sandbox.choose import open_sandbox
from coder_sandbox.contract import Limits
from coder_sandbox.faults import SnapshotError
from coder_sandbox.patches import paths_of
from coder_sandbox.snapshot import Base
from coder_tools.protect import is_protected
from coder_tools.toolbox import Toolbox
from coder_tools.workspace import Workspace

FILES = {"a.py": "a = 1\n", "pkg/b.py": "b = 1\n"}
USER = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "safe.directory=*"]


@dataclasses.dataclass(frozen=True)
class Place:
    """A repository of the user's, coder's worktree of it, and the file that an attack makes if it runs."""

    repo: Path
    base: Base
    tree: Path
    mark: Path

    def git(self, *args: str, where: Path | None = None, tty: bool = False) -> None:
        """git as anybody would call it."""
        argv = ["git", "-C", str(where or self.tree), *USER, *args]
        if not tty:
            subprocess.run(argv, capture_output=True, stdin=subprocess.DEVNULL, check=False)
            return
        terminal, its = pty.openpty()
        subprocess.run(argv, stdin=its, stdout=its, stderr=its, check=False)
        os.close(its)
        os.close(terminal)

    def use_everything(self) -> None:
        """What coder does with a worktree, its base and the user's repository in the course of a run."""
        changes = {"a.py": b"a = 2\n", "new.py": b"n = 1\n"}
        assert "+a = 2" in self.base.diff(changes)
        apply.apply(self.base, changes)
        apply.undo(self.base.run_dir)
        apply.branch(self.base, changes, "fixed", "fix")
        apply.commit(self.base, changes, "fix")
        apply.undo(self.base.run_dir)
        self.base.restore("work", changes)
        self.base.checkout("verify", changes)
        self.base.remove("verify")
        self.base.remove("work")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text("[user]\nname = Ada\nemail = ada@example.org\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    for name in [n for n in os.environ if n.startswith("GIT_")]:
        monkeypatch.delenv(name)
    repo = tmp_path / "repo"
    for name, text in FILES.items():
        (repo / name).parent.mkdir(parents=True, exist_ok=True)
        (repo / name).write_text(text)
    for args in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "first"]):
        subprocess.run(["git", "-C", repo, *USER, *args], check=True)
    base = Base.take(repo, tmp_path / "run")
    yield Place(repo, base, base.checkout("work"), tmp_path / "owned")


def user_state(repo: Path) -> dict[str, bytes]:
    """The user's repository: files, refs, index, configuration, hooks. Not objects and logs: a branch adds to those."""
    skipped = (repo / ".git/objects", repo / ".git/logs", repo / ".git/refs/heads/fixed")
    files = (p for p in repo.rglob("*") if p.is_file() and not any(s in (p, *p.parents) for s in skipped))
    return {str(p.relative_to(repo)): p.read_bytes() for p in files}


def plant_own_git(place: Place, config: str = "", attributes: str = "") -> Path:
    """A repository of the attacker's where the worktree's link to coder's own was, with `a.py` changed."""
    (place.tree / ".git").unlink()
    subprocess.run(["git", "init", "-q", place.tree], check=True)
    place.git("add", "-A")
    place.git("commit", "-q", "-m", "x")
    with (place.tree / ".git/config").open("a") as file:
        file.write(config)
    (place.tree / ".gitattributes").write_text(attributes)
    (place.tree / "a.py").write_text("a = 3\n")
    return place.tree / ".git"


SETTINGS: dict[str, tuple[str, str, list[str]]] = {
    "core.fsmonitor": ("[core]\nfsmonitor = {do}\n", "", ["status"]),
    "core.hooksPath": ("[core]\nhooksPath = {hooks}\n", "", ["checkout", "-b", "other"]),
    "core.pager": ("[core]\npager = {do}\n", "", ["--paginate", "log"]),
    "core.sshCommand": ("[core]\nsshCommand = {do}\n", "", ["ls-remote", "ssh://nowhere.invalid/x"]),
    "diff.external": ("[diff]\nexternal = {do}\n", "", ["diff"]),
    "filter.clean": ("[filter \"evil\"]\nclean = {do}\nsmudge = {do}\n", "*.py filter=evil\n", ["add", "-A"]),
    "filter.process": ("[filter \"evil\"]\nprocess = {do}\nrequired = true\n", "*.py filter=evil\n", ["add", "-A"]),
    "diff.textconv": ("[diff \"evil\"]\ntextconv = {do}\n", "*.py diff=evil\n", ["diff"]),
    "merge.driver": ("[merge \"evil\"]\ndriver = {do}\n", "*.py merge=evil\n", ["stash"]),
}  # fmt: skip


@pytest.mark.parametrize("setting", [name for name in SETTINGS if name != "merge.driver"])
def test_12_a_git_directory_of_the_attackers_own(setting: str, place: Place) -> None:
    config, attributes, command = SETTINGS[setting]
    program = place.mark.with_name("program")
    program.write_text(f"#!/bin/sh\ntouch '{place.mark}'\nexec timeout 0.3 cat\n")
    program.chmod(0o755)
    hooks = place.mark.with_name("hooks")
    hooks.mkdir()
    shutil.copy(program, hooks / "post-checkout")
    plant_own_git(place, config.format(do=program, hooks=hooks), attributes)
    place.git(*command, tty=setting == "core.pager")
    assert place.mark.exists()  # control
    place.mark.unlink()
    before = user_state(place.repo)
    place.use_everything()
    assert not place.mark.exists()
    now = user_state(place.repo)
    assert {name for name in now | before if now.get(name) != before.get(name)} <= {".git/index"}  # a commit, undone


@pytest.mark.parametrize(
    "hook", ["post-checkout", "pre-commit", "post-commit", "post-index-change", "reference-transaction"]
)
def test_13_hooks_written_from_inside(hook: str, place: Place) -> None:
    """In the worktree's own repository, and (as if one had got out) in coder's private one."""
    script = f"#!/bin/sh\ntouch '{place.mark}'\n"
    git_dir = plant_own_git(place)
    for hooks in (git_dir / "hooks", place.base.store.git_dir / "hooks"):
        hooks.mkdir(exist_ok=True)
        (hooks / hook).write_text(script)
        (hooks / hook).chmod(0o755)
    place.git("add", "-A")
    place.git("commit", "-q", "-m", "y")
    place.git("checkout", "-q", "-b", "other")
    assert place.mark.exists()  # control
    place.mark.unlink()
    place.use_everything()
    assert not place.mark.exists()


@pytest.mark.parametrize("driver", ["filter.clean", "filter.process", "diff.textconv", "merge.driver"])
def test_14_attributes_that_name_drivers(driver: str, place: Place, tmp_path: Path) -> None:
    """The drivers are the user's own (git-lfs is one): the repository under repair may not make coder start them."""
    config, attributes, _ = SETTINGS[driver]
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch '{place.mark}'\nexec timeout 0.3 cat\n")
    program.chmod(0o755)
    with (tmp_path / "home/.gitconfig").open("a") as file:
        file.write(config.format(do=program, hooks=""))
    (place.repo / ".gitattributes").write_text(attributes)
    base = Base.take(place.repo, tmp_path / "run2")
    tree = base.checkout("work")
    changes = {"pkg/b.py": b"b = 2\n"}
    base.diff(changes)
    apply.apply(base, changes)
    base.restore("work", changes)
    assert not place.mark.exists()
    # control
    if driver == "merge.driver":
        for args in (["checkout", "-qb", "one"], ["commit", "-qam", "1"], ["checkout", "-q", "main"]):
            place.git(*args, where=place.repo)
        (place.repo / "pkg/b.py").write_text("b = 3\n")
        place.git("commit", "-qam", "2", where=place.repo)
        place.git("merge", "one", where=place.repo)
    place.git("diff", where=place.repo)
    place.git("add", "-A", where=place.repo)
    assert place.mark.exists()
    assert (tree / "pkg/b.py").read_bytes() == b"b = 2\n"


@pytest.mark.parametrize("path", ["sub", "sub\r"])
def test_15_submodules_with_urls_that_are_commands(path: str, place: Place) -> None:
    program = place.mark.with_name("program")
    program.write_text(f"#!/bin/sh\ntouch '{place.mark}'\n")
    program.chmod(0o755)
    url = f"ext::{program}"
    text = f'[submodule "sub"]\n\tpath = "{path}"\n\turl = "{url}"\n'
    (place.repo / ".gitmodules").write_bytes(text.encode())
    oid = subprocess.run(["git", "-C", place.repo, "rev-parse", "HEAD"], capture_output=True, text=True).stdout.strip()
    place.git("update-index", "--add", "--cacheinfo", f"160000,{oid},{path}", where=place.repo)
    base = Base.take(place.repo, place.mark.with_name("run2"))
    base.checkout("work")
    apply.apply(base, {"a.py": b"a = 2\n"})
    apply.undo(base.run_dir)
    assert not place.mark.exists()
    if path == "sub":  # control; git itself refuses the other since CVE-2025-48384
        place.git("-c", "protocol.ext.allow=always", "submodule", "update", "--init", where=place.repo)
        assert place.mark.exists()


def test_16_a_bare_repository_hidden_in_a_directory(place: Place) -> None:
    program = place.mark.with_name("program")
    program.write_text(f"#!/bin/sh\ntouch '{place.mark}'\n")
    program.chmod(0o755)
    for root in (place.repo, place.tree):
        hidden = root / "pkg" / "hidden"
        subprocess.run(["git", "init", "-q", "--bare", hidden], check=True)
        with (hidden / "config").open("a") as file:
            file.write(f"[core]\nbare = false\nworktree = {root}/pkg\nfsmonitor = {program}\n")
    place.git("status", where=place.tree / "pkg/hidden")
    assert place.mark.exists()  # control
    place.mark.unlink()
    for directory in (place.repo, place.repo / "pkg"):
        Base.take(directory, place.mark.with_name("run2")).checkout("work")
    with pytest.raises(SnapshotError, match="bare"):
        Base.take(place.repo / "pkg/hidden", place.mark.with_name("run2"))
    place.use_everything()
    assert not place.mark.exists()


def test_17_alternates_and_a_common_directory_that_point_out(place: Place) -> None:
    git_dir = plant_own_git(place)
    (git_dir / "objects/info/alternates").write_text(f"{place.repo}/.git/objects\n")
    (git_dir / "commondir").write_text(f"{place.repo}/.git\n")
    (git_dir / "HEAD").write_text("ref: refs/heads/main\n")
    before = user_state(place.repo)
    place.git("branch", "evil")
    assert user_state(place.repo) != before  # control: the user's repository has a branch more
    place.git("branch", "-D", "evil", where=place.repo)
    before = user_state(place.repo)
    place.base.restore("work", {"a.py": b"a = 2\n"})
    place.base.checkout("work")
    assert user_state(place.repo) == before
    place.use_everything()


PLANT = r"""
tree=$1 marks=$2 repo=$3
do="$tree/evil"
printf '#!/bin/sh\ntouch "%s/$1"\nexec timeout 0.3 cat\n' "$marks" > evil
chmod 755 evil
rm -f .git
git init -q . && git add -A && git -c user.name=a -c user.email=a@b commit -qm x
git config core.fsmonitor "$do fsmonitor"
git config core.pager "$do pager"
git config core.sshCommand "$do ssh"
git config diff.external "$do external"
git config diff.evil.textconv "$do textconv"
git config filter.evil.clean "$do clean"
git config filter.evil.smudge "$do smudge"
for hook in pre-commit post-checkout post-index-change reference-transaction; do
    printf '#!/bin/sh\ntouch "%s/%s"\n' "$marks" $hook > .git/hooks/$hook
    chmod 755 .git/hooks/$hook
done
echo '*.py filter=evil diff=evil' > .gitattributes
printf '[submodule "sub"]\n\tpath = sub\n\turl = ext::%s submodule\n' "$do" > .gitmodules
git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),sub
echo "$repo/.git/objects" > .git/objects/info/alternates
git init -q --bare pkg/hidden
printf '[core]\nbare = false\nworktree = %s/pkg\nfsmonitor = %s bare\n' "$tree" "$do" >> pkg/hidden/config
mkdir linked && echo "gitdir: $repo/.git" > linked/.git
echo 'a = 4' > a.py
"""
PLANTED = {
    *("fsmonitor", "pager", "ssh", "external", "textconv", "clean", "smudge", "submodule", "bare"),
    *("pre-commit", "post-checkout", "post-index-change", "reference-transaction"),
}


def test_12_all_that_can_be_planted_from_inside(kind: str, place: Place, host: Any) -> None:
    """What 12 to 17 are about, written by code in the sandbox, in one worktree."""
    marks = place.mark
    marks.mkdir()
    work = dataclasses.replace(host.workspace, worktree=place.tree, inside=place.repo)
    box = open_sandbox(kind, work, Limits())  # type: ignore[arg-type]
    try:
        done = box.run(["sh", "-ec", PLANT, "sh", str(place.tree), str(marks), str(place.repo)], timeout=30)
        assert done.exit_code == 0, done.stderr
    finally:
        box.close()
    assert list(marks.iterdir()) == []
    before = user_state(place.repo)
    place.git("--paginate", "log", tty=True)
    for args in (["status"], ["-c", "protocol.ext.allow=always", "submodule", "update", "--init"],
                 ["ls-remote", "ssh://nowhere.invalid/x"], ["diff"], ["diff", "--no-ext-diff"], ["add", "-A"],
                 ["commit", "-m", "y"], ["checkout", "-b", "other"], ["checkout", "HEAD~1", "."]):  # fmt: skip
        place.git(*args)
    place.git("status", where=place.tree / "pkg/hidden")
    assert {mark.name for mark in marks.iterdir()} == PLANTED  # control
    for mark in marks.iterdir():
        mark.unlink()
    assert user_state(place.repo) == before
    place.use_everything()
    assert list(marks.iterdir()) == []
    now = user_state(place.repo)
    assert {name for name in now | before if now.get(name) != before.get(name)} <= {".git/index"}


def test_18_refs_and_index_changed_from_inside(
    kind: str, place: Place, host: Any, open_weak: Callable[..., Any], attack: Any
) -> None:
    """Neither the user's repository nor coder's private one is inside; the worktree's link to it leads nowhere."""
    code = """
import json, os, sys
open('.git').read()
done = []
for place in sys.argv[1:]:
    for name in ('refs/heads/main', 'index', 'config', 'HEAD'):
        try: open(os.path.join(place, name), 'a').close(); done.append(place + '/' + name)
        except OSError: pass
print(json.dumps(done))
"""
    work = dataclasses.replace(host.workspace, worktree=place.tree, inside=place.repo)
    targets = [place.repo / ".git", place.base.store.git_dir]
    before = user_state(place.repo)
    box = open_sandbox(kind, work, Limits())  # type: ignore[arg-type]
    try:
        assert attack(box, code, *targets) == []
    finally:
        box.close()
    assert user_state(place.repo) == before
    for path in place.base.store.git_dir.rglob("*"):
        path.chmod(0o777)
    store = str(place.base.store.git_dir)

    def show_store(profile: Any) -> Any:
        if isinstance(profile, dict):
            bind = {"Target": store, "Source": store, "Type": "bind", "ReadOnly": False}
            return {**profile, "mounts": [*profile["mounts"], bind]}
        at = profile.index(("--remount-ro", "/proc"))
        return [*profile[:at], ("--bind", store, store), *profile[at:]]

    shown = open_weak(show_store, worktree=place.tree, inside=place.repo)
    assert attack(shown, code, *targets)  # control


OUTSIDE = f"/tmp/coder-test-{os.getpid()}"
NEW = "--- /dev/null\n+++ {}\n@@ -0,0 +1 @@\n+{}\n"
LINK = "diff --git a/l b/l\nnew file mode 120000\n" + NEW.format("b/l", "..") + "\\ No newline at end of file\n"
THROUGH = "diff --git a/l/x b/l/x\nnew file mode 100644\n" + NEW.format("b/l/x", "owned")
BINARY = (
    "new file mode 100644\n"
    "index 0000000000000000000000000000000000000000..143a8c54b09b978215b38328a4e5331b4deb1f91\n"
    "GIT binary patch\nliteral 10\nRcmd1Lvr;H1EzaO#000v20|Ed5\n\n"
)
HOSTILE_PATCHES = {
    ".git/config": NEW.format("b/.git/config", "owned"),
    ".GIT/config": NEW.format("b/.GIT/config", "owned"),
    "HFS+": NEW.format("b/.g\u200cit/config", "owned"),
    "NTFS": NEW.format("b/GIT~1/config", "owned"),
    "NTFS stream": NEW.format("b/.git::$INDEX_ALLOCATION/config", "owned"),
    "CI": NEW.format("b/.github/workflows/x.yml", "owned"),
    "coder": NEW.format("b/.coder.toml", "owned"),
    "rename into CI": "diff --git a/a.py b/.github/workflows/a.py\nsimilarity index 100%\n"
    "rename from a.py\nrename to .github/workflows/a.py\n",
    "another prefix": NEW.format("zz/.github/workflows/x.yml", "owned"),
    "quoted bytes": NEW.format('"b/\\056g\\342\\200\\214it/config"', "owned"),
    "names with spaces": "diff --git aaa/.github/workflows/x y.yml b/.github/workflows/x y.yml\n" + BINARY,
    "quoted names": 'diff --git "a/\\056github/x.yml" "b/\\056github/x.yml"\n' + BINARY,
    "an old form": "diff --git a/a.py b/.github/workflows/x y.yml\nsimilarity index 100%\n"
    "rename old a.py\nrename new .github/workflows/x y.yml\n",
    "../x": NEW.format("b/../x", "owned"),
    "absolute": NEW.format(OUTSIDE, "owned"),
    "symlink": LINK,
    "through a symlink": LINK + THROUGH,
    "mode change": "diff --git a/a.py b/a.py\nold mode 100644\nnew mode 120000\n",
    "rename out": "diff --git a/a.py b/../x\nsimilarity index 100%\nrename from a.py\nrename to ../x\n",
    "submodule": "diff --git a/s b/s\nnew file mode 160000\n" + NEW.format("b/s", "Subproject commit 1"),
}


@pytest.mark.parametrize("name", HOSTILE_PATCHES)
def test_19_a_patch_whose_paths_lead_elsewhere(name: str, tmp_path: Path) -> None:
    """The control is git, told to do whatever a patch says. Two of these it does not do even then."""
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "a.py").write_text("a = 1\n")
    with pytest.raises(DatasetError, match="refused"):
        apply_patch(tree, HOSTILE_PATCHES[name])
    assert sorted(tmp_path.rglob("*")) == [tree, tree / "a.py"]
    assert (tree / "a.py").read_text() == "a = 1\n" and not (tree / "a.py").is_symlink()
    assert not Path(OUTSIDE).exists()
    argv = ["git", "apply", "--unsafe-paths", "-"]
    env = {**os.environ, "GIT_DIR": os.devnull}
    done = subprocess.run(argv, cwd=tree, input=HOSTILE_PATCHES[name].encode(), env=env, check=False)
    assert (done.returncode == 0) is (name not in ("through a symlink", "mode change"))
    assert (sorted(tmp_path.rglob("*")) != [tree, tree / "a.py"]) is (done.returncode == 0)


@pytest.mark.parametrize("end", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\r"])
def test_19_a_hunk_header_inside_a_line_hides_nothing(end: str, tmp_path: Path) -> None:
    """Of the characters that end a line for Python, only one does for git."""
    hidden = f"+x = 1{end}@@ -1,1000 +1,1000 @@\n"
    first = "diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1 +1,2 @@\n a = 1\n"
    link = "diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+/etc/passwd\n"
    paths_of(first + hidden)  # control: such a line alone is content like any other
    with pytest.raises(SnapshotError, match="no plain file"):
        paths_of(first + hidden + link)


def test_19_control_git_apply_alone_takes_a_link(tmp_path: Path) -> None:
    """The rest would be refused by git apply too; in a tool that does as it is told it would change this machine."""
    subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=HOSTILE_PATCHES["symlink"].encode(), check=True)
    assert (tmp_path / "l").is_symlink()


CONFIGURATION = (".github/workflows/x.yml", ".gitlab-ci.yml", ".coder.toml", "sub/.coder.toml", "action.yml")


@pytest.mark.parametrize("path", [*CONFIGURATION, ".git/config", "sub/.gitattributes"])
def test_19_a_change_of_ci_or_of_coders_configuration_needs_the_users_word(path: str) -> None:
    def create(allowed: bool) -> bool:
        workspace = Workspace(lambda p: b"", [], {}, lambda p: is_protected(p, (), allowed), True, allowed)
        content = "x = 1\n" if path.endswith(".toml") else "x: 1\n"
        return Toolbox(workspace, {}).run("create_file", {"path": path, "content": content}).ok

    assert not create(allowed=False)
    assert create(allowed=True) is (path in CONFIGURATION)  # control; what is git's is nobody's to allow


def test_19_the_clean_room_leaves_such_a_change_out_whoever_made_it(place: Place, toolchain: Any) -> None:
    from coder.session import Session
    from coder.task import Request

    class Seen(Exception):
        pass

    def look(workspace: Any, limits: Any) -> Any:
        raise Seen((workspace.worktree / ".github/workflows/x.yml").exists())

    def seen(**allowed: bool) -> bool:
        request: Any = Request(repo=place.repo, **allowed)  # type: ignore[arg-type]
        run, chosen = SimpleNamespace(id="run"), SimpleNamespace(protects=lambda path: "")
        unused: Any = None
        session = Session(request, cast(Any, run), place.base, toolchain, unused, unused, look, cast(Any, chosen))
        with pytest.raises(Seen) as found, session.clean_room("verify", {".github/workflows/x.yml": b"on: push\n"}):
            pass
        return bool(found.value.args[0])

    assert [seen(), seen(allow_test_edits=True), seen(allow_config_edits=True)] == [False, False, True]
