"""With --allow-host exactly those hosts are reached, and nothing else gets out: no other host or port, no DNS query.

Each attempt is judged by a server on the host that writes down who came, not by what the attempt says.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from coder_sandbox import proxy
from coder_sandbox.contract import Sandbox, SandboxError

TOKEN = "said-by-the-host"


class Listener:
    """A web server of the host that remembers what was asked of it."""

    def __init__(self, address: str = "127.0.0.1") -> None:
        asked: list[tuple[str, str]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append((self.path, self.headers.get("Host", "")))
                body = TOKEN.encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        self.asked = asked
        self._server = ThreadingHTTPServer((address, 0), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def listen() -> Iterator[Callable[..., Listener]]:
    with ExitStack() as stack:

        def start(*args: str) -> Listener:
            listener = Listener(*args)
            stack.callback(listener.close)
            return listener

        yield start


def inside(box: Sandbox, code: str, *args: object) -> Any:
    done = box.run([str(box.workspace.python), "-c", code, *map(str, args)], timeout=20)
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


FETCH = """
import json, sys, urllib.request, urllib.error
def fetch(url):
    try: return urllib.request.urlopen(url, timeout=10).read().decode()
    except urllib.error.HTTPError as error: return error.code
    except OSError as error: return type(error).__name__
opener = urllib.request.build_opener(urllib.request.ProxyHandler({'http': 'http://127.0.0.1:3128'}))
urllib.request.install_opener(opener)
print(json.dumps([fetch(url) for url in sys.argv[1:]]))
"""

TUNNEL = """
import json, socket, sys
def tunnel(target):
    with socket.create_connection(('127.0.0.1', 3128), 10) as s:
        s.sendall(f'CONNECT {target} HTTP/1.1\\r\\nHost: {target}\\r\\n\\r\\n'.encode())
        answer = s.recv(4096)
        if b' 200 ' not in answer: return int(answer.split()[1])
        s.sendall(b'GET /tunnelled HTTP/1.0\\r\\n\\r\\n')
        text = b''
        while data := s.recv(4096): text += data
        return text.partition(b'\\r\\n\\r\\n')[2].decode()
print(json.dumps([tunnel(target) for target in sys.argv[1:]]))
"""


def test_an_allowed_host_is_reached_by_http_and_through_a_tunnel(
    open_box: Any, isolating: str, listen: Callable[..., Listener]
) -> None:
    server = listen()
    box = open_box(isolating, allow_hosts=(f"127.0.0.1:{server.port}",))
    assert inside(box, FETCH, f"http://127.0.0.1:{server.port}/plain?q=1") == [TOKEN]
    assert inside(box, TUNNEL, f"127.0.0.1:{server.port}") == [TOKEN]
    assert [path for path, _ in server.asked] == ["/plain?q=1", "/tunnelled"]


def test_no_other_host_or_port_is_reached_through_the_proxy(
    open_box: Any, isolating: str, listen: Callable[..., Listener]
) -> None:
    allowed, other = listen(), listen("0.0.0.0")
    box = open_box(isolating, allow_hosts=(f"127.0.0.1:{allowed.port}",))
    own = socket.gethostbyname(socket.gethostname())
    elsewhere = [f"{name}:{other.port}" for name in ("127.0.0.1", "localhost", own, "0.0.0.0", "127.1", "[::1]")]
    elsewhere += ["169.254.169.254:80", "example.org:443", "1.1.1.1:53"]
    assert inside(box, TUNNEL, *elsewhere) == [403] * len(elsewhere)
    urls = [f"http://127.0.0.1:{other.port}/", f"http://127.0.0.1:{allowed.port}@127.0.0.1:{other.port}/"]
    assert inside(box, FETCH, *urls) == [403, 403]
    assert other.asked == [] and allowed.asked == []


def test_the_host_header_is_that_of_the_allowed_host(
    open_box: Any, isolating: str, listen: Callable[..., Listener]
) -> None:
    """Nobody gets to another site of the same server by naming it in the header."""
    server = listen()
    box = open_box(isolating, allow_hosts=(f"localhost:{server.port}",))
    code = """
import json, socket, sys
with socket.create_connection(('127.0.0.1', 3128), 10) as s:
    s.sendall(f'GET http://localhost:{sys.argv[1]}/x HTTP/1.1\\r\\nHost: evil.example\\r\\n\\r\\n'.encode())
    print(json.dumps(s.recv(4096).decode().split()[1]))
