"""Tries on this very machine to break what the sandbox promises; the host looks whether it was broken.

The tests in tests/security/ try harder and more; this is what a user can run where no checkout is.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from coder_sandbox.choose import Kind, open_sandbox
from coder_sandbox.contract import Limits, Sandbox, SandboxError, Workspace
from coder_sandbox.owner import temporary_directory
from coder_sandbox.safe_files import directory, remove
from coder_sandbox.toolchain import find_toolchain

LIMITS = Limits(
    memory_mb=256, processes=64, file_mb=8, tmp_mb=32, worktree_mb=64, worktree_files=20_000, output_bytes=100_000
)
SECRET = "a-secret-of-the-host"
VARIABLE = "CODER_CHECK_TOKEN"
SECONDS = 20.0


@dataclass(frozen=True)
class Outcome:
    """One promise that was tried. `reason`: how it was broken, "" if it held."""

    promise: str
    ok: bool
    reason: str


class Host:
    """What an attacker would like to reach, made for the occasion."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.worktree, self.secret = top / "worktree", top / "secret"
        self.worktree.mkdir()
        self.secret.write_text(SECRET)
        self.token = f"coder-check-{os.getpid()}-{time.time_ns()}"
        self._server = socket.create_server(("0.0.0.0", 0))
        self.port = int(self._server.getsockname()[1])
        self.visits = 0
        threading.Thread(target=self._count, name="check", daemon=True).start()

    def _count(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self.visits += 1
            connection.close()

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def still_running(self) -> list[int]:
        """Processes, wherever they are, that carry this check's token."""
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and self.token.encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
        return [pid for pid in found if pid != os.getpid()]


def check(kind: Kind) -> Iterator[Outcome]:
    """Try every promise in one backend. Raises SandboxError if it cannot be opened at all."""
    with ExitStack() as undo:
        made = temporary_directory("check")
        undo.callback(_remove, made)
        host = Host(made)
        undo.callback(host.close)
        toolchain = find_toolchain(made, os.environ, sys.executable)
        workspace = Workspace(
            host.worktree, made / "repo", toolchain.python, toolchain.mounts, label="check", env=toolchain.env
        )
        before = host.worktree.stat()
        with _environment(VARIABLE, SECRET), ExitStack() as boxes:
            box = open_sandbox(kind, workspace, LIMITS)
            boxes.callback(box.close)
            for promise, attempt in PROMISES.items():
                yield _outcome(promise, partial(attempt, host, box))
        yield _outcome("only the named hosts are reached", partial(_allowed_host, kind, workspace, host))
        yield _outcome("nothing is left, every file is the caller's", partial(_afterwards, host, before))


def _outcome(promise: str, attempt: Callable[[], str]) -> Outcome:
    try:
        reason = attempt()
    except (SandboxError, OSError, ValueError, KeyError, TypeError) as error:
        reason = f"could not be tried: {error}"
    return Outcome(promise, not reason, reason)


def _remove(path: Path) -> None:
    with directory(path.parent) as handle:
        remove(handle, path.name)


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    os.environ[name] = value
    try:
        yield
    finally:
        del os.environ[name]


def _python(box: Sandbox, code: str, *args: object) -> Any:
    """What Python code prints inside, read as JSON."""
    done = box.run([str(box.workspace.python), "-c", code, *map(str, args)], timeout=SECONDS)
    if done.exit_code != 0:
        raise ValueError(f"its attempt ended with {done.exit_code}: {done.stderr[-200:].strip()}")
    return json.loads(done.stdout)


def _writes(host: Host, box: Sandbox) -> str:
    code = """
import json, os, sys
written = []
for place in sys.argv[1:]:
    try: open(os.path.join(place, 'coder-was-here'), 'w').close()
    except OSError: continue
    written.append(place)
print(json.dumps(written))
"""
    # of the temporary directory it has one of its own, where the path to the worktree may be written to
    places = ["/", "/usr", "/etc", "/usr/lib", str(Path.home()), sys.prefix, sys.base_prefix, str(box.workspace.inside)]
    written = _python(box, code, *places, host.top)
    if there := [place for place in [*places[:-1], host.top] if Path(str(place), "coder-was-here").exists()]:
        for place in there:
            Path(str(place), "coder-was-here").unlink()
        return f"the host's {', '.join(map(str, there))} was written to"
    more = [place for place in written if place in places[:-1]]
    if str(box.workspace.inside) not in written:
        return "it cannot write into its worktree either"
    return f"it could write to {', '.join(more)}" if more else ""


def _reads(host: Host, box: Sandbox) -> str:
    code = """
import json, os, sys
seen = []
for path in sys.argv[1:]:
    try: seen += [path] if open(path, 'rb').read(1) else []
    except OSError: pass
print(json.dumps(seen))
"""
    home = Path.home()
    files = [
        host.secret,
        home / ".bashrc",
        home / ".ssh" / "id_rsa",
        home / ".netrc",
        "/etc/shadow",
        "/run/docker.sock",
    ]
    seen = _python(box, code, *files)
    return f"it could read {', '.join(seen)}" if seen else ""


def _variables(host: Host, box: Sandbox) -> str:
    code = """
import glob, json, os
seen = [repr(dict(os.environ))]
for name in glob.glob('/proc/[0-9]*/environ'):
    try: seen.append(open(name, 'rb').read().decode('utf-8', 'replace'))
    except OSError: pass
print(json.dumps(' '.join(seen)))
"""
    return "it could read a variable of the host" if SECRET in _python(box, code) else ""


def _network(host: Host, box: Sandbox) -> str:
    code = """
import json, socket, sys
reached = []
for address in [(h, int(sys.argv[1])) for h in sys.argv[2:]] + [('1.1.1.1', 53), ('169.254.169.254', 80)]:
    try: socket.create_connection(address, 1).close(); reached.append(str(address))
    except OSError: pass
try: reached.append(socket.getaddrinfo('example.org', 80) and 'a name server')
except OSError: pass
print(json.dumps(reached))
"""
    before = host.visits
    reached = _python(box, code, host.port, "127.0.0.1", _own_address(), "172.17.0.1")
    if host.visits != before:
        return "it reached a server of the host"
    return f"it reached {', '.join(reached)}" if reached else ""


def _own_address() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("10.255.255.255", 1))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def _privilege(host: Host, box: Sandbox) -> str:
    code = """
import ctypes, json
status = dict(line.split(':', 1) for line in open('/proc/self/status'))
libc = ctypes.CDLL(None, use_errno=True)
found = [f'{n} is {status[n].strip()}' for n in ('CapEff', 'CapPrm', 'CapBnd') if int(status[n], 16)]
if status['NoNewPrivs'].strip() != '1': found.append('new privileges can be had')
if status.get('Seccomp', '0').strip() != '2': found.append('there is no seccomp filter')
if libc.unshare(0x10000000) == 0: found.append('user namespaces can be made')
if libc.mount(b'none', b'/tmp', b'tmpfs', 0, None) == 0: found.append('it can mount')
print(json.dumps(found))
"""
    return ", ".join(_python(box, code))


