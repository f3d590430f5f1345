"""A fake Ollama: the real wire over real HTTP, its answers and faults from a script.

    python tests/fakes/ollama_server.py SCRIPT.json [--port 0] [--requests FILE]

prints its URL on the first line and serves until it is ended. The script is one JSON object:

    version      what /api/version says (default "0.32.10")
    models       [{"name", "size", "family", "context_length", "capabilities", "parameter_size", "info"}]
    context      the context the server really uses, in tokens, whatever it is asked for (0: as asked)
    after        what comes when the replies are used up: "repeat" the last one, or "error" (default)
    pull         the lines of /api/pull, each a mapping; after a "success" the model is there
    replies      one for each /api/chat, in turn. Either an answer:
                   content, thinking, tool_calls: [{"name", "arguments"}], done_reason,
                   prompt_eval_count, eval_count, chunk (characters a line), delay (seconds between lines),
                   expect (text that must be in the request's messages, or the answer is an error 400)
                 or a fault: {"fault": KIND, ...}:
                   status   an HTTP error: status, error, retry_after
                   html     an error page: status (default 502)
                   cut      the connection breaks in the middle
                   end      the stream ends without its last line
                   stall    a first line, then silence for `seconds`
                   silent   headers, then silence for `seconds`
                   dribble  bytes without a line end, for `seconds`
                   load     `seconds` in which the model is not listed as loaded, then the next reply
                   rubbish  a line that is no JSON
                   line     an error inside the stream: error

Where a prompt is longer than the context, the oldest messages but system ones are dropped, as Ollama does: silently.
"""

from __future__ import annotations

import argparse
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

_CHARS_PER_TOKEN = 4
_CREATED = "2026-09-01T12:00:00Z"
_GEMMA = {
    "name": "gemma4:e4b",
    "size": 9_600_000_000,
    "family": "gemma4",
    "context_length": 131072,
    "capabilities": ["completion", "tools", "thinking"],
}


class FakeOllama:
    """The server. `requests` holds every (path, body) so far; `url` is where it listens."""

    def __init__(self, script: dict[str, Any] | None = None, port: int = 0, log: Path | None = None) -> None:
        script = script or {}
        self.version = script.get("version", "0.32.10")
        self.models: list[dict[str, Any]] = script.get("models", [_GEMMA])
        self.replies: list[dict[str, Any]] = list(script.get("replies", []))
        self.after = script.get("after", "error")
        self.context = int(script.get("context", 0))
        self.pull: list[dict[str, Any]] = script.get("pull", [])
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.loaded: dict[str, int] = {}
        self.stopping = threading.Event()
        self._log = log
        self._lock = threading.Lock()
        self._next = 0
        handler = type("Handler", (_Handler,), {"fake": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> FakeOllama:
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._http.shutdown()
        self._http.server_close()

    @property
    def chats(self) -> list[dict[str, Any]]:
        """The bodies of the chat requests so far."""
        return [body for path, body in self.requests if path == "/api/chat"]

    def record(self, path: str, body: dict[str, Any]) -> None:
        with self._lock:
            self.requests.append((path, body))
            if self._log is not None:
                with self._log.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"path": path, "body": body}) + "\n")

    def take(self) -> dict[str, Any]:
        """The next reply of the script."""
        with self._lock:
            if self._next < len(self.replies):
                self._next += 1
                return self.replies[self._next - 1]
        if self.after == "repeat" and self.replies:
            return self.replies[-1]
        return {"fault": "status", "status": 500, "error": "the script of the fake server is at its end"}

    def find(self, name: str) -> dict[str, Any] | None:
        wanted = {name, f"{name}:latest"}
        return next((model for model in self.models if model["name"] in wanted), None)


