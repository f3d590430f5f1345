"""Attacks that want rights: root, capabilities, the kernel's doors, other processes, descriptors of the host."""

from __future__ import annotations

import ctypes
import os
import shutil
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from coder_sandbox import seccomp
from coder_sandbox.contract import Limits, Sandbox, Workspace
from coder_sandbox.none import open_none

BECOME = """
import ctypes, json, os, subprocess
status = dict(line.split(':', 1) for line in open('/proc/self/status'))
libc = ctypes.CDLL(None, use_errno=True)
gained = []
if libc.unshare(0x10000000) == 0: gained.append('user namespace')
if libc.mount(b'none', b'/tmp', b'tmpfs', 0, None) == 0: gained.append('mount')
if libc.chroot(b'/tmp') == 0: gained.append('chroot')
for program in ('su', 'mount', 'passwd'):
    try: subprocess.run([program, '--version'], capture_output=True)
    except OSError: pass
try: os.setuid(0); gained.append('root')
except OSError: pass
try: os.mknod('/tmp/device', 0o60666, os.makedev(254, 0)); gained.append('mknod')
except OSError: pass
caps = [status[name].strip() for name in ('CapEff', 'CapPrm', 'CapBnd', 'CapAmb')]
modes = [status[name].strip() for name in ('NoNewPrivs', 'Seccomp')]
print(json.dumps([os.getuid() != 0, os.getgid() != 0, caps, *modes, gained]))
"""


def without(*names: str) -> Callable[[Any], Any]:
    """Of bwrap's options, all but these."""
    return lambda profile: [option for option in profile if option[0] not in names]


def test_41_root_capabilities_and_namespaces(box: Sandbox, open_weak: Callable[..., Sandbox], attack: Any) -> None:
    assert attack(box, BECOME) == [True, True, ["0" * 16] * 4, "1", "2", []]

    def weaken(profile: Any) -> Any:
        if isinstance(profile, dict):
            return {**profile, "user": "0:0", "cap_drop": [], "cap_add": ["MKNOD", "SYS_CHROOT"], "security_opt": []}
        return without("--seccomp", "--disable-userns")(profile)

    gained = attack(open_weak(weaken), BECOME)[5]
    assert ("root" if box.name == "docker" else "user namespace") in gained  # control


CALLS = """
import ctypes, json, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
space = ctypes.create_string_buffer(256)
machine = sys.argv[1] == 'x86_64'
calls = {'keyctl': ((250, 219), 0, -3, 0), 'userfaultfd': ((323, 282), 1), 'io_uring_setup': ((425, 425), 8, space),
    'unshare': ((272, 97), 0), 'memfd_secret': ((447, 447), 0), 'bpf': ((321, 280), 99, space, 8),
    'perf_event_open': ((298, 241), space, 0, -1, -1, 0),
    'name_to_handle_at': ((303, 264), -100, b'/usr', space, space, 0),
    'unknown': ((1000, 1000),)}
reached = []
for name, (numbers, *arguments) in calls.items():
    value = libc.syscall(numbers[0 if machine else 1], *arguments)
    if value >= 0 or ctypes.get_errno() not in (1, 38): reached.append(name)
print(json.dumps(reached))
"""


def test_41_system_calls_that_are_only_good_for_getting_out(
    box: Sandbox, open_weak: Callable[..., Sandbox], attack: Any
) -> None:
    machine = os.uname().machine
    if seccomp.program(machine) is None:
        pytest.skip(f"no filter for {machine}")
    docker_allows = {"unshare", "io_uring_setup", "memfd_secret"}  # older ones: without arguments that matter
    assert set(attack(box, CALLS, machine)) <= (docker_allows if box.name == "docker" else set())

    def unfiltered(profile: Any) -> Any:
        if isinstance(profile, dict):
            return {**profile, "security_opt": ["no-new-privileges", "seccomp=unconfined"]}
        return without("--seccomp")(profile)

    assert {"keyctl", "unshare"} <= set(attack(open_weak(unfiltered), CALLS, machine))  # control


def test_41_setuid_programs(
    box: Sandbox, kind: str, open_weak: Callable[..., Sandbox], host: Any, as_root: None
) -> None:
    """Of another ordinary user: in a sandbox where one of root's worked, the test machine would be the attacker's.

    bwrap has no option to leave out "no new privileges", so there the profile of the kernel's process is the check.
    """
    program = host.workspace.worktree / "other"
    shutil.copy("/usr/bin/id", program)
    os.chown(program, 4711, 4711)
    program.chmod(0o6755)
    try:
        assert "4711" not in box.run(["./other"], timeout=10).stdout
        assert "NoNewPrivs:\t1" in box.run(["cat", "/proc/self/status"], timeout=10).stdout
        if kind == "docker":
            weak = open_weak(lambda profile: {**profile, "security_opt": [], "cap_drop": []})
            assert "euid=4711" in weak.run(["./other"], timeout=10).stdout  # control
    finally:
        program.unlink()


