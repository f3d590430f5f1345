"""A fake server of the OpenAI wire: server-sent events over real HTTP, its answers and faults from a script.

The script is one mapping:

    flavor       "lmstudio", "llama-server", "vllm", "ollama" or "" (a server that tells nothing of itself)
    models       names (default ["some/model"])
    context      tokens it says it has (default 16384)
    refuses      words with which a longer prompt is refused, {context} in them (default: none is)
    loaded       False: LM Studio has its models not loaded before the first chat request (default True: the first)
    template     llama-server's chat template (default one with tools)
    loading      how many times llama-server's /health says that it is still loading
    split        bytes a write (0: an event a write): characters of several bytes arrive in pieces
    after        what comes when the replies are used up: "repeat" the last one, or "error" (default)
    replies      one for each chat request, in turn. Either an answer:
                   content, reasoning, reasoning_content, tool_calls: [{"name", "arguments"}] (the arguments a mapping,
                   or text as it is to be sent), chunk (characters an event), delay (seconds between events),
                   usage (False: none is sent), finish_reason (None: it ends without), expect (text that must be in
                   the messages, or the answer is an error 400)
                 or a fault: {"fault": KIND, ...}:
                   status   an HTTP error: status, error, retry_after
                   html     an error page: status (default 502)
                   cut      the connection breaks in the middle
                   stall    a first event, then silence for `seconds`
                   silent   headers, then silence for `seconds`
                   empty    a first event, then events with nothing in them for `seconds`
                   rubbish  an event that is no JSON
                   no_tools an error while the request has tools, the next reply where it has none
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_OWNER = {"lmstudio": "organization_owner", "llama-server": "llamacpp", "vllm": "vllm", "ollama": "library"}
_NO_TOOLS = "this model's jinja template does not support tools"


class FakeOpenAI:
    """The server. `requests` holds every (path, headers, body) so far; `url` is where it listens."""

    def __init__(self, script: dict[str, Any] | None = None, port: int = 0) -> None:
        script = script or {}
        self.flavor: str = script.get("flavor", "")
        self.models: list[str] = script.get("models", ["some/model"])
        self.context = int(script.get("context", 16384))
        self.refuses: str = script.get("refuses", "")
        self.loaded = bool(script.get("loaded", True))
        self.template: str = script.get("template", "{{ tools }}")
        self.loading = int(script.get("loading", 0))
        self.split = int(script.get("split", 0))
        self.replies: list[dict[str, Any]] = list(script.get("replies", []))
        self.after = script.get("after", "error")
        self.requests: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        self._next = 0
        handler = type("Handler", (_Handler,), {"fake": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> FakeOpenAI:
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._http.shutdown()
        self._http.server_close()

    @property
    def chats(self) -> list[dict[str, Any]]:
        """The bodies of the chat requests so far."""
        return [body for path, _, body in self.requests if path.endswith("/chat/completions")]

    def record(self, path: str, headers: dict[str, str], body: dict[str, Any]) -> None:
        with self._lock:
            self.requests.append((path, headers, body))

    def take(self) -> dict[str, Any]:
        """The next reply of the script."""
        with self._lock:
            if self._next < len(self.replies):
                self._next += 1
                return self.replies[self._next - 1]
        if self.after == "repeat" and self.replies:
            return self.replies[-1]
        return {"fault": "status", "status": 500, "error": "the script of the fake server is at its end"}


class _Handler(BaseHTTPRequestHandler):
    """One request. HTTP/1.1 with chunked bodies, as the real servers have them."""

    fake: FakeOpenAI
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        fake = self.fake
        fake.record(self.path, self._named(), {})
        if self.path == "/v1/models" and fake.flavor:
            owner = _OWNER[fake.flavor]
            entries = [{"id": name, "object": "model", "owned_by": owner} for name in fake.models]
            more = {"vllm": {"max_model_len": fake.context}, "llama-server": {"meta": {"n_params": 8_000_000_000}}}
            self._json({"object": "list", "data": [e | more.get(fake.flavor, {}) for e in entries]})
        elif self.path == "/api/v0/models" and fake.flavor == "lmstudio":
            state = {"state": "loaded", "loaded_context_length": fake.context, "max_context_length": 131072}
            rest = {"state": "not-loaded", "max_context_length": 131072}
            known = [
                {"id": n, "type": "vlm"} | (rest if at or not fake.loaded else state)
                for at, n in enumerate(fake.models)
            ]
            self._json({"object": "list", "data": [*known, {"id": "embed", "type": "embeddings"}]})
        elif self.path == "/props" and fake.flavor == "llama-server":
            settings = {"n_ctx": fake.context}
            self._json({"default_generation_settings": settings, "chat_template": fake.template, "modalities": {}})
        elif self.path == "/health" and fake.flavor == "llama-server":
            fake.loading -= 1
            error = {"error": {"code": 503, "message": "Loading model"}}
            self._json(error if fake.loading >= 0 else {"status": "ok"}, 503 if fake.loading >= 0 else 200)
        else:
            self._json({"error": "not found"}, 404)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        self.fake.record(self.path, self._named(), body)
        if self.path == "/tokenize" and self.fake.flavor == "llama-server":
            self._json({"tokens": list(range(len(body["content"]) // 3))})
        elif self.path != "/v1/chat/completions":
            self._json({"error": "not found"}, 404)
        else:
            self._chat(body)

    def _named(self) -> dict[str, str]:
        """The headers, their names in small letters."""
        return {name.lower(): value for name, value in self.headers.items()}

    def _chat(self, body: dict[str, Any]) -> None:
        self.fake.loaded = True
        if self.fake.refuses and len(json.dumps(body)) // 4 > self.fake.context:
            words = self.fake.refuses.format(context=self.fake.context)
            self._json({"error": words if self.fake.flavor == "lmstudio" else {"message": words}}, 400)
            return
        reply = self.fake.take()
        if reply.get("fault") == "no_tools":
            if body.get("tools"):
                self._json({"error": {"code": 500, "message": _NO_TOOLS}}, 500)
                return
            reply = self.fake.take()
        if "expect" in reply and reply["expect"] not in json.dumps(body["messages"], ensure_ascii=False):
            self._json({"error": {"message": f"the script expected {reply['expect']!r} in the messages"}}, 400)
        elif "fault" in reply:
            self._fault(reply)
        else:
            self._begin()
            for event in _events(body.get("model", ""), reply):
                self._event(event)
                if self.fake.stopping.wait(reply.get("delay", 0)):
                    return
            self._event("[DONE]")
            self._chunk(b"")

    def _fault(self, reply: dict[str, Any]) -> None:
        kind = reply["fault"]
        if kind == "status":
            self._json({"error": {"message": reply.get("error", "")}}, int(reply["status"]), reply.get("retry_after"))
            return
        if kind == "html":
            self._answer(b"<html><body><h1>502</h1></body></html>", int(reply.get("status", 502)), "text/html")
            return
        self._begin()
        if kind != "silent":
            self._event(next(_events("m", {"content": "I"})))
        if kind == "rubbish":
            self._event("{this is no JSON}")
        elif kind == "empty":
            for _ in range(int(float(reply.get("seconds", 30)) * 20)):
                self._event(next(_events("m", {"content": ""})))
                if self.fake.stopping.wait(0.05):
                    break
        elif kind in ("stall", "silent"):
            self.fake.stopping.wait(float(reply.get("seconds", 30)))
        if kind == "cut":
            self.close_connection = True
            self.wfile.write(b"1000\r\nonly the beginning of a chunk")
        else:
            self._chunk(b"")

    def _begin(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def _event(self, event: str) -> None:
        data = f"data: {event}\n\n".encode()
        size = self.fake.split or len(data)
        for start in range(0, len(data), size):
            self._chunk(data[start : start + size])

    def _chunk(self, data: bytes) -> None:
        """One piece of a chunked body; the empty one ends it. A client that has gone is no error."""
        try:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
            self.wfile.flush()
        except OSError:
            self.close_connection = True

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


def _events(model: str, reply: dict[str, Any]) -> Iterator[str]:
    """The events of an answer: thoughts, text, tool calls with their arguments in pieces, the end, the counts."""
    head = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": model}

    def event(delta: dict[str, Any], reason: str | None = None) -> str:
        return json.dumps(
            head | {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}, ensure_ascii=False
        )

    size = int(reply.get("chunk", 16))
    for key in ("reasoning", "reasoning_content", "content"):
        text = reply.get(key, "")
        for start in range(0, len(text), size):
            yield event({"role": "assistant", key: text[start : start + size]})
    for index, call in enumerate(reply.get("tool_calls", [])):
        given = call.get("arguments", {})
        arguments = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
        start = {"index": index, "id": f"c{index}", "type": "function"}
        yield event({"tool_calls": [start | {"function": {"name": call["name"], "arguments": ""}}]})
        for at in range(0, len(arguments), 5):
            yield event({"tool_calls": [{"index": index, "function": {"arguments": arguments[at : at + 5]}}]})
    reason = reply.get("finish_reason", "tool_calls" if reply.get("tool_calls") else "stop")
    if reason:
        yield event({}, reason)
    if reply.get("usage", True):
        counts = {"prompt_tokens": 100, "completion_tokens": 7, "total_tokens": 107}
        yield json.dumps(head | {"choices": [], "usage": counts})
