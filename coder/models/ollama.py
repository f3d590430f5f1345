"""Ollama, through langchain-ollama with what breaks an agent mended."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from coder.models.contract import Message, ModelError, Reply, ToolCall, ToolSchema
from coder.models.faults import is_page, lacks_memory, pause
from coder.models.memory import context_for
from coder.models.messages import to_langchain
from coder.models.ollama_server import OllamaServer, unreachable
from coder.models.privacy import connection, disable_tracing
from coder.models.stream import Heard, Piece, hear, limited, says
from coder.models.text_tools import ToolSupport
from coder.models.thinking import held
from coder.models.tokens import estimate, written

if TYPE_CHECKING:
    import httpx
    from langchain_core.messages import BaseMessage
    from langchain_ollama import ChatOllama

CONTEXT = 32_768  # tokens asked for where the model has as many: Ollama's own default may be 4,096
_KEEP_ALIVE = "30m"  # a run has pauses for tests in it
_IDLE = 60.0  # seconds of silence
_LOAD, _READ = 900.0, 5.0  # seconds a cold load may take; tokens a second that a prompt is read with at least
_NO_TOOLS = "does not support tools"  # Ollama's words, also of a model of which it says elsewhere that it has them
_MOST_CHARS_PER_TOKEN = 8  # no prompt of code and prose has more: fewer tokens than that were not read
_FEWEST_CHARS_PER_TOKEN = 2


class OllamaModel:
    """A model on an Ollama server. Raises ModelError if the server is not there or has no such model.

    `memory`: bytes that weights and context cache may have together; 0 where that is not for us to know. `spilled`:
    with what a graphics card leaves to the machine's own memory.
    """

    def __init__(self, model: str, url: str, *, context: int = CONTEXT, memory: int = 0, spilled: int = 0) -> None:
        self.name = f"ollama:{model}"
        self._model = model
        self._server = OllamaServer(url)
        abilities = self._server.abilities(model)
        self._tools = ToolSupport(abilities.can("tools"))
        self._thinks = abilities.can("thinking")
        self.images = abilities.can("vision")
        self.billions = abilities.billions
        weights = self._server.size(model) if memory else 0
        self.context = context_for(abilities.context, context, weights, abilities.shape, memory, spilled)
        self._opens = False  # whether its template opens the thoughts, as the last answer had it
        self._pause = 0.0  # seconds that the last answer asked to be left alone
        self._chat: ChatOllama | None = None
        self._loaded = False  # whether it is known what context the server loaded it with

    def count(self, text: str) -> int:
        return 0  # Ollama tells only what a whole prompt had

    def chat(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSchema],
        *,
        think: bool,
        max_tokens: int,
        timeout: float,
        think_limit: int | None = None,
        temperature: float | None = None,
    ) -> Reply:
        """One answer, streamed. Raises ModelError; a prompt that the server cut is an error too."""
        deadline = time.monotonic() + timeout
        options = {"num_predict": max_tokens, "num_ctx": self.context, "repeat_penalty": 1.0}
        if temperature is not None:
            options["temperature"] = temperature

        def ask(asked: Sequence[Message], thinking: bool, limit: int | None) -> Heard:
            given = {"reasoning": thinking if self._thinks else None, "options": options}
            opened = thinking and self._opens
            heard = self._tools.ask(
                asked,
                tools,
                lambda sent, described: self._hear(sent, described, given, deadline, limit, max_tokens, opened),
                lambda error: _NO_TOOLS in str(error),
                thinking,
            )
            if not heard.cut and not heard.over and not heard.info.get("done"):
                raise ModelError(
                    "Ollama ended its answer in the middle. The model's process may have died: see its log.",
                    retryable=True,
                )
            self._opens = heard.opened if thinking else self._opens
            return heard

        with self._tools.telling() as asked:
            heard, cut = held(ask, messages, think=think and self._thinks, limit=think_limit)
            sent = self._tools.sent(messages, tools)
            self._check_whole(int(heard.info.get("prompt_eval_count") or 0), *sent)
        self._learn_context()
        return replace(_reply(heard, cut, *sent), sent=tuple(asked))

    def _hear(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSchema],
        settings: dict[str, Any],
        deadline: float,
        limit: int | None,
        most: int,
        opened: bool,
    ) -> Heard:
        left = deadline - time.monotonic()  # the first call's imports are not the model's time
        chat = self._client()
        given = settings | {"tools": list(tools)}
        tokens = estimate(messages, tools)

        def pieces() -> Iterator[Piece]:
            for chunk in chat.stream(to_langchain(messages), **given):
                calls = [ToolCall(id=c["id"] or "", name=c["name"], arguments=c["args"]) for c in chunk.tool_calls]
                thought = str(chunk.additional_kwargs.get("reasoning_content") or "")
                yield Piece(str(chunk.content or ""), thought, tuple(calls), chunk.response_metadata)

        def still_busy(waited: float) -> str:
            """A cold load and the reading of a long prompt take their time; what takes longer is stuck."""
            loading = self._server.loaded_context(self._model) is None
            most = _LOAD if loading else _IDLE + tokens / _READ
            doing = "the model is still being loaded" if loading else "the model is loaded, and no answer began"
            return f"{doing} after {waited:.0f} seconds" if waited >= most else ""

        try:
            stream = limited(pieces, timeout=left, idle=_IDLE, abandon=self._abandon, still_busy=still_busy, says=says)
            return hear(stream, limit, most, opened=opened, seconds=left)
        except ModelError:
            raise
        except Exception as error:
            raise self._explained(error) from error

    def _learn_context(self) -> None:
        """Once the model is loaded: a server that gave it less context than asked for gets shorter prompts."""
        if not self._loaded:
            self._loaded = True
            self.context = min(self.context, self._server.loaded_context(self._model) or self.context)

    def _client(self) -> ChatOllama:
        if self._chat is None:
            disable_tracing()
            kwargs: dict[str, Any] = {
                "timeout": _LOAD,
                "follow_redirects": False,
                "event_hooks": {"response": [self._note_pause]},
                **connection(self._server.url),
            }
            self._chat = _agent_class()(
                model=self._model,
                base_url=self._server.url,
                num_ctx=self.context,
                repeat_penalty=1.0,
                keep_alive=_KEEP_ALIVE,
                client_kwargs=kwargs,
            )
        return self._chat

    def _note_pause(self, response: httpx.Response) -> None:
        """The client drops a refusal's headers."""
        self._pause = pause(response.headers.get("retry-after"))

    def _abandon(self) -> None:
        """Close the connection, which makes Ollama stop; the next call opens another."""
        if self._chat is not None:
            self._chat._client.close()  # type: ignore[no-untyped-call]
            self._chat = None

    def _check_whole(self, read: int, messages: Sequence[Message], tools: Sequence[ToolSchema]) -> None:
        """Raise ModelError if the server read only a part of the prompt: it drops the oldest messages silently."""
        size = sum(len(message["content"]) for message in messages)  # a template may leave thoughts and tools out
        if not read or read * _MOST_CHARS_PER_TOKEN >= size:
            return
        # Few tokens may also mean that the rest was in the server's cache: only too small a context cuts.
        loaded = self._server.loaded_context(self._model)
        if loaded and size / _FEWEST_CHARS_PER_TOKEN <= loaded:
            return
        self.context = min(self.context, loaded or max(read, 2048))
        raise ModelError(
            f"Ollama read {read} tokens of a prompt of about {estimate(messages, tools)}: it cut the "
            f"rest away. coder goes on with shorter prompts; better, give the server a context of {CONTEXT} tokens.",
            retryable=True,
        )

    def _explained(self, error: Exception) -> ModelError:
        """The fault in words for the reader."""
        import httpx
        from ollama import ResponseError

        url = self._server.url
        if isinstance(error, ResponseError):
            return self._refused(str(error.error), error.status_code)
        if isinstance(error, ConnectionError | httpx.ConnectError):
            return ModelError(str(unreachable(url)), retryable=True)  # it was there: it may be starting anew
        if isinstance(error, httpx.TimeoutException):
            return ModelError(f"Ollama at {url} fell silent for {_LOAD:.0f} seconds.", retryable=True)
        if isinstance(error, httpx.HTTPError):
            return ModelError(
                f"The connection to Ollama at {url} broke in the middle of an answer ({error}). Look at its log.",
                retryable=True,
            )
        return ModelError(
            f"Ollama at {url} sent an answer that cannot be read ({type(error).__name__}: {str(error)[:200]}).",
            retryable=True,
        )

    def _refused(self, text: str, status: int) -> ModelError:
        url, lower = self._server.url, text.lower()
        if is_page(text):
            return ModelError(
                f"{url} answered with a web page (status {status}), not as Ollama does. A proxy may be in between.",
                retryable=status >= 500,
            )
        if status == 404 and "not found" in lower:
            return self._server.missing(self._model)
        if lacks_memory(text):
            return ModelError(f"{self._model} does not fit into memory: {text}. Take a smaller model or context.")
        if "does not support" in lower:
            return ModelError(f"{self._model} cannot be used: {text}. Take another model.")
        busy = status in (-1, 408, 429) or status >= 500
        return ModelError(
            f"Ollama at {url} answers: {text[:300]} (status {status}).", retryable=busy, retry_after=self._pause
        )


