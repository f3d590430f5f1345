"""The system calls that code under bubblewrap may not make, as a filter for the kernel. Docker brings its own.

Everything the kernel had in the year of NEWEST may be called but for DENIED and some calls that depend on their
arguments. What is newer, and every call through another architecture's door (32-bit, x32), does not exist.
Written as classic BPF by hand because the library for it, libseccomp, is not on every machine that has bwrap.
"""

from __future__ import annotations

import errno
import os
import struct
from dataclasses import dataclass

ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""What `uname -m` says: its column in the tables below, and its AUDIT_ARCH_* of <linux/audit.h>."""

NEWEST = 462
"""mseal, of Linux 6.10. Since 424 all architectures number new calls alike."""

DENIED: dict[str, tuple[int | None, int | None]] = {
    # The kernel's keyrings belong to no namespace: the caller's keys (Kerberos, ecryptfs) would be in reach.
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    # Large and young parts of the kernel, from which most ways out of a sandbox have come.
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "fanotify_init": (300, 262),
    "lookup_dcookie": (212, 18),
    "kcmp": (312, 272),
    "vhangup": (153, 58),
    # Memory that no watchdog can count.
    "memfd_secret": (447, 447),
    # Namespaces and mounts: what has been built stays as it is.
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    # A file by its number on the disk, past every directory that hides it.
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    # The machine itself: modules, another kernel, power, swap, clocks, its log and accounts, ports, quotas.
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "adjtimex": (159, 171),
    "clock_adjtime": (305, 266),
    "syslog": (103, 116),
    "acct": (163, 89),
    "iopl": (172, None),
    "ioperm": (173, None),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "nfsservctl": (180, 42),
    "uselib": (134, None),
    "sysfs": (139, None),
    "_sysctl": (156, None),
    "modify_ldt": (154, None),
    # Other nodes' memory: of use to nobody inside, and a door to the placement of everybody else's.
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
}

CLONE = (56, 220)
CLONE3 = (435, 435)
SOCKET = (41, 198)
IOCTL = (16, 29)
PRLIMIT = (302, 261)

THREAD, SHARED_FILES = 0x00010000, 0x00000400  # CLONE_THREAD, CLONE_FILES
NAMESPACES = 0x7E020000  # CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
FAMILIES = (1, 2, 10, 16)  # AF_UNIX, INET, INET6, NETLINK: each namespace has its own; of AF_VSOCK there is one
TERMINAL = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX: characters pushed into a terminal's input

_NUMBER, _ARCHITECTURE, _ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data
_ALLOW = 0x7FFF0000
_LOAD, _EQUAL, _GREATER, _ANY_BIT, _RETURN = 0x20, 0x15, 0x25, 0x45, 0x06


@dataclass(frozen=True)
class _Step:
    """One instruction; `yes` and `no` are how many are passed over after a comparison."""

    code: int
    value: int
    yes: int = 0
    no: int = 0


def program(machine: str | None = None) -> bytes | None:
    """The filter for a machine as `uname -m` calls it (this one by default), None if there is none for it."""
    known = ARCHITECTURES.get(machine or os.uname().machine)
    if known is None:
        return None
    column, architecture = known
    refused = [number[column] for number in DENIED.values()]
    steps = [
        _Step(_LOAD, _ARCHITECTURE),
        _Step(_EQUAL, architecture, yes=1),
        _refuse(errno.ENOSYS),
        _Step(_LOAD, _NUMBER),
        _Step(_GREATER, NEWEST, no=1),
        _refuse(errno.ENOSYS),
        *(step for number in refused if number is not None for step in _call(number, [_refuse(errno.EPERM)])),
        # its flags lie in memory, which a filter cannot read; the C library then falls back on clone
        *_call(CLONE3[column], [_refuse(errno.ENOSYS)]),
        *_call(CLONE[column], _clone()),
        *_call(SOCKET[column], [_argument(0), *_among(FAMILIES), _refuse(errno.EAFNOSUPPORT), _allow()]),
        *_call(IOCTL[column], [_argument(1), *_among(TERMINAL), _allow(), _refuse(errno.EPERM)]),
        # of oneself alone (0): the agent's limits are those that it needs to watch with
        *_call(PRLIMIT[column], [_argument(0), *_among((0,)), _refuse(errno.EPERM), _allow()]),
        _allow(),
    ]
    return b"".join(struct.pack("=HBBI", step.code, step.yes, step.no, step.value) for step in steps)


def _clone() -> list[_Step]:
    """No new namespace; and no thread with descriptors of its own, which the watchdog would have to look for."""
    return [
        _argument(0),
        _Step(_ANY_BIT, NAMESPACES, no=1),
        _refuse(errno.EPERM),
        _Step(_ANY_BIT, THREAD, no=2),
        _Step(_ANY_BIT, SHARED_FILES, yes=1),
        _refuse(errno.EPERM),
        _allow(),
    ]


def _refuse(number: int) -> _Step:
    return _Step(_RETURN, 0x00050000 | number)


def _allow() -> _Step:
    return _Step(_RETURN, _ALLOW)


def _argument(index: int) -> _Step:
    """Load the low half of an argument: all of these are 32-bit numbers to the kernel."""
    return _Step(_LOAD, _ARGUMENT + 8 * index)


def _call(number: int, body: list[_Step]) -> list[_Step]:
    """Do `body` (which ends with a verdict) for one system call."""
    return [_Step(_EQUAL, number, no=len(body)), *body]


def _among(values: tuple[int, ...]) -> list[_Step]:
    """Pass over the verdict that follows if what is loaded is one of these."""
    return [_Step(_EQUAL, value, yes=len(values) - at) for at, value in enumerate(values)]