"""
    assert inside(box, code, server.port) == "200"
    assert server.asked == [("/x", f"localhost:{server.port}")]


def test_past_the_proxy_nothing_gets_out_dns_included(
    open_box: Any, isolating: str, listen: Callable[..., Listener]
) -> None:
    server = listen("0.0.0.0")
    box = open_box(isolating, allow_hosts=(f"127.0.0.1:{server.port}", "example.org"))
    code = """
import json, os, socket, sys
port, found = int(sys.argv[1]), []
def reached(family, kind, address):
    with socket.socket(family, kind) as s:
        s.settimeout(2)
        try:
            s.connect(address)
            s.send(b'x')
            return True
        except OSError: return False
tcp, udp, ip4, ip6 = socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.AF_INET, socket.AF_INET6
for family, kind, address in [(ip4, tcp, ('127.0.0.1', port)), (ip4, tcp, (sys.argv[2], port)),
    (ip4, udp, ('8.8.8.8', 53)), (ip4, tcp, ('1.1.1.1', 53)), (ip4, tcp, ('172.17.0.1', port)),
    (ip6, tcp, ('2606:4700:4700::1111', 443)), (ip4, tcp, ('169.254.169.254', 80)),
    (socket.AF_UNIX, tcp, '\\0' + sys.argv[3])]:
    if reached(family, kind, address): found.append(str(address))
for host in ('example.org', 'localhost.localdomain', 'secret.attacker.example'):
    try: found.append(socket.getaddrinfo(host, 80) and host)
    except OSError: pass
interfaces = sorted(name for _, name in socket.if_nameindex())
nameservers = os.path.exists('/etc/resolv.conf') and 'nameserver' in open('/etc/resolv.conf').read()
print(json.dumps([found, [i for i in interfaces if i not in ('lo', 'tunl0', 'sit0', 'ip6tnl0', 'gre0', 'gretap0',
    'erspan0', 'ip_vti0', 'ip6_vti0', 'ip6gre0')]]))
