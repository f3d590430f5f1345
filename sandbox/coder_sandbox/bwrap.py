"""The bubblewrap sandbox: kernel namespaces, no daemon and no image, open in milliseconds."""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from coder_sandbox import seccomp
from coder_sandbox.cgroup import fence
from coder_sandbox.client import AgentClient
from coder_sandbox.contract import Limits, SandboxError, Workspace
from coder_sandbox.launch import (
    AGENT,
    AGENT_INSIDE,
    PROXY_INSIDE,
    SYSTEM_DIRECTORIES,
    agent_command,
    environment,
    etc_files,
    host_files,
    identity,
    in_order,
    with_allowed_hosts,
)
from coder_sandbox.ownership import lend, mount_points
from coder_sandbox.userns import why_forbidden
from coder_sandbox.wire import PipeWire, kill_and_wait

INSTALL = "Install it with `apt-get install bubblewrap` (or dnf, pacman), or use --sandbox docker."
OLDEST = (0, 8)  # the first that forbids user namespaces inside and limits the size of a tmpfs
START_SECONDS = 10.0
HIDDEN_IN_PROC = (
    *("acpi/wakeup", "bootconfig", "iomem", "ioports", "kallsyms", "kcore", "key-users", "keys", "kmsg"),
    *("kpagecgroup", "kpagecount", "kpageflags", "latency_stats", "modules", "pagetypeinfo", "sched_debug", "slabinfo"),
    *("sysrq-trigger", "timer_list", "timer_stats", "vmallocinfo"),
)
"""What tells of the host's memory, keys and devices. Root's files, and called by root the processes are root's too."""


def profile(
    workspace: Workspace, limits: Limits, keep: Callable[[str | bytes], int], group: Sequence[tuple[Path, Path]] = ()
) -> Iterator[tuple[str, ...]]:
    """The options of bwrap, in the order it carries them out.

    `keep` gives a descriptor from which bwrap can read a text or a program; `group` is
    what is shown, as (host, inside), of the control group that the sandbox is in.
    """
    uid, gid = identity()
    yield ("--unshare-all",)  # own processes, network, IPC, host name, control groups
    if workspace.network:
        yield ("--share-net",)
    # never root; on the host the processes are the caller's in any case, and so are the files they make
    yield "--unshare-user", "--uid", str(uid), "--gid", str(gid)
    yield ("--disable-userns",)  # and no way to become root of a namespace further in
    yield "--cap-drop", "ALL"
    yield ("--as-pid-1",)  # the agent is the namespace's init: what it starts can neither stop nor outlive it
    yield ("--die-with-parent",)  # kill -9 of coder ends everything inside
    yield ("--new-session",)  # no terminal to push characters into
    yield "--hostname", "coder"
    if (calls := seccomp.program()) is not None:
        yield "--seccomp", str(keep(calls))  # no system call that is only good for getting out
    yield ("--clearenv",)  # no token of the host's gets in
    for name, value in environment(workspace).items():
        yield "--setenv", name, value

    for name in SYSTEM_DIRECTORIES:
        if Path(name).is_symlink():
            yield "--symlink", str(Path(name).readlink()), name
        elif Path(name).is_dir():
            yield "--ro-bind", name, name
    for name, text in etc_files(uid, gid).items():
        yield "--ro-bind-data", str(keep(text)), name
    for name in host_files(workspace):
        yield "--ro-bind-try", os.path.realpath(name), name
    yield "--proc", "/proc"
    for name in HIDDEN_IN_PROC:
        if Path("/proc", name).exists():
            yield "--ro-bind", "/dev/null", f"/proc/{name}"
    yield "--dev", "/dev"  # null, zero, random, tty, pts: no device of the host's
    size = str(limits.tmp_mb << 20)
    yield "--perms", "1777", "--size", size, "--tmpfs", "/dev/shm"
    yield "--perms", "1777", "--size", size, "--tmpfs", "/tmp"
    yield "--ro-bind", str(AGENT), str(AGENT_INSIDE)
    for host, inside, writable in in_order(workspace):
        yield "--bind" if writable else "--ro-bind", str(host), str(inside)
    for host, inside in group:
        yield (
            "--ro-bind",
            str(host),
            str(inside),
        )  # where the agent reads that the kernel ended something for its memory
    # Called by root, the processes inside are the host's root without its capabilities: enough for the kernel
    # to let them write /proc/sys (core_pattern runs programs on the host), so nothing of /proc may be written.
    yield "--remount-ro", "/proc"
    yield "--remount-ro", "/dev"
    yield "--remount-ro", "/"  # the empty root that carries all this; its mounts keep their own modes
    yield "--chdir", str(workspace.inside)


