"""Attacks that read what is the user's: keys, the environment, other runs of coder's."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from coder_sandbox.contract import Sandbox

READ = """
import json, os, sys
seen = []
for start in sys.argv[1:]:
    for place, _, files in os.walk(start) if os.path.isdir(start) else [('', [], [start])]:
        for name in files:
            try: content = open(os.path.join(place, name), 'rb').read()
            except OSError: continue
            if content: seen.append(os.path.join(place, name))
print(json.dumps(sorted(seen)))
"""


def test_27_keys_and_passwords_of_the_user(box: Sandbox, door: Sandbox, attack: Any) -> None:
    top = door.workspace.worktree.parent
    found = attack(door, READ, top / "home")
    assert str(top / "home/.ssh/id_ed25519") in found and str(top / "home/.netrc") in found  # control
    assert attack(box, READ, box.workspace.worktree.parent / "home") == []
    names = (
        ".ssh",
        ".aws",
        ".netrc",
        ".docker",
        ".config",
        ".gnupg",
        ".mozilla",
        ".bashrc",
        ".kube",
        ".git-credentials",
    )
    for home in {Path.home(), Path("/root")}:
        assert attack(box, READ, *(home / name for name in names)) == []
    assert attack(box, READ, "/etc/shadow", "/etc/sudoers", "/etc/ssh", "/run", "/var", "/dev/mem", "/dev/kmsg") == []


def test_27_of_the_home_directory_there_is_only_the_way_to_the_interpreter(box: Sandbox, attack: Any) -> None:
    code = """
import json, os, sys
home, seen = sys.argv[1], []
for place, directories, files in os.walk(home):
    directories[:] = [d for d in directories if not any(os.path.join(place, d) == m for m in sys.argv[2:])]
    seen += [os.path.join(place, f) for f in files]
print(json.dumps(seen))
"""
    mounts = [mount.inside for mount in box.workspace.mounts]
    assert attack(box, code, Path.home(), *mounts) == []


ENVIRONMENT = """
import glob, json, os
seen = ['\\0'.join(f'{k}={v}' for k, v in os.environ.items()).encode()]
for name in glob.glob('/proc/[0-9]*/environ') + glob.glob('/proc/[0-9]*/cmdline'):
    try: seen.append(open(name, 'rb').read())
    except OSError: pass
print(json.dumps(b'\\0'.join(seen).decode('utf-8', 'replace')))
"""


def test_28_tokens_in_the_environment(box: Sandbox, open_weak: Callable[..., Sandbox], attack: Any) -> None:
    seen = attack(box, ENVIRONMENT)
    assert "hunter2" not in seen and "GITHUB_TOKEN" not in seen and "HOME=/tmp/home" in seen

    def let_in(profile: Any) -> Any:
        if isinstance(profile, dict):
            return {**profile, "environment": {**profile["environment"], "GITHUB_TOKEN": "hunter2"}}
        return [*profile, ("--setenv", "GITHUB_TOKEN", "hunter2")]

    assert "hunter2" in attack(open_weak(let_in), ENVIRONMENT)  # control


def test_29_coders_own_configuration_and_other_runs(
    box: Sandbox, door: Sandbox, attack: Any, open_weak: Callable[..., Sandbox]
) -> None:
    for opened, expected in ((box, False), (door, True)):
        top = opened.workspace.worktree.parent
        run = top / "home/.local/state/coder/runs/20990101-000000-abcd"
        run.mkdir(parents=True, exist_ok=True)
        (run / "events.jsonl").write_text("{}\n")
        (top / "home/.config/coder.toml").write_text("model = 'x'\n")
        for path in (top / "home").rglob("*"):
            path.chmod(0o777)
        assert bool(attack(opened, READ, run, top / "home/.config/coder.toml")) is expected


def test_29_the_run_s_own_directory_is_not_inside_either(
    host: Any, open_weak: Callable[..., Sandbox], attack: Any
) -> None:
    """The worktree lies in it, next to the event log and the checkpoint."""
    run = host.top / "run"
    (run / "worktrees/work").mkdir(parents=True)
    for name in ("events.jsonl", "checkpoints.sqlite"):
        (run / name).write_text("{}")
    work = dataclasses.replace(host.workspace, worktree=run / "worktrees/work").worktree
    opened = open_weak(lambda profile: profile, worktree=work)
    found = attack(opened, READ, run, opened.workspace.inside / "..")
    assert [name for name in found if "/tool/" not in name] == []
