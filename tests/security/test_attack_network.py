"""Attacks over the network, where there is none: what it may reach when it was asked for is in test_network_*.py."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from coder_sandbox.contract import Sandbox

CONNECT = """
import json, socket, sys
def reached(family, kind, address):
    try:
        with socket.socket(family, kind) as s:
            s.settimeout(0.5)
            s.connect(address)
            s.send(b'x')
            return kind != socket.SOCK_DGRAM or s.recv(9) == b'answer'
    except OSError:
        return False
tcp, udp, ip4, ip6 = socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.AF_INET, socket.AF_INET6
port, own, name = int(sys.argv[1]), sys.argv[2], sys.argv[3]
tries = {
    'tcp': (ip4, tcp, (own, port)), 'udp': (ip4, udp, (own, port)), 'loopback': (ip4, tcp, ('127.0.0.1', port)),
    'abstract': (socket.AF_UNIX, tcp, '\\0' + name), 'loopback6': (ip6, tcp, ('::1', port)),
    'gateway': (ip4, tcp, ('172.17.0.1', port)), 'metadata': (ip4, tcp, ('169.254.169.254', 80)),
    'elsewhere': (ip4, tcp, ('1.1.1.1', 53)), 'dns': (ip4, udp, ('8.8.8.8', 53)),
    'elsewhere6': (ip6, tcp, ('2606:4700:4700::1111', 443))}
found = [what for what, t in tries.items() if reached(*t)]
for host in ('example.org', 'localhost.localdomain'):
    try: found.append(socket.getaddrinfo(host, 80) and host)
    except OSError: pass
print(json.dumps(found))
"""
HOSTS = ("tcp", "udp", "loopback", "abstract")
LOCAL = (*HOSTS, "loopback6", "gateway")


@pytest.fixture(scope="module")
def services() -> Iterator[tuple[int, str, str]]:
    """What a host has: a service on all its addresses over TCP and UDP, and one on an abstract socket."""
    name = f"coder-test-{os.getpid()}"
    with ExitStack() as stack:
        tcp, udp = stack.enter_context(socket.socket()), stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
        tcp.bind(("0.0.0.0", 0))
        port = tcp.getsockname()[1]
        with contextlib.suppress(OSError):  # a machine without IPv6
            six = stack.enter_context(socket.socket(socket.AF_INET6))
            six.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            six.bind(("::1", port))
            six.listen()
        udp.bind(("0.0.0.0", port))
        tcp.listen()
        abstract = stack.enter_context(socket.socket(socket.AF_UNIX))
        abstract.bind(f"\0{name}")
        abstract.listen()

        def answer() -> None:
            while (got := udp.recvfrom(9))[0] != b"end":
                udp.sendto(b"answer", got[1])

        thread = threading.Thread(target=answer)
        thread.start()
        with socket.socket(type=socket.SOCK_DGRAM) as probe:
            probe.connect(("10.255.255.255", 1))
            own = probe.getsockname()[0]
        try:
            yield port, own, name
        finally:
            with socket.socket(type=socket.SOCK_DGRAM) as last:
                last.sendto(b"end", ("127.0.0.1", port))
            thread.join()


def host_network(profile: Any) -> Any:
    return {**profile, "network_mode": "host"} if isinstance(profile, dict) else [*profile, ("--share-net",)]


def test_31_tcp_udp_and_names(box: Sandbox, services: tuple[int, str, str], attack: Any) -> None:
    """And 32, loopback services, the gateway and cloud metadata; 33, abstract sockets; 34, IPv6."""
    assert attack(box, CONNECT, *services) == []


def test_31_32_33_control_in_the_hosts_network_all_answer(
    open_weak: Callable[..., Sandbox], services: tuple[int, str, str], attack: Any
) -> None:
    """What the test machine itself reaches. The cloud's metadata and the addresses elsewhere are among it only on a
    machine that has them: it is the same missing route that keeps code inside from these."""
    argv = [sys.executable, "-c", CONNECT, *map(str, services)]
    outside = json.loads(subprocess.run(argv, capture_output=True, check=True).stdout)
    found = attack(open_weak(host_network), CONNECT, *services, timeout=60)
    assert set(HOSTS) <= set(found) and set(LOCAL) & set(found) == set(LOCAL) & set(outside)


def test_33_path_sockets_of_the_host(box: Sandbox, door: Sandbox, attack: Any) -> None:
    code = """
import json, socket, sys
reached = []
for path in sys.argv[1:]:
    with socket.socket(socket.AF_UNIX) as s:
        try: s.connect(path); reached.append(path)
        except OSError: pass
print(json.dumps(reached))
"""
    for opened, expected in ((box, False), (door, True)):
        path = opened.workspace.worktree.parent / "tmp/agent.sock"
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
            path.chmod(0o777)
            server.listen()
            known = [
                "/var/run/docker.sock",
                "/run/docker.sock",
                "/run/dbus/system_bus_socket",
                os.environ.get("SSH_AUTH_SOCK", "/x"),
            ]
            assert attack(opened, code, path, *known) == ([str(path)] if expected else [])
        path.unlink()


FAMILIES = """
import json, socket
opened = []
tries = {'raw': (socket.AF_INET, socket.SOCK_RAW, 1), 'packet': (17, socket.SOCK_RAW, 0),
    'vsock': (40, socket.SOCK_STREAM, 0), 'alg': (38, socket.SOCK_SEQPACKET, 0),
    'bluetooth': (31, socket.SOCK_RAW, 1), 'can': (29, socket.SOCK_RAW, 1)}
for what, arguments in tries.items():
    try: socket.socket(*arguments); opened.append(what)
    except OSError: pass
print(json.dumps(opened))
"""


def test_34_raw_sockets_and_rare_families(box: Sandbox, open_weak: Callable[..., Sandbox], attack: Any) -> None:
    """Docker's own filter leaves some families open; each is still in the container's own network namespace."""
    assert not {"raw", "packet"} & set(attack(box, FAMILIES))
    if box.name == "bwrap":
        assert attack(box, FAMILIES) == []

    def capable(profile: Any) -> Any:
        if isinstance(profile, dict):
            return {**profile, "user": "0:0", "cap_add": ["NET_RAW"]}
        return [o for o in profile if o[0] != "--seccomp"]

    found = attack(open_weak(capable), FAMILIES)  # control; a raw socket takes rights that bwrap cannot give on its own
    assert "raw" in found if box.name == "docker" else found