def _processes(host: Host, box: Sandbox) -> str:
    count = _python(box, "import os; print(len([p for p in os.listdir('/proc') if p.isdigit()]))")
    return f"it sees {count} processes" if count > 4 else ""


def _fork_bomb(host: Host, box: Sandbox) -> str:
    bomb = "import os\nwhile True:\n try: os.fork()\n except OSError: pass"
    done = box.run([str(box.workspace.python), "-c", bomb], timeout=SECONDS)
    return "" if done.killed_by == "processes" else f"it was not ended as that, but: {done.killed_by}"


def _memory_bomb(host: Host, box: Sandbox) -> str:
    bomb = "kept = []\nwhile True: kept.append(bytearray(1 << 22))"
    done = box.run([str(box.workspace.python), "-c", bomb], timeout=SECONDS)
    ended = done.killed_by == "memory" or "MemoryError" in done.stderr
    return "" if ended else f"it was not ended as that, but: {done.killed_by or done.exit_code}"


def _disk(host: Host, box: Sandbox) -> str:
    code = """
import json, os
over = []
for name, most in (('big', 8), ('/tmp/big', 32), ('/dev/shm/big', 32)):
    size = 0
    try:
        with open(name, 'wb', buffering=0) as file:
            while size <= most: size += file.write(b'x' * (1 << 20)) >> 20
    except OSError: pass
    if size > most: over.append(name)
    if os.path.exists(name): os.remove(name)
print(json.dumps(over))
"""
    over = _python(box, code)
    if over:
        return f"{', '.join(over)} grew over its limit"
    many = "n=0\nwhile True:\n    open(f'many{n}', 'wb').write(b'x' * (1 << 20)); n += 1"
    done = box.run([str(box.workspace.python), "-c", many], timeout=SECONDS)
    for file in box.workspace.worktree.glob("many*"):  # not from inside, where a full worktree lets nothing run
        file.unlink()
    return "" if done.killed_by == "disk" else f"many files in the worktree went on growing ({done.killed_by})"


