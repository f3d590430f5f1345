"""Whoever calls coder: the same sandbox, and nobody's files end up as somebody else's."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from coder_sandbox.contract import Workspace


def test_owners_are_as_before_when_it_closes(open_box: Any, isolating: str, workspace: Workspace) -> None:
    tree = workspace.worktree
    (tree / "old").mkdir()
    (tree / "old" / "file").write_text("1")
    before = tree.stat()
    box = open_box(isolating)
    done = box.run(
        ["sh", "-c", "echo 2 > old/file; mkdir new; echo 3 > new/file; ln -s /etc/passwd new/link"], timeout=5
    )
    assert (done.exit_code, done.stderr) == (0, "")
    passwd = Path("/etc/passwd").stat()
    box.close()
    paths = [tree, *tree.rglob("*")]
    assert len(paths) == 6
    assert {(p.lstat().st_uid, p.lstat().st_gid) for p in paths} == {(before.st_uid, before.st_gid)}
    assert Path("/etc/passwd").stat().st_uid == passwd.st_uid


@pytest.mark.bwrap
@pytest.mark.skipif(os.geteuid() != 0, reason="starts it as another user, which only root can")
def test_an_ordinary_user_has_the_same_sandbox(tmp_path: Path) -> None:
    """With the system's Python, the only one that another user can read here."""
    pythons = [p for p in map(Path, ("/usr/bin/python3", "/usr/local/bin/python3")) if p.exists()]
    modern = "import sys; sys.exit(sys.version_info < (3, 11))"
    pythons = [p for p in pythons if subprocess.run([p, "-c", modern], check=False).returncode == 0]
    if not pythons:
        pytest.skip("no system-wide Python 3.11")
    source = Path(__file__).parents[2] / "sandbox"
    top = Path(subprocess.run(["mktemp", "-d"], capture_output=True, text=True, check=True).stdout.strip())
    try:
        subprocess.run(["cp", "-r", source, top / "sandbox"], check=True)
        (top / "work").mkdir()
        subprocess.run(["chown", "-R", "nobody", top], check=True)
        code = f"""
from pathlib import Path
from coder_sandbox.choose import open_sandbox
from coder_sandbox.contract import Limits, Workspace
box = open_sandbox("bwrap", Workspace(Path("{top}/work"), Path("/home/nobody/repo"), Path("{pythons[0]}")), Limits())
print(box.run(["sh", "-c", "id -u; touch made; touch /usr/x"], timeout=5))
box.close()
"""
        done = subprocess.run(
            [pythons[0], "-c", code],
            user="nobody",
            env={"PYTHONPATH": str(top / "sandbox")},
            capture_output=True,
            text=True,
        )
        nobody = (top / "work").stat().st_uid
        assert f"stdout='{nobody}\\n'" in done.stdout and "Read-only" in done.stdout, done.stderr
        assert (top / "work" / "made").stat().st_uid == nobody
    finally:
        subprocess.run(["rm", "-rf", top], check=True)