def test_42_the_kernels_files(box: Sandbox, open_weak: Callable[..., Sandbox], attack: Any, as_root: None) -> None:
    """They are opened for writing, and nothing is written: that would change the test machine."""
    code = """
import glob, json, os
opened = []
files = [f for top in ('/proc/sys', '/shown', '/sys/fs/cgroup') for f in glob.glob(top + '/**', recursive=True)]
for place in ('kernel', 'power', 'module'): files += glob.glob(f'/sys/{place}/*')
files = [f for f in files if os.path.isfile(f)]
for file in files + ['/proc/sysrq-trigger', '/dev/mem', '/dev/kmsg', '/dev/port']:
    try: os.close(os.open(file, os.O_WRONLY))
    except OSError: continue
    opened.append(file)
print(json.dumps(opened))
"""
    assert attack(box, code, timeout=60) == []

    def weaken(profile: Any) -> Any:
        if isinstance(profile, dict):
            bind = {"Target": "/shown", "Source": "/proc/sys", "Type": "bind", "ReadOnly": False}
            return {**profile, "user": "0:0", "mounts": [*profile["mounts"], bind]}
        return [option for option in profile if option != ("--remount-ro", "/proc")]

    opened = attack(open_weak(weaken), code, timeout=60)
    assert ("/shown" if box.name == "docker" else "/proc/sys") + "/kernel/core_pattern" in opened  # control


def test_42_what_proc_tells_of_the_host(
    kind: str, box: Sandbox, open_weak: Callable[..., Sandbox], attack: Any, as_root: None
) -> None:
    """Called by root, bwrap's processes are the host's root without capabilities, and these are root's files."""
    code = """
import json, os
read = []
for name in ('vmallocinfo', 'slabinfo', 'kpagecount', 'kcore', 'keys', 'timer_list'):
    try: open('/proc/' + name, 'rb').read(64) and read.append(name)
    except OSError: pass
print(json.dumps(read))
"""
    assert attack(box, code) == []
    if kind == "bwrap":
        shown = open_weak(lambda profile: [o for o in profile if o[:2] != ("--ro-bind", "/dev/null")])
        assert attack(shown, code)  # control


def test_43_processes_of_the_host(
    box: Sandbox, kind: str, open_weak: Callable[..., Sandbox], attack: Any, toolchain: Any, tmp_path: Path
) -> None:
    """bwrap's control is to go without: its agent, which ends all below it, is made for a machine of its own."""
    code = """
import json, os, sys
reached = []
try: os.kill(int(sys.argv[1]), 0); reached.append('signal')
except OSError: pass
if os.path.exists(f'/proc/{sys.argv[1]}/comm') and 'sleep' in open(f'/proc/{sys.argv[1]}/comm').read():
    reached.append('seen')
print(json.dumps([reached, len([p for p in os.listdir('/proc') if p.isdigit()])]))
"""
    inside = 1000 if os.geteuid() == 0 else None  # who the processes in a container are
    with subprocess.Popen(["sleep", "60"], user=inside if kind == "docker" else None) as sleeper:
        try:
            reached, count = attack(box, code, sleeper.pid)
            assert reached == [] and count <= 3
            if kind == "docker":
                shown = open_weak(lambda profile: {**profile, "pid_mode": "host"})
            else:
                shown = open_none(Workspace(tmp_path, tmp_path, toolchain.python), Limits())
            try:
                assert attack(shown, code, sleeper.pid)[0] == ["signal", "seen"]
            finally:
                shown.close()
            assert sleeper.poll() is None
        finally:
            sleeper.kill()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can look at the agent's descriptors")
