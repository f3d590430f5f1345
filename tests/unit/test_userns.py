"""A machine that forbids user namespaces is told from the others by its settings, each with its own remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from coder_sandbox.userns import why_forbidden


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1\n"}, "AppArmor"),
        ({"proc/sys/kernel/unprivileged_userns_clone": "0\n"}, "kernel.unprivileged_userns_clone=1"),
        ({"proc/sys/user/max_user_namespaces": "0\n"}, "user.max_user_namespaces=15000"),
        ({".dockerenv": ""}, "runs in a container"),
        ({"run/.containerenv": ""}, "runs in a container"),
        ({"proc/1/cgroup": "0::/kubepods/pod1\n"}, "runs in a container"),
        (
            {"proc/1/cgroup": "0::/init.scope\n", "proc/sys/user/max_user_namespaces": "9\n"},
            "forbids user namespaces",
        ),
        ({}, "forbids user namespaces"),
    ],
)
def test_the_reason_and_the_remedy(tmp_path: Path, files: dict[str, str], words: str) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    said = why_forbidden(tmp_path)
    assert words in said and "--sandbox docker" in said
