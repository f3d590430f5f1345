"""Carries connections from the sandbox's own loopback to the Unix socket of coder's proxy, and decides nothing.

The sandbox has no network but that loopback. What may be reached is decided at the other end of the socket, which is
on the host and out of reach of everything in here.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import Optional, Tuple

HOST, PORT = "127.0.0.1", 3128
CONNECTIONS = 64  # at one time; what comes on top of them is closed again
CHUNK = 1 << 16


Connection = Tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def join(first: Connection, second: Connection) -> None:
    """Pass everything on between two connections until both sides have ended, or one has failed."""
    ways = [asyncio.ensure_future(_pass_on(first[0], second[1])), asyncio.ensure_future(_pass_on(second[0], first[1]))]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        for writer in (first[1], second[1]):
            close(writer)


def close(writer: asyncio.StreamWriter) -> None:
    """Close a connection, also one whose other end has gone."""
    with suppress(OSError, RuntimeError):
        writer.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        data = await reader.read(CHUNK)
        if not data:
            break
        writer.write(data)
        await writer.drain()
    writer.write_eof()


class Relay:
    """Listens on the loopback, in a thread of its own."""

    def __init__(self, socket_path: str) -> None:
        self._path = socket_path
        self._count = 0
        self._ready = threading.Event()
        self._error: Optional[Exception] = None

    def start(self) -> None:
        """Return when connections are taken. Raises OSError if they cannot be."""
        threading.Thread(target=self._live, name="relay", daemon=True).start()
        self._ready.wait()
        if self._error is not None:
            raise self._error

    def _live(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:
            self._error = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._connected, HOST, PORT)
        self._ready.set()
        async with server:
            await server.serve_forever()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._count >= CONNECTIONS:
            close(writer)
            return
        self._count += 1
        try:
            other = await asyncio.open_unix_connection(self._path)
            await join((reader, writer), other)
        except OSError:
            pass  # the caller sees its connection closed
        finally:
            self._count -= 1
            close(writer)
