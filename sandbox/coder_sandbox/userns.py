"""Why this machine forbids user namespaces, which bubblewrap is made of, and what lifts that."""

from __future__ import annotations

from pathlib import Path

UNKNOWN = (
    "This machine forbids user namespaces to bubblewrap (sysctl kernel.unprivileged_userns_clone, "
    "kernel.apparmor_restrict_unprivileged_userns, or the container coder runs in): allow them, or use "
    "--sandbox docker."
)
APPARMOR = (
    "This machine's AppArmor keeps user namespaces from programs without a profile (sysctl "
    "kernel.apparmor_restrict_unprivileged_userns is 1, as on Ubuntu 23.10 and newer): give bwrap a profile "
    "(docs/sandbox.md has one), or `sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`, or use "
    "--sandbox docker."
)
CLONE = (
    "This machine's kernel keeps user namespaces from ordinary users (sysctl kernel.unprivileged_userns_clone is 0): "
    "`sudo sysctl -w kernel.unprivileged_userns_clone=1`, or use --sandbox docker."
)
NONE = (
    "This machine allows no user namespaces at all (sysctl user.max_user_namespaces is 0): "
    "`sudo sysctl -w user.max_user_namespaces=15000`, or use --sandbox docker."
)
CONTAINER = (
    "coder runs in a container that forbids new namespaces: start that with `--security-opt seccomp=unconfined "
    "--security-opt apparmor=unconfined --security-opt systempaths=unconfined`, run coder outside of it, or use "
    "--sandbox docker with a daemon that sees the same files."
)


def why_forbidden(root: Path = Path("/")) -> str:
    """The reason and the remedy, as far as the machine's settings tell. `root`: where /proc and / are looked at."""
    if _setting(root, "user/max_user_namespaces") == "0":
        return NONE
    if _in_container(root):
        return CONTAINER
    if _setting(root, "kernel/apparmor_restrict_unprivileged_userns") == "1":
        return APPARMOR
    if _setting(root, "kernel/unprivileged_userns_clone") == "0":
        return CLONE
    return UNKNOWN


def _setting(root: Path, name: str) -> str:
    try:
        return (root / "proc" / "sys" / name).read_text().strip()
    except OSError:
        return ""


def _in_container(root: Path) -> bool:
    if (root / ".dockerenv").exists() or (root / "run" / ".containerenv").exists():
        return True
    try:
        groups = (root / "proc" / "1" / "cgroup").read_text()
    except OSError:
        return False
    return any(word in groups for word in ("/docker/", "/kubepods", "/libpod-", "/lxc/"))
