"""A model server's talk with coder, recorded over real HTTP and played again without the server.

A cassette is a file of JSON lines, one an exchange in turn: method, path, the request's body, the answer's status, type
and lines. The player answers only what was asked when it was recorded, figures apart (budgets and times differ):
whatever else is asked is an error 400 that says so.
"""

from __future__ import annotations

import json
import re
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class Cassette:
    """The server. With `upstream` it hands requests on and records; without one it plays."""

    def __init__(self, file: Path, upstream: str = "") -> None:
        self.file, self.upstream = file, upstream
        self.left = [] if upstream else [json.loads(line) for line in file.read_text("utf-8").splitlines()]
        self.wrong: list[str] = []  # requests that were not recorded
        self._made: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"cassette": self}))
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> Cassette:
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        if self.upstream:
            self.file.write_text("".join(json.dumps(made) + "\n" for made in self._made), "utf-8")

    def answer(self, method: str, path: str, body: str) -> dict[str, Any]:
        """The exchange with the answer to a request."""
        with self._lock:
            if self.upstream:
                self._made.append({"method": method, "path": path, "body": body, **_ask(self.upstream, path, body)})
                return self._made[-1]
            if self.left and _alike(self.left[0], method, path, body):
                return self.left.pop(0)  # type: ignore[no-any-return]
            self.wrong.append(f"{method} {path} {body}")
            lines = [json.dumps({"error": f"the cassette has no {method} {path} with this body here"})]
            return {"status": 400, "type": "application/json", "lines": lines}


class _Handler(BaseHTTPRequestHandler):
    cassette: Cassette
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._pass_on("GET", "")

    def do_POST(self) -> None:
        self._pass_on("POST", self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())

    def _pass_on(self, method: str, body: str) -> None:
        made = self.cassette.answer(method, self.path, body)
        self.send_response(made["status"])
        self.send_header("Content-Type", made["type"])
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for line in made["lines"]:
            data = f"{line}\n".encode()
            self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        self.wfile.write(b"0\r\n\r\n")


def _ask(upstream: str, path: str, body: str) -> dict[str, Any]:
    request = urllib.request.Request(upstream + path, body.encode() or None, {"Content-Type": "application/json"})
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
            status, kind, data = answer.status, answer.headers["Content-Type"], answer.read()
    except urllib.error.HTTPError as error:
        status, kind, data = error.code, error.headers["Content-Type"], error.read()
    return {"status": status, "type": kind, "lines": data.decode().splitlines()}


def _alike(made: dict[str, Any], method: str, path: str, body: str) -> bool:
    return (made["method"], made["path"], _plain(made["body"])) == (method, path, _plain(body))


def _plain(body: str) -> str:
    return re.sub(r"\d+(?:\.\d+)?", "#", body)