"""
    name = f"coder-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind(f"\0{name}")
        abstract.listen()
        own = socket.gethostbyname(socket.gethostname())
        assert inside(box, code, server.port, own, name) == [[], []]
    assert server.asked == []


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "::1", "169.254.169.254", "0.0.0.0", "224.0.0.1", "100.100.100.200", "fd00:ec2::254",
     "::ffff:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "::127.0.0.1"],
)  # fmt: skip
def test_addresses_that_are_this_machine_s_its_link_s_or_a_cloud_s_own(address: str) -> None:
    assert not proxy._is_elsewhere(address)


def test_an_address_of_one_of_this_machine_s_interfaces_is_its_own() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: it only asks which interface would
        except OSError:
            pytest.skip("no interface but loopback")
        own = probe.getsockname()[0]
    assert not proxy._is_elsewhere(own)
    assert proxy._is_elsewhere("198.51.100.7") and proxy._is_elsewhere("2001:4860::1")


def test_a_name_whose_dns_leads_back_to_this_machine_is_refused(
    open_box: Any, listen: Callable[..., Listener], monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS is not the user's word: only an address, or localhost, opens what is local."""
    import asyncio.base_events

    server = listen()

    async def lies(self: Any, host: str, port: int, **_: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(asyncio.base_events.BaseEventLoop, "getaddrinfo", lies)
    kind = "bwrap" if subprocess.run(["which", "bwrap"], capture_output=True, check=False).returncode == 0 else "docker"
    box = open_box(kind, allow_hosts=(f"rebind.example:{server.port}", f"localhost:{server.port}"))
    assert inside(box, TUNNEL, f"rebind.example:{server.port}", f"localhost:{server.port}") == [502, TOKEN]


def test_rubbish_and_floods_do_not_end_the_way_out(
    open_box: Any,
    isolating: str,
    listen: Callable[..., Listener],
    eventually: Callable[[Callable[[], bool], float], bool],
) -> None:
    server = listen()
    box = open_box(isolating, allow_hosts=(f"127.0.0.1:{server.port}",))
    code = """
import json, socket
for rubbish in (b'\\0' * 100 + b'\\r\\n\\r\\n', b'GET / HTTP/1.1\\r\\n\\r\\n', b'CONNECT a HTTP/1.1\\r\\n\\r\\n',
    b'x' * 200000, b'GET ftp://127.0.0.1/ HTTP/1.1\\r\\n\\r\\n', b'GET http://[ HTTP/1.1\\r\\n\\r\\n', b''):
    s = socket.create_connection(('127.0.0.1', 3128), 5)
    try:
        s.sendall(rubbish)
        s.recv(100) if rubbish else None
    except OSError: pass
    s.close()
open_ones = [socket.create_connection(('127.0.0.1', 3128), 5) for _ in range(150)]
print('true')
"""
    assert inside(box, code)
    # the connections of a process that has ended are given up a moment later
    assert eventually(lambda: inside(box, FETCH, f"http://127.0.0.1:{server.port}/after") == [TOKEN], 20)


def test_the_socket_is_gone_when_the_sandbox_closes(open_box: Any, isolating: str) -> None:
    label = f"run-{time.time_ns()}"

    def left() -> list[Path]:
        return list(Path(tempfile.gettempdir()).glob(f"coder-tmp@{label}@*"))

    before = threading.active_count()
    box = open_box(isolating, allow_hosts=("127.0.0.1:9",), label=label)
    assert left()
    box.close()
    assert not left() and threading.active_count() <= before


@pytest.mark.parametrize("wrong", ["*.example.org", "http://a.org", "a b", "example.org:0", "example.org:99999", ""])
def test_what_is_no_host_is_refused_in_words(open_box: Any, isolating: str, wrong: str) -> None:
    with pytest.raises(SandboxError, match="--allow-host"):
        open_box(isolating, allow_hosts=(wrong,))


@pytest.mark.bwrap
@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"network": True}, "bwrap, with the network"),
        ({"allow_hosts": ("a.org", "b.org:1")}, "bwrap, may reach a.org b.org:1"),
    ],
)
def test_what_is_open_is_said_in_record_and_result_and_kept_by_a_resume(
    tmp_path: Path, target_env: Path, monkeypatch: pytest.MonkeyPatch, asked: dict[str, Any], words: str
) -> None:
    from coder import run
    from coder.record.events import Event
    from coder.record.store import RunStore
    from coder.task import Request

    monkeypatch.setenv("VIRTUAL_ENV", str(target_env))
    repo = tmp_path / "repo"
    repo.mkdir()
    (repo / "test_a.py").write_text("def test_a():\n    assert True\n")
    request = Request(repo, model="none", sandbox="bwrap", **asked)
    assert Request.from_dict(json.loads(json.dumps(request.to_dict()))) == request
    events: list[Event] = []
    result = run.fix(request, RunStore(tmp_path / "home"), events.append)
    assert (result.status, result.sandbox) == ("already_passing", words)
    (opened,) = [event.data for event in events if (event.node, event.kind) == ("run", "sandbox")]
    for key, value in asked.items():
        assert opened[key] == (list(value) if isinstance(value, tuple) else value)


def test_without_a_sandbox_there_is_nothing_to_open(open_box: Any) -> None:
    with pytest.raises(SandboxError, match="needs a sandbox"):
        open_box("none", allow_hosts=("example.org",))


def test_a_repository_cannot_widen_it(tmp_path: Path) -> None:
    from coder import config

    (tmp_path / ".coder.toml").write_text('network = true\nallow_host = ["evil.example"]\nimage = "evil/image"\n')
    loaded = config.load(tmp_path, {}, {}, tmp_path / "user")
    assert (loaded.settings.network, loaded.settings.allow_host, loaded.settings.image) == (False, (), "")
    assert len(loaded.warnings) == 3 and all(str(tmp_path / ".coder.toml") in w for w in loaded.warnings)


def test_the_agent_serves_on_the_oldest_python_too() -> None:
    """The relay is part of the agent: it must at least compile where the target's Python is old."""
    old = sorted(Path.home().glob(".pyenv/versions/3.8*/bin/python"))
    python = str(old[0]) if old else sys.executable
    import coder_sandbox.agent.relay as relay

    done = subprocess.run([python, "-I", "-S", "-c", f"exec(open({relay.__file__!r}).read())"], check=False)
    assert done.returncode == 0
