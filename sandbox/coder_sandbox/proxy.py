"""The one way out of a sandbox that may reach some hosts and no others: an HTTP proxy on coder's side.

The sandbox keeps its empty network. A Unix socket is shown in it, and the agent carries connections to its loopback
there (agent/relay.py). Names are resolved here and never inside, so that not even a DNS query gets out.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import re
import socket
import threading
from collections.abc import Sequence
from urllib.parse import urlsplit

from coder_sandbox.agent.relay import HOST, PORT, Connection, close, join
from coder_sandbox.hosts import AllowedHost, plain_name
from coder_sandbox.owner import temporary_directory
from coder_sandbox.safe_files import directory, remove

HEAD_BYTES = 1 << 16
HEAD_SECONDS = 20.0
CONNECT_SECONDS = 20.0
CONNECTIONS = 128
METADATA = frozenset(("100.100.100.200", "fd00:ec2::254"))  # those that are not link-local
NAT64 = ipaddress.ip_network("64:ff9b::/96")
HOP_HEADERS = {"host", "connection", "proxy-connection", "proxy-authorization", "keep-alive", "upgrade"}


class Refused(Exception):
    """Why a connection is not made, with the HTTP status that says so."""

    def __init__(self, status: str, words: str) -> None:
        super().__init__(words)
        self.status = status


class Proxy:
    """Serves one sandbox on a Unix socket, from a thread of its own."""

    def __init__(self, hosts: Sequence[str], label: str) -> None:
        """Returns when connections are taken. ValueError for a host that is none."""
        self._allowed = [AllowedHost.parse(host) for host in hosts]
        self._count = 0
        self._directory = temporary_directory(label)
        self.socket = self._directory / "proxy"
        listening = self._listen()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._live, args=(listening,), name="proxy", daemon=True)
        self._thread.start()
        self._ready.wait()

    def _listen(self) -> socket.socket:
        listening = socket.socket(socket.AF_UNIX)
        with directory(self._directory) as handle:
            listening.bind(f"/proc/self/fd/{handle}/proxy")  # a socket's path may have 108 bytes, this one more
        # Whoever is in the sandbox may connect; others of this machine do not get into the directory.
        self.socket.chmod(0o666)
        listening.listen(CONNECTIONS)
        return listening

    def close(self) -> None:
        """End every connection and remove the socket. Safe to call twice."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()
        with directory(self._directory.parent) as handle:
            remove(handle, self._directory.name)

    def _live(self, listening: socket.socket) -> None:
        asyncio.run(self._serve_until_stopped(listening))

    async def _serve_until_stopped(self, listening: socket.socket) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_unix_server(self._connected, sock=listening)
        self._ready.set()
        await self._stop.wait()
        server.close()  # and asyncio.run cancels what is still under way

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._count >= CONNECTIONS:
            close(writer)
            return
        self._count += 1
        try:
            await self._serve(reader, writer)
        except Refused as refused:
            body = f"coder's sandbox: {refused}\n".encode()
            head = f"HTTP/1.1 {refused.status}\r\nContent-Length: {len(body)}\r\nContent-Type: text/plain\r\n"
            writer.write(f"{head}Connection: close\r\n\r\n".encode() + body)
            with contextlib.suppress(OSError):
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # one of the two has gone
        finally:
            self._count -= 1
            close(writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request: a tunnel for CONNECT, else that request and its answer."""
        method, target, headers = await _head(reader)
        if method == "CONNECT":
            host, port = _authority(target)
            other = await self._reach(host, port)
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            host, port, path, shown = _url(target)
            other = await self._reach(host, port)
            kept = [line for line in headers if line.partition(":")[0].strip().lower() not in HOP_HEADERS]
            lines = [f"{method} {path} HTTP/1.1", f"Host: {shown}", *kept, "Connection: close", "", ""]
            other[1].write("\r\n".join(lines).encode("latin-1"))
        await join((reader, writer), other)

    async def _reach(self, host: str, port: int) -> Connection:
        """A connection to an allowed host. Raises Refused."""
        name = plain_name(host)
        rule = next((rule for rule in self._allowed if rule.name == name and port in rule.ports), None)
        if rule is None:
            raise Refused("403 Forbidden", f"{host}:{port} is not allowed here (--allow-host names what is)")
        try:
            found = await asyncio.wait_for(
                self._loop.getaddrinfo(name, port, type=socket.SOCK_STREAM), timeout=CONNECT_SECONDS
            )
        except (OSError, TimeoutError) as error:
            raise Refused("502 Bad Gateway", f"{host} cannot be resolved: {error}") from None
        words = "it has no address"
        for *_, address in found:
            if not (rule.is_literal or _is_elsewhere(str(address[0]))):
                # The name's DNS is not the user's: it must not lead back to this machine or to a cloud's metadata.
                words = f"its name leads to {address[0]}, an address of this machine or its link"
                continue
            try:
                return await asyncio.wait_for(asyncio.open_connection(str(address[0]), port), timeout=CONNECT_SECONDS)
            except (OSError, TimeoutError) as error:
                words = str(error) or "no answer"
        raise Refused("502 Bad Gateway", f"{host}:{port} cannot be reached: {words}")


def _is_elsewhere(address: str) -> bool:
    """Whether an address is neither this machine's, nor its link's, nor one at which clouds tell their secrets."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        found = _embedded(found) or found
    near = found.is_loopback or found.is_link_local or found.is_unspecified or found.is_multicast
    return not (near or str(found) in METADATA or _is_own(found))


def _embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 one stands for: mapped, 6to4, or behind the well-known NAT64 prefix."""
    last = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if address in NAT64 or (int(address) >> 32 == 0 and int(address) > 1):
        return last
    return address.ipv4_mapped or address.sixtofour


def _is_own(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether an interface of this machine (a container bridge, say) has the address: only there can one listen."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((str(address), 0))
        except OSError:
            return False
    return True


async def _head(reader: asyncio.StreamReader) -> tuple[str, str, list[str]]:
    """Method, target and header lines of a request. Raises Refused for what is not HTTP."""
    try:
        data = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), HEAD_SECONDS)
    except TimeoutError:
        raise Refused("408 Request Timeout", "no request came") from None
    except asyncio.LimitOverrunError:
        raise Refused("431 Request Header Fields Too Large", f"over {HEAD_BYTES} bytes of headers") from None
    first, *headers = data[:-4].decode("latin-1").split("\r\n")
    parts = first.split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1.") or not re.fullmatch(r"[A-Z]{3,10}", parts[0]):
        raise Refused("400 Bad Request", "this is a proxy for HTTP alone")
    return parts[0], parts[1], headers


def _authority(text: str) -> tuple[str, int]:
    match = re.fullmatch(r"(?:\[([^\]]+)\]|([^:/@\s]+)):(\d{1,5})", text)
    if match is None:
        raise Refused("400 Bad Request", "CONNECT takes HOST:PORT")
    return match[1] or match[2], int(match[3])


def _url(text: str) -> tuple[str, int, str, str]:
    """Host, port, path with query, and the value of the Host header of an absolute URL."""
    try:
        url = urlsplit(text)
        host, port = url.hostname, url.port or 80
    except ValueError:
        host, port = None, 0
    if not host or url.scheme != "http":
        raise Refused("400 Bad Request", "this is a proxy: it takes http:// URLs and CONNECT")
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    return host, port, path, url.netloc.rpartition("@")[2]


def environment(hosts: Sequence[str]) -> dict[str, str]:
    """The variables that programs find the proxy by. What a program serves itself, inside, is not asked of it."""
    url = f"http://{HOST}:{PORT}"
    names = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
    allowed = {AllowedHost.parse(host).name for host in hosts}
    local = ",".join(name for name in ("localhost", "127.0.0.1", "::1") if name not in allowed)
    return {**dict.fromkeys(names, url), "NO_PROXY": local, "no_proxy": local}