def _output(host: Host, box: Sandbox) -> str:
    done = box.run(["sh", "-c", "yes"], timeout=SECONDS)
    kept = len(done.stdout)
    return "" if done.killed_by == "output" and kept <= LIMITS.output_bytes else f"{kept} characters, {done.killed_by}"


def _time(host: Host, box: Sandbox) -> str:
    """A command that heeds no signal, with a daemon of its own."""
    loop = f"trap '' TERM INT HUP; while :; do sleep 1; done # {host.token}"
    started = time.monotonic()
    done = box.run(["sh", "-c", f'setsid sh -c "{loop}" & {loop}'], timeout=1)
    took = time.monotonic() - started
    if done.killed_by != "timeout" or took > 4:
        return f"it ended after {took:.1f} s: {done.killed_by}"
    return f"processes outlived it: {left}" if (left := host.still_running()) else ""


def _allowed_host(kind: Kind, workspace: Workspace, host: Host) -> str:
    code = """
import json, socket, sys
def tunnel(target):
    with socket.create_connection(('127.0.0.1', 3128), 5) as s:
        s.sendall(f'CONNECT {target} HTTP/1.1\\r\\n\\r\\n'.encode())
        return int(s.recv(4096).split()[1])
print(json.dumps([tunnel(target) for target in sys.argv[1:]]))
"""
    box = open_sandbox(kind, replace(workspace, allow_hosts=(f"127.0.0.1:{host.port}",)), LIMITS)
    try:
        answers = _python(box, code, f"127.0.0.1:{host.port}", f"127.0.0.1:{host.port + 1}", "example.org:443")
    finally:
        box.close()
    return "" if answers == [200, 403, 403] else f"the proxy answered {answers}"


def _afterwards(host: Host, before: os.stat_result) -> str:
    if left := host.still_running():
        return f"processes are left: {left}"
    paths = [host.worktree, *host.worktree.rglob("*")]
    others = [str(p) for p in paths if (p.lstat().st_uid, p.lstat().st_gid) != (before.st_uid, before.st_gid)]
    return f"{', '.join(others)} changed its owner" if others else ""


PROMISES: Mapping[str, Callable[[Host, Sandbox], str]] = {
    "it writes into its worktree alone": _writes,
    "your files are out of sight": _reads,
    "your variables are out of sight": _variables,
    "there is no network, and no DNS": _network,
    "it has no privilege and gets none": _privilege,
    "other processes are out of sight": _processes,
    "a fork bomb is ended": _fork_bomb,
    "a memory bomb is ended": _memory_bomb,
    "files and temporary files are limited": _disk,
    "endless output is cut off": _output,
    "time is up for the whole process tree": _time,
}