def _reply(heard: Heard, cut: Heard | None, messages: Sequence[Message], tools: Sequence[ToolSchema]) -> Reply:
    """The answer with what it cost; a stream that was cut has no counts of its own, so they are estimated."""
    info = heard.info
    prompt, completion = int(info.get("prompt_eval_count") or 0), int(info.get("eval_count") or 0)
    for stopped in (heard if heard.over else None, cut):
        if stopped is not None:
            prompt += estimate(messages, tools)
            completion += written(stopped.thinking + stopped.text)
    return Reply(
        heard.text,
        heard.thinking,
        tuple(heard.calls),
        prompt,
        completion,
        "length" if heard.over else str(info.get("done_reason") or ""),
        calls=1 if cut is None else 2,
        load_seconds=int(info.get("load_duration") or 0) / 1e9,
    )


def _agent_class() -> type[ChatOllama]:
    """ChatOllama for an agent. Made when first needed: importing langchain takes a second."""
    from langchain_core.messages import AIMessageChunk, ToolMessage
    from langchain_core.outputs import ChatGenerationChunk
    from langchain_ollama import ChatOllama

    class AgentOllama(ChatOllama):
        """Mends: tool results lose their tool's name; text arguments that look like JSON are decoded."""

        def _convert_messages_to_ollama_messages(self, messages: list[BaseMessage]) -> Sequence[Any]:
            converted = super()._convert_messages_to_ollama_messages(messages)
            for message, wire in zip(messages, converted, strict=True):
                if isinstance(message, ToolMessage) and message.name:
                    wire["tool_name"] = message.name
            return converted

        def _iterate_over_stream(
            self, messages: list[BaseMessage], stop: list[str] | None = None, **kwargs: Any
        ) -> Iterator[ChatGenerationChunk]:
            raw: list[Mapping[str, Any]] = []
            for chunk in super()._iterate_over_stream(messages, stop, _raw=raw, **kwargs):
                made = chunk.message.tool_calls if isinstance(chunk.message, AIMessageChunk) else []
                sent = (raw[-1]["message"].get("tool_calls") or []) if made else []
                for call, original in zip(made, sent, strict=True):
                    call["args"] = dict(original["function"]["arguments"])
                yield chunk

        def _create_chat_stream(
            self, messages: list[BaseMessage], stop: list[str] | None = None, **kwargs: Any
        ) -> Iterator[Mapping[str, Any] | str]:
            raw = kwargs.pop("_raw")
            for part in super()._create_chat_stream(messages, stop, **kwargs):
                raw[:] = [part]
                yield part

    return AgentOllama