def open_bwrap(workspace: Workspace, limits: Limits) -> AgentClient:
    """Start the agent under bubblewrap. Raises SandboxError if that cannot be done, saying why."""
    program = shutil.which("bwrap")
    if program is None:
        raise SandboxError(f"bubblewrap (bwrap) is not installed. {INSTALL}")
    with ExitStack() as undo:
        workspace = with_allowed_hosts(workspace, undo)
        undo.callback(mount_points(workspace))
        undo.callback(lend(workspace.worktree, os.geteuid(), os.getegid()))
        wire = _start(program, workspace, limits, undo)
        release = undo.pop_all().close
    try:
        return AgentClient("bwrap", workspace, limits, wire, release)
    except SandboxError:
        works, words = probe()
        if works:
            raise
        raise SandboxError(words) from None


def _start(program: str, workspace: Workspace, limits: Limits, undo: ExitStack) -> PipeWire:
    """Start bwrap, in a control group if one may be made; `undo` takes what removes that."""
    group = fence(limits)
    if group is not None:
        undo.callback(group.close)
    with ExitStack() as files:

        def keep(text: str | bytes) -> int:
            descriptor = os.memfd_create("coder")
            files.callback(os.close, descriptor)
            os.write(descriptor, os.fsencode(text))
            os.lseek(descriptor, 0, os.SEEK_SET)
            passed.append(descriptor)
            return descriptor

        passed: list[int] = []
        info, info_inside = os.pipe()
        files.callback(os.close, info)
        go_inside, go = os.pipe()
        files.callback(os.close, go)
        passed += [info_inside, go_inside]
        shown = group.shown if group is not None else ()
        options = [part for option in profile(workspace, limits, keep, shown) for part in option]
        command = agent_command(
            workspace.python,
            AGENT_INSIDE,
            limits,
            workspace.inside,
            rlimit_processes=_rlimit_processes(limits),
            relay=PROXY_INSIDE if workspace.allow_hosts else None,
        )
        # through a descriptor, since every user of the host can read a command line
        argv = [program, "--info-fd", str(info_inside), "--block-fd", str(go_inside)]
        argv += ["--args", str(keep("\0".join(options) + "\0")), "--"]
        first: list[int] = []
        try:
            wire = PipeWire(argv + command, {"PATH": os.defpath}, pass_fds=passed, end=lambda: _end(first, wire))
        finally:
            os.close(info_inside)
            os.close(go_inside)
        try:
            first.extend(_first_pid(info))
            if group is not None and first:
                group.admit(first[0])  # forbidden: then the watchdog alone has to do
            with contextlib.suppress(BrokenPipeError):  # it has failed, and its own words say why
                os.write(go, b"x")
        except BaseException:
            wire.close()
            raise
        return wire


def _first_pid(info: int) -> list[int]:
    """The host's id of the namespace's first process, nothing if bwrap has failed."""
    text = b""
    while b"}" not in text:
        if not select.select([info], [], [], START_SECONDS)[0]:
            raise SandboxError(f"bubblewrap did not start within {START_SECONDS:g} s.")
        data = os.read(info, 4096)
        if not data:
            return []
        text += data
    return [int(json.loads(text)["child-pid"])]


def _end(first: list[int], wire: PipeWire) -> None:
    for pid in first or [wire.pid]:
        kill_and_wait(pid)


def _rlimit_processes(limits: Limits) -> int | None:
    """Since Linux 5.14 a user namespace counts its own processes; before, the limit would count all the user's."""
    major, minor = re.findall(r"\d+", os.uname().release)[:2]
    return limits.processes + 64 if (int(major), int(minor)) >= (5, 14) else None


def probe() -> tuple[bool, str]:
    """Whether a sandbox can be opened here: its version, or why not and the remedy."""
    program = shutil.which("bwrap")
    if program is None:
        return False, f"bubblewrap (bwrap) is not installed. {INSTALL}"
    try:
        said = _ask(program, "--version").stdout.strip()
        version = tuple(int(part) for part in re.findall(r"\d+", said))
        if version < OLDEST:
            return False, f"{said or program} is too old: {'.'.join(map(str, OLDEST))} is needed, or --sandbox docker."
        tried = _ask(program, "--unshare-all", "--unshare-user", "--ro-bind", "/", "/", "--proc", "/proc", "true")
    except (OSError, subprocess.TimeoutExpired) as error:
        return False, f"bubblewrap cannot be started: {error}"
    if tried.returncode != 0:
        return False, f"bubblewrap does not work here: {tried.stderr.strip()}. {why_forbidden()}"
    return True, said


def _ask(*argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        argv, capture_output=True, text=True, check=False, timeout=START_SECONDS, stdin=subprocess.DEVNULL
    )
