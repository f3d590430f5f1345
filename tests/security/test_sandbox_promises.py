"""What code in a sandbox cannot do, whoever wrote it. Every promise holds in every sandbox that isolates.

Nothing is believed because the attacker says so: what can be looked at on the host is looked at there.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from coder_sandbox.choose import open_sandbox
from coder_sandbox.contract import ExecResult, Limits, Sandbox, Workspace
from coder_sandbox.toolchain import Toolchain

SECRET = "hunter2-of-the-host"


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("bwrap", marks=pytest.mark.bwrap),
        pytest.param("docker", marks=pytest.mark.docker),
    ],
)
def box(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, toolchain: Toolchain
) -> Iterator[Sandbox]:
    """One sandbox for all attacks that leave it in order, opened by a host with secrets."""
    top = tmp_path_factory.mktemp("host")
    for name in ("repo", "worktree", "elsewhere"):
        (top / name).mkdir()
        (top / name / "file").write_text(SECRET if name != "worktree" else "work")
    workspace = Workspace(top / "worktree", top / "repo", toolchain.python, toolchain.mounts, env=toolchain.env)
    with ExitStack() as undo:
        patch = undo.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("GITHUB_TOKEN", SECRET)
        opened = open_sandbox(request.param, workspace, Limits(tmp_mb=64))
        undo.callback(opened.close)
        yield opened


def attack(box: Sandbox, code: str, *args: object, timeout: float = 20) -> Any:
    """Run Python inside and give back what it prints, read as JSON."""
    done = box.run([str(box.workspace.python), "-c", code, *map(str, args)], timeout=timeout)
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def host(box: Sandbox) -> Path:
    return box.workspace.worktree.parent


# --- files


def test_it_writes_into_the_worktree_and_nowhere_else(box: Sandbox) -> None:
    code = """
import glob, json, os, sys
places = sys.argv[1:] + ['/', '/usr', '/usr/lib', '/usr/local', '/etc', '/dev', '/sys', '/root', '/home', '/var',
    '/run', '/coder-agent', sys.prefix, sys.base_prefix, os.path.dirname(os.__file__), os.path.expanduser('~root')]
written = []
for place in places:
    try: open(os.path.join(place, 'coder-was-here'), 'w').close()
    except OSError: continue
    written.append(place)
files = ['/etc/passwd', '/etc/hosts', '/coder-agent/main.py', sys.executable, os.__file__, '/proc/sysrq-trigger']
files += [f for f in glob.glob('/proc/sys/**', recursive=True) if os.path.isfile(f)] + ['/etc/ld.so.cache']
for file in files:
    try: open(file, 'r+').close()
    except OSError: continue
    written.append(file)
print(json.dumps(written))
"""
    inside = box.workspace.inside
    assert attack(box, code, inside, inside.parent / "elsewhere") == [str(inside)]
    assert (box.workspace.worktree / "coder-was-here").exists()
    assert not (host(box) / "repo" / "coder-was-here").exists()


def test_the_temporary_directory_is_its_own_and_limited(box: Sandbox) -> None:
    code = """
import errno, json, os, tempfile
name = '/tmp/coder-was-here'
open(name, 'w').close()
failed = []
for place in (tempfile.gettempdir(), os.path.expanduser('~'), '/dev/shm'):
    try:
        with open(place + '/big', 'wb') as file:
            for _ in range(70): file.write(b'x' * (1 << 20))
    except OSError as error: failed.append(errno.errorcode[error.errno])
    finally: os.remove(place + '/big')
print(json.dumps(failed))
"""
    assert attack(box, code) == ["ENOSPC"] * 3
    assert not Path("/tmp/coder-was-here").exists()


def test_the_users_own_repository_is_not_there(box: Sandbox) -> None:
    code = """
import json, os, sys
print(json.dumps([open(sys.argv[1]).read(), os.path.exists(sys.argv[2]), os.path.exists(sys.argv[3])]))
"""
    top = host(box)
    seen = attack(box, code, top / "repo" / "file", top / "worktree", top / "elsewhere")
    assert seen == ["work", False, False]


def test_no_home_and_no_secret_can_be_read(box: Sandbox) -> None:
    """Of the home directory there is at most the way to the interpreter."""
    code = """
