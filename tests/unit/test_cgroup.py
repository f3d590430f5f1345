"""A sandbox's control group: where it is made, with what limits, and that none is left.

On directories that look like version 1 and version 2, which are plain files here and the kernel's elsewhere.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from coder_sandbox.cgroup import PREFIX, fence
from coder_sandbox.contract import Limits

LIMITS = Limits(memory_mb=100, processes=50, cpus=1.5)
MEMORY = str((100 + 1024) << 20)


def tree(top: Path, *, delegated: str = "memory pids cpu") -> Path:
    """Version 2: a session that is not delegated, in a user's slice that is."""
    session = top / "user.slice" / "session.scope"
    session.mkdir(parents=True)
    (top / "cgroup.controllers").write_text("memory pids cpu")
    for place, controllers in ((top, "memory pids"), (top / "user.slice", delegated), (session, "")):
        (place / "cgroup.subtree_control").write_text(controllers)
    (top / "membership").write_text("0::/user.slice/session.scope\n")
    return top


def values(place: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in place.iterdir()}


def test_version_2_takes_the_nearest_group_that_hands_its_controllers_on(tmp_path: Path) -> None:
    made = fence(LIMITS, tree(tmp_path), tmp_path / "membership")
    assert made is not None
    (place,) = made.directories
    assert place.parent == tmp_path / "user.slice"
    expected = {"memory.max": MEMORY, "memory.swap.max": "0", "pids.max": "114", "cpu.max": "150000 100000"}
    assert values(place) == expected
    assert made.admit(42) and (place / "cgroup.procs").read_text() == "42"
    assert made.shown == ((place, Path("/sys/fs/cgroup")),)


def test_version_2_goes_up_where_nothing_is_delegated(tmp_path: Path) -> None:
    made = fence(LIMITS, tree(tmp_path, delegated=""), tmp_path / "membership")
    assert made is not None and made.directories[0].parent == tmp_path
    assert "cpu.max" not in values(made.directories[0])


def test_nothing_delegated_anywhere_makes_none(tmp_path: Path) -> None:
    tree(tmp_path, delegated="")
    (tmp_path / "cgroup.subtree_control").write_text("cpu")
    assert fence(LIMITS, tmp_path, tmp_path / "membership") is None
    assert not list(tmp_path.rglob(f"{PREFIX}*"))


def test_version_1_makes_one_for_each_controller(tmp_path: Path) -> None:
    for controller in ("memory", "pids", "cpu"):
        (tmp_path / controller / "own").mkdir(parents=True)
    (tmp_path / "membership").write_text("3:cpu,cpuacct:/own\n2:pids:/own\n1:memory:/own\n0::/\n")
    made = fence(LIMITS, tmp_path, tmp_path / "membership")
    assert made is not None
    memory, pids, cpu = made.directories
    assert values(memory) == {"memory.limit_in_bytes": MEMORY, "memory.memsw.limit_in_bytes": MEMORY}
    assert values(pids) == {"pids.max": "114"} and values(cpu) == {"cpu.cfs_quota_us": "150000"}
    assert {place.parent.name for place in made.directories} == {"own"}


def test_version_1_with_one_controller_missing_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "memory").mkdir()
    (tmp_path / "membership").write_text("2:pids:/\n1:memory:/\n")
    assert fence(Limits(), tmp_path, tmp_path / "membership") is None


def test_a_group_whose_coder_is_dead_is_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from coder_sandbox.owner import Owner

    tree(tmp_path)
    dead = tmp_path / "user.slice" / f"{PREFIX}{replace(Owner.me(), start='1')}@00"
    alive = tmp_path / "user.slice" / f"{PREFIX}{Owner.me()}@00"
    dead.mkdir()
    alive.mkdir()
    assert fence(LIMITS, tmp_path, tmp_path / "membership")
    assert not dead.exists() and alive.exists()


def test_no_control_groups_at_all(tmp_path: Path) -> None:
    assert fence(LIMITS, tmp_path, tmp_path / "membership") is None