def test_44_descriptors_and_working_directories_that_lead_out(
    host: Any, open_weak: Callable[..., Sandbox], agents: Callable[[], list[int]], processes_with: Any
) -> None:
    """CVE-2024-21626 in form: a directory of the host is open, inheritable, when the sandbox is."""
    leak = os.open(host.top, os.O_RDONLY | os.O_DIRECTORY)
    os.set_inheritable(leak, True)
    try:
        box = open_weak(lambda profile: profile, label="descriptors")
        found = [pid for pid in processes_with(str(host.workspace.inside)) if _is_agent(pid)]
        targets = [str(link.readlink()) for pid in found for link in Path(f"/proc/{pid}/fd").iterdir()]
        own = [t for t in targets if t == "/dev/null" or t.startswith("pipe:") or t.endswith("/oom_score_adj")]
        assert found and own == targets
        listed = box.run(["sh", "-c", f"ls /proc/self/fd/{leak}/ ; ls /proc/self/cwd/../../../.."], timeout=10)
        assert "checkout" not in listed.stdout
        control = subprocess.run(["ls", f"/proc/self/fd/{leak}/"], pass_fds=[leak], capture_output=True, text=True)
        assert "checkout" in control.stdout
    finally:
        os.close(leak)


def _is_agent(pid: int) -> bool:
    try:
        return b"bwrap" not in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]
    except OSError:
        return False


# --- the filter itself


@pytest.mark.parametrize("machine", seccomp.ARCHITECTURES)
def test_the_numbers_of_the_system_calls_are_right(machine: str) -> None:
    """As libseccomp, which is on most machines, has them."""
    try:
        library = ctypes.CDLL("libseccomp.so.2")
    except OSError:
        pytest.skip("libseccomp is not installed")
    resolve = library.seccomp_syscall_resolve_name_arch
    resolve.argtypes = [ctypes.c_uint32, ctypes.c_char_p]
    column, architecture = seccomp.ARCHITECTURES[machine]
    ours = {"clone": seccomp.CLONE, "clone3": seccomp.CLONE3, "socket": seccomp.SOCKET, "ioctl": seccomp.IOCTL}
    ours["prlimit64"] = seccomp.PRLIMIT
    for name, numbers in {**seccomp.DENIED, **ours}.items():
        known = resolve(architecture, name.encode())
        assert known == numbers[column] or (known < 0 and numbers[column] is None), name


def verdict(program: bytes, architecture: int, number: int, *arguments: int) -> int:
    """What the kernel would make of a call: a filter is a few comparisons and jumps."""
    data = struct.pack("=IIQ6Q", number, architecture, 0, *(list(arguments) + [0] * 6)[:6])
    steps, at, loaded = list(struct.iter_unpack("=HBBI", program)), 0, 0
    while True:
        code, yes, no, value = steps[at]
        at += 1
        if code == 0x20:
            loaded = struct.unpack_from("=I", data, value)[0]
        elif code == 0x06:
            return int(value)
        else:
            held = {0x15: loaded == value, 0x25: loaded > value, 0x45: bool(loaded & value)}[code]
            at += yes if held else no


@pytest.mark.parametrize("machine", seccomp.ARCHITECTURES)
def test_what_the_filter_says(machine: str) -> None:
    column, architecture = seccomp.ARCHITECTURES[machine]
    program = seccomp.program(machine)
    assert program is not None
    allow, permission, unknown, family = 0x7FFF0000, 0x50001, 0x50026, 0x50061

    def says(numbers: tuple[int | None, int | None], *arguments: int) -> int:
        number = numbers[column]
        assert number is not None
        return verdict(program, architecture, number, *arguments)

    for name, numbers in seccomp.DENIED.items():
        assert numbers[column] is None or says(numbers) == permission, name
    assert [says(seccomp.SOCKET, f) for f in (1, 2, 10, 16, 17, 38, 40)] == [allow] * 4 + [family] * 3
    clones = {0x11: allow, 0x10F00: allow, 0x10B00: permission, 0x10000000: permission, 0x40000000: permission}
    assert {flags: says(seccomp.CLONE, flags) for flags in clones} == clones
    assert says(seccomp.CLONE3) == unknown
    assert [says(seccomp.IOCTL, 0, request) for request in (0x5401, 0x5412, 0x541C)] == [allow, permission, permission]
    assert [says(seccomp.PRLIMIT, pid) for pid in (0, 1, 4711)] == [allow, permission, permission]
    assert verdict(program, architecture, seccomp.NEWEST + 1) == unknown
    assert verdict(program, architecture, 0x40000000) == unknown  # x32
    assert verdict(program, 0x40000003, 1) == unknown  # 32-bit
    denied = {numbers[column] for numbers in seccomp.DENIED.values()} | {seccomp.CLONE3[column]}
    plain = (
        set(range(seccomp.NEWEST + 1))
        - denied
        - {*(seccomp.SOCKET[column], seccomp.IOCTL[column], seccomp.CLONE[column], seccomp.PRLIMIT[column])}
    )
    assert {verdict(program, architecture, number) for number in plain} == {allow}
    assert seccomp.program("pdp11") is None