import json, os, sys
home, seen = sys.argv[1], []
for place, directories, files in os.walk(home):
    directories[:] = [d for d in directories if not any(os.path.join(place, d) == m for m in sys.argv[2:])]
    seen += [os.path.join(place, f) for f in files]
for path in ('/etc/shadow', '/root/.bashrc', '/var/run/docker.sock', '/run/docker.sock', '/dev/mem', '/dev/kmsg'):
    try: seen.append(open(path, 'rb').read(1) and path)
    except OSError: pass
print(json.dumps(seen))
"""
    mounts = [mount.inside for mount in box.workspace.mounts]
    assert attack(box, code, Path.home(), *mounts) == []


def test_the_hosts_environment_does_not_get_in(box: Sandbox) -> None:
    code = """
import glob, json, os
seen = ['\\0'.join(f'{k}={v}' for k, v in os.environ.items()).encode()]
for name in glob.glob('/proc/[0-9]*/environ') + glob.glob('/proc/[0-9]*/cmdline'):
    try: seen.append(open(name, 'rb').read())
    except OSError: pass
print(json.dumps(b'\\0'.join(seen).decode('utf-8', 'replace')))
"""
    seen = attack(box, code)
    assert SECRET not in seen and "GITHUB_TOKEN" not in seen and "HOME=/tmp/home" in seen


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


# --- network


def test_no_network_neither_the_hosts_nor_anybodys(box: Sandbox) -> None:
    name = f"\0coder-test-{os.getpid()}"
    code = """
import json, socket, sys
def reached(family, kind, address):
    with socket.socket(family, kind) as s:
        s.settimeout(2)
        try:
            s.connect(address)
            s.send(b'x')
            return True
        except OSError:
            return False
tcp, udp, ip4, ip6 = socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.AF_INET, socket.AF_INET6
tries = [(ip4, tcp, ('127.0.0.1', int(sys.argv[1]))), (ip4, tcp, (sys.argv[2], int(sys.argv[1]))),
    (ip4, tcp, ('1.1.1.1', 53)), (ip4, udp, ('8.8.8.8', 53)), (ip4, tcp, ('169.254.169.254', 80)),
    (ip4, tcp, ('172.17.0.1', int(sys.argv[1]))), (ip6, tcp, ('2606:4700:4700::1111', 443)),
    (socket.AF_UNIX, tcp, '\\0' + sys.argv[3])]
found = [str(t[2]) for t in tries if reached(*t)]
for host in ('example.org', 'localhost.localdomain'):
    try: found.append(socket.getaddrinfo(host, 80) and host)
    except OSError: pass
print(json.dumps(found))
"""
    with socket.socket() as server, socket.socket(socket.AF_UNIX) as abstract:
        server.bind(("0.0.0.0", 0))
        server.listen()
        abstract.bind(name)
        abstract.listen()
        own = socket.gethostbyname(socket.gethostname())
        assert attack(box, code, server.getsockname()[1], own, name[1:]) == []


def test_the_network_is_there_when_it_was_asked_for(open_box: Any, isolating: str) -> None:
    """So that the test above fails for the right reason: the host's own address answers."""
    box = open_box(isolating, network=True)
    with socket.socket() as server:
        server.bind(("0.0.0.0", 0))
        server.listen()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("10.255.255.255", 1))
            own = probe.getsockname()[0]
        code = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 5); print('true')"
        assert attack(box, code, own, server.getsockname()[1])


# --- privilege


def test_it_is_nobody_special_and_cannot_become_so(box: Sandbox) -> None:
    code = """
import ctypes, json, os, subprocess
status = dict(line.split(':', 1) for line in open('/proc/self/status'))
libc = ctypes.CDLL(None, use_errno=True)
gained = []
if libc.unshare(0x10000000) == 0: gained.append('user namespace')
if libc.mount(b'none', b'/tmp', b'tmpfs', 0, None) == 0: gained.append('mount')
if libc.chroot(b'/tmp') == 0: gained.append('chroot')
for program in ('su', 'mount', 'passwd'):
    subprocess.run([program, '--version'], capture_output=True)
try: os.setuid(0); gained.append('root')
except OSError: pass
try: os.mknod('/tmp/device', 0o60666, os.makedev(254, 0)); gained.append('mknod')
except OSError: pass
caps = [status[name].strip() for name in ('CapEff', 'CapPrm', 'CapBnd', 'CapAmb')]
print(json.dumps([os.getuid() != 0, os.getgid() != 0, caps, status['NoNewPrivs'].strip(), gained]))
"""
    assert attack(box, code) == [True, True, ["0" * 16] * 4, "1", []]