class _Handler(BaseHTTPRequestHandler):
    """One request. HTTP/1.1 with chunked bodies, as the real server has them."""

    fake: FakeOllama
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.fake.record(self.path, {})
        if self.path == "/api/version":
            self._json({"version": self.fake.version})
        elif self.path == "/api/tags":
            self._json({"models": [_tag(model) for model in self.fake.models]})
        elif self.path == "/api/ps":
            loaded = self.fake.loaded.items()
            self._json({"models": [{"name": n, "model": n, "context_length": size} for n, size in loaded]})
        else:
            self._json({"error": "not found"}, 404)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        self.fake.record(self.path, body)
        model = self.fake.find(body.get("model", ""))
        if self.path not in ("/api/show", "/api/chat", "/api/pull"):
            self._json({"error": "not found"}, 404)
        elif self.path == "/api/pull":
            self._pull(body)
        elif model is None:
            self._json({"error": f"model '{body.get('model')}' not found"}, 404)
        elif self.path == "/api/show":
            self._json(_shown(model, bool(body.get("verbose"))))
        else:
            self._chat(model, body)

    def _chat(self, model: dict[str, Any], body: dict[str, Any]) -> None:
        asked = int((body.get("options") or {}).get("num_ctx") or 4096)
        context = self.fake.context or min(asked, model.get("context_length", asked))
        reply = self.fake.take()
        if reply.get("fault") == "load":
            self.fake.stopping.wait(float(reply["seconds"]))
            reply = self.fake.take()
        self.fake.loaded[model["name"]] = context
        messages, tokens = truncated(body.get("messages", []), body.get("tools") or [], context)
        if "tools" not in model.get("capabilities", ["tools"]) and body.get("tools"):
            self._json({"error": f"{model['name']} does not support tools"}, 400)
        elif "expect" in reply and reply["expect"] not in json.dumps(messages, ensure_ascii=False):
            self._json({"error": f"the script expected {reply['expect']!r} in the messages"}, 400)
        elif "fault" in reply:
            self._fault(model["name"], reply)
        else:
            self._begin()
            for line in _lines(model["name"], reply, tokens, think=body.get("think") is not False):
                self._chunk(line)
                if self.fake.stopping.wait(reply.get("delay", 0)):
                    return
            self._chunk(b"")

    def _pull(self, body: dict[str, Any]) -> None:
        self._begin()
        for line in self.fake.pull:
            if line.get("status") == "success":
                self.fake.models.append(_GEMMA | {"name": body["model"]})
            self._chunk(json.dumps(line).encode() + b"\n")
        self._chunk(b"")

    def _fault(self, model: str, reply: dict[str, Any]) -> None:
        kind, seconds = reply["fault"], float(reply.get("seconds", 30))
        if kind == "status":
            self._json({"error": reply.get("error", "")}, int(reply["status"]), reply.get("retry_after"))
            return
        if kind == "html":
            page = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
            self._answer(page, int(reply.get("status", 502)), "text/html")
            return
        self._begin()
        if kind not in ("silent", "dribble"):
            self._chunk(_line(model, {"role": "assistant", "content": "I"}))
        if kind == "rubbish":
            self._chunk(b"{this is no JSON}\n")
        elif kind == "line":
            self._chunk(json.dumps({"error": reply["error"]}).encode() + b"\n")
        elif kind in ("stall", "silent"):
            self.fake.stopping.wait(seconds)
        elif kind == "dribble":
            for _ in range(int(seconds * 20)):
                self._chunk(b" ")
                if self.fake.stopping.wait(0.05):
                    break
        if kind == "cut":
            self.close_connection = True
            self.wfile.write(b"1000\r\nonly the beginning of a chunk")
        else:
            self._chunk(b"")

    def _begin(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def _chunk(self, data: bytes) -> None:
        """One piece of a chunked body; the empty one ends it. A client that has gone is no error."""
        try:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
            self.wfile.flush()
        except OSError:
            self.close_connection = True
            self.wfile = _Nowhere()  # type: ignore[assignment]

    def _json(self, value: Any, status: int = 200, retry_after: object = None) -> None:
        self._answer(json.dumps(value).encode(), status, "application/json", retry_after)

    def _answer(self, data: bytes, status: int, kind: str, retry_after: object = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        if retry_after is not None:
            self.send_header("Retry-After", str(retry_after))
        self.end_headers()
        self.wfile.write(data)


class _Nowhere:
    """Takes the place of a connection that the client has closed."""

    closed = False

    def write(self, data: bytes) -> int:
        return len(data)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass


def truncated(messages: list[dict[str, Any]], tools: list[Any], context: int) -> tuple[list[dict[str, Any]], int]:
    """The messages that fit, and the prompt's tokens: the oldest go first, but never system ones or the last."""
    kept = list(messages)
    while _tokens(kept, tools) > context:
        oldest = next((at for at, m in enumerate(kept[:-1]) if m.get("role") != "system"), None)
        if oldest is None:
            break
        del kept[oldest]
    return kept, _tokens(kept, tools)


def _tokens(messages: list[dict[str, Any]], tools: list[Any]) -> int:
    size = len(json.dumps(tools)) if tools else 0
    for message in messages:
        size += sum(len(message.get(key) or "") for key in ("content", "thinking")) + 4 * _CHARS_PER_TOKEN
        size += len(json.dumps(message["tool_calls"])) if message.get("tool_calls") else 0
    return size // _CHARS_PER_TOKEN


def _lines(model: str, reply: dict[str, Any], tokens: int, *, think: bool) -> Iterator[bytes]:
    """The NDJSON of an answer: thoughts, text, one line a tool call, then the counts."""
    size = int(reply.get("chunk", 16))
    for key in ("thinking", "content"):
        text = reply.get(key, "") if think or key == "content" else ""
        for start in range(0, len(text), size):
            yield _line(model, {"role": "assistant", "content": "", key: text[start : start + size]})
    for call in reply.get("tool_calls", []):
        function = {"name": call["name"], "arguments": call.get("arguments", {})}
        yield _line(model, {"role": "assistant", "content": "", "tool_calls": [{"function": function}]})
    written = len(reply.get("content", "") + reply.get("thinking", "") + json.dumps(reply.get("tool_calls", "")))
    last = {
        "model": model,
        "created_at": _CREATED,
        "message": {"role": "assistant", "content": ""},
        "done": True,
        "done_reason": reply.get("done_reason", "stop"),
        "total_duration": 2_000_000,
        "load_duration": 100_000,
        "prompt_eval_count": reply.get("prompt_eval_count", tokens),
        "prompt_eval_duration": 900_000,
        "eval_count": reply.get("eval_count", max(1, written // _CHARS_PER_TOKEN)),
        "eval_duration": 1_000_000,
    }
    yield json.dumps(last).encode() + b"\n"


def _line(model: str, message: dict[str, Any]) -> bytes:
    line = {"model": model, "created_at": _CREATED, "message": message, "done": False}
    return json.dumps(line, ensure_ascii=False).encode() + b"\n"


def _tag(model: dict[str, Any]) -> dict[str, Any]:
    details = {"format": "gguf", "family": model.get("family", ""), "parameter_size": _billions(model)}
    return {"name": model["name"], "model": model["name"], "size": model.get("size", 0), "details": details}


def _shown(model: dict[str, Any], verbose: bool) -> dict[str, Any]:
    family = model.get("family") or "llama"
    info = {"general.architecture": family, f"{family}.context_length": model.get("context_length", 8192)}
    info |= {f"{family}.{key}": value for key, value in model.get("info", {}).items()}
    if not verbose:  # Ollama leaves lists out unless it is asked for everything
        info = {key: None if isinstance(value, list) else value for key, value in info.items()}
    capabilities = model.get("capabilities", ["completion", "tools"])
    details = {"family": family, "parameter_size": _billions(model)}
    return {"details": details, "model_info": info, "capabilities": capabilities}


def _billions(model: dict[str, Any]) -> str:
    return str(model.get("parameter_size", "8.0B"))


def main() -> None:
    parser = argparse.ArgumentParser(description="A fake Ollama server, scripted.")
    parser.add_argument("script", type=Path)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--requests", type=Path, help="append every request to this file, a JSON line each")
    args = parser.parse_args()
    with FakeOllama(json.loads(args.script.read_text()), args.port, args.requests) as fake:
        print(fake.url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