def test_the_hosts_processes_are_out_of_sight_and_reach(box: Sandbox) -> None:
    code = """
import json, os, sys
reached = []
try: os.kill(int(sys.argv[1]), 0); reached.append('signal')
except OSError: pass
pids = [p for p in os.listdir('/proc') if p.isdigit()]
print(json.dumps([reached, len(pids)]))
"""
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        try:
            reached, count = attack(box, code, sleeper.pid)
        finally:
            sleeper.kill()
    assert reached == [] and count <= 3


# --- the agent


def test_the_agents_descriptors_memory_and_life_are_out_of_reach(box: Sandbox) -> None:
    code = """
import ctypes, glob, json, os, signal
opened = []
for name in glob.glob('/proc/1/fd/*') + [f'/proc/1/fd/{n}' for n in range(64)] + ['/proc/1/mem', '/proc/1/environ']:
    for mode in (os.O_RDONLY, os.O_WRONLY):
        try: opened.append((os.open(name, mode), name))
        except OSError: pass
libc = ctypes.CDLL(None, use_errno=True)
if libc.ptrace(16, 1, 0, 0) == 0: opened.append('ptrace')
if hasattr(os, 'pidfd_open') and libc.syscall(438, os.pidfd_open(1), 1, 0) >= 0: opened.append('pidfd_getfd')
for number in (signal.SIGSTOP, signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
    try: os.kill(1, number)
    except OSError: pass
print(json.dumps([os.getppid(), opened]))
"""
    assert attack(box, code) == [1, []]
    assert box.run(["echo", "alive"], timeout=5).stdout == "alive\n"


def test_an_answer_cannot_be_forged(box: Sandbox) -> None:
    forged = json.dumps({"id": 1, "result": {"exit_code": 0, "stdout": "1 passed", "stderr": "", "duration": 0}})
    code = """
import os, sys
for id in range(200):
    line = sys.argv[1].replace('"id": 1', f'"id": {id}') + '\\n'
    os.write(1, line.encode())
    os.write(2, line.encode())
for descriptor in [0] + list(range(3, 64)):
    try: os.write(descriptor, line.encode())
    except OSError: pass
os._exit(7)
"""
    for _ in range(2):
        done = box.run([str(box.workspace.python), "-c", code, forged], timeout=10)
        assert (done.exit_code, done.stdout.count("1 passed")) == (7, 200)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can look at the agent's descriptors")
def test_no_descriptor_of_the_host_is_inherited(open_box: Any, isolating: str, agents: Callable[[], list[int]]) -> None:
    open_box(isolating)
    (agent,) = agents()
    targets = [str(link.readlink()) for link in Path(f"/proc/{agent}/fd").iterdir()]
    own = [t for t in targets if t == "/dev/null" or t.startswith("pipe:") or t.endswith("/oom_score_adj")]
    assert own == targets and len(targets) in (5, 6)


# --- exhaustion


def run_in_time(box: Sandbox, argv: list[str], timeout: float) -> ExecResult:
    started = time.monotonic()
    done = box.run(argv, timeout=timeout)
    assert time.monotonic() - started < timeout + 2
    return done


def test_a_fork_bomb_is_ended(open_box: Any, isolating: str) -> None:
    box = open_box(isolating, Limits(processes=64))
    bomb = "import os\nwhile True:\n try: os.fork()\n except OSError: pass"
    assert run_in_time(box, [str(box.workspace.python), "-c", bomb], 20).killed_by == "processes"
    assert box.run(["echo", "alive"], timeout=5).stdout == "alive\n"


def test_processes_that_are_always_new_ones_do_not_escape_a_timeout(
    open_box: Any, isolating: str, processes_with: Callable[[str], list[int]]
) -> None:
    """Each forks and ends at once, so that no list of processes is ever true."""
    box = open_box(isolating)
    token = f"coder-test-{os.getpid()}-{time.time_ns()}"
    hydra = "import os\nwhile True:\n if os.fork(): os._exit(0)"
    done = run_in_time(box, ["sh", "-c", f"'{box.workspace.python}' -c '{hydra}' {token}; sleep 60"], 1)
    assert done.killed_by == "timeout"
    assert processes_with(token) == []


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
