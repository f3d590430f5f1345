"""Any server that speaks OpenAI's chat completions: LM Studio, llama-server, vLLM, a hosted one."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from coder.models.contract import Message, ModelError, Reply, ToolCall, ToolSchema
from coder.models.faults import is_page, lacks_memory, pause
from coder.models.messages import to_langchain
from coder.models.openai_server import base_url, is_loading, look, near, tokens
from coder.models.privacy import connection, disable_tracing
from coder.models.stream import Heard, Piece, hear, limited, says
from coder.models.text_tools import ToolSupport
from coder.models.thinking import held
from coder.models.tokens import estimate, written

if TYPE_CHECKING:
    from langchain_core.messages import AIMessageChunk
    from langchain_openai.chat_models.base import BaseChatOpenAI

CONTEXT = 32_768  # tokens that are taken to be there where the server does not say
_IDLE, _LOAD, _READ = 60.0, 900.0, 5.0  # seconds of silence, of a cold load; tokens a second of reading, at least
_FLOOR = 2048  # tokens of context below which shorter prompts are no way out
_OVERFLOW = re.compile(
    r"context.{0,40}(length|size|window|overflow)|(prompt|input) is too long|too many.{0,9} tokens", re.I | re.S
)
_HOLDS = re.compile(r"context[ _](?:length|size|window)\D{0,20}(\d{3,7})", re.I)
_NO_TOOLS = re.compile(r"tool|function|jinja|template", re.IGNORECASE)
_NO_PICTURES = re.compile(r"image|vision|multi-?modal|content.{0,40}(string|type|part)", re.IGNORECASE | re.DOTALL)


class OpenAIModel:
    """A model behind a base URL. Raises ModelError if nothing answers there, or it has no such model."""

    def __init__(self, model: str, url: str, key: str = "", *, key_name: str = "CODER_API_KEY") -> None:
        self.name = f"openai:{model}@{url}"
        self._model = model
        self._url = base_url(url)
        self._key, self._key_name = key, key_name
        self._found = look(url, key)
        served = self._found.find(model)
        if served is None and self._found.kind in ("lmstudio", "vllm"):
            raise self._missing()
        self.context = min(CONTEXT, served.context) if served is not None and served.context else CONTEXT
        # Where the server does not say, pictures are sent: it refuses them if the model takes none.
        self.images = served is None or served.images is not False
        self.billions = served.billions if served is not None else 0.0
        self._tools = ToolSupport(served is None or served.tools is not False)
        self._opens = False  # whether its template opens the thoughts, as the last answer had it
        self._chat: BaseChatOpenAI | None = None
        # LM Studio loads a model with the first question, with a context of its own choice.
        self._loaded = served is None or served.loaded or self._found.kind != "lmstudio"

    def count(self, text: str) -> int:
        return tokens(self._url, self._key, text) if self._found.kind in ("llama-server", "vllm") else 0

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
        """One answer, streamed. Thinking is switched where the server has a switch; the limit holds with any."""
        deadline = time.monotonic() + timeout
        settings: dict[str, Any] = {"max_tokens": max_tokens}
        if temperature is not None:
            settings["temperature"] = temperature

        def ask(asked: Sequence[Message], thinking: bool, limit: int | None) -> Heard:
            more, opened = settings | self._thinking(thinking, limit), thinking and self._opens
            heard = self._tools.ask(
                asked,
                tools,
                lambda sent, described: self._hear(sent, described, more, deadline, limit, max_tokens, opened),
                lambda error: not error.retryable and bool(_NO_TOOLS.search(str(error))),
                thinking,
            )
            self._opens = heard.opened if thinking else self._opens
            return heard

        # The wire has no place for earlier thoughts.
        messages = [Message(**{k: v for k, v in m.items() if k != "thinking"}) for m in messages]  # type: ignore[typeddict-item]
        with self._tools.telling() as sent:
            heard, cut = held(ask, messages, think=think, limit=think_limit)
        if not self._loaded:
            self._loaded = True
            self.context = min(self.context, self._context_now() or self.context)
        return replace(_reply(heard, cut, messages, tools), sent=tuple(sent))

    def _thinking(self, think: bool, limit: int | None) -> dict[str, Any]:
        """The server's own switch for thinking; {} for a server of which none is known."""
        if self._found.kind == "ollama":
            return {} if think else {"reasoning_effort": "none"}
        if self._found.kind not in ("llama-server", "vllm"):
            return {}
        body: dict[str, Any] = {"chat_template_kwargs": {"enable_thinking": think}}
        if self._found.kind == "llama-server" and limit is not None:
            body["thinking_budget_tokens"] = limit
        return {"extra_body": body}

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
        chat = self._client()
        given = settings | ({"tools": list(tools)} if tools else {})
        size = estimate(messages, tools)

        def pieces() -> Iterator[Piece]:
            whole: AIMessageChunk | None = None
            for chunk in chat.stream(to_langchain(messages), **given):
                whole = chunk if whole is None else whole + chunk
                thought = str(chunk.additional_kwargs.get("reasoning_content") or "")
                parts = "".join(part["args"] or "" for part in chunk.tool_call_chunks)
                yield Piece(str(chunk.text), thought, unfinished=parts)
            yield self._last(whole)

        def still_busy(waited: float) -> str:
            loading = self._found.kind == "llama-server" and is_loading(self._url)
            longest = _LOAD if loading or self._found.kind == "lmstudio" else _IDLE + size / _READ
            doing = "the model is still being loaded" if loading else "no answer began"
            return f"{doing} after {waited:.0f} seconds" if waited >= longest else ""

        try:
            left = deadline - time.monotonic()
            stream = limited(pieces, timeout=left, idle=_IDLE, abandon=self._abandon, still_busy=still_busy, says=says)
            return hear(stream, limit, most, opened=opened, seconds=left)
        except ModelError:
            raise
        except Exception as error:
            told = self._explained(error)
            if any("images" in message for message in messages) and self._refuses_pictures(error):
                told = ModelError(
                    f"{self._model} at {self._url} takes no pictures: {str(told)[:300]} "
                    "Leave out --image-file, or take a model that takes them."
                )
            raise told from error

    def _last(self, whole: AIMessageChunk | None) -> Piece:
        """What only the whole stream tells: the calls, put together from their pieces, and the counts."""
        reason = whole.response_metadata.get("finish_reason") if whole is not None else None
        if whole is None or not reason:
            raise ModelError(
                f"{self._url} ended its answer in the middle, or is no such server. Look at its log.", retryable=True
            )
        calls = [
            ToolCall(id=c["id"] or "", name=c["name"] or "", arguments=_given(c["args"]))
            for c in whole.tool_call_chunks
        ]
        return Piece(calls=tuple(calls), info={"reason": str(reason), "usage": whole.usage_metadata})

    def _client(self) -> BaseChatOpenAI:
        if self._chat is None:
            disable_tracing()
            import httpx
            from pydantic import SecretStr

            self._chat = _agent_class()(
                model=self._model,
                base_url=self._url,
                api_key=SecretStr(self._key or "none"),  # servers at home ask for none, the client insists on one
                max_retries=0,
                stream_usage=True,
                openai_proxy=None,
                http_client=httpx.Client(timeout=_LOAD, follow_redirects=False, **connection(self._url)),
            )
        return self._chat

    def _abandon(self) -> None:
        """Close the connection, so that the server stops; the next call opens another."""
        if self._chat is not None and self._chat.http_client is not None:
            self._chat.http_client.close()
        self._chat = None

    def _context_now(self) -> int:
        """The context that the server says it has now, in tokens; 0 where it does not."""
        try:
            served = look(self._url, self._key).find(self._model)
        except ModelError:
            return 0
        return served.context if served is not None else 0

    def _overflow(self, said: str) -> ModelError:
        """For a prompt that the server found too long: from now on they are shorter."""
        told = _HOLDS.search(said)
        now = int(told[1]) if told else self._context_now()
        self.context = now if 0 < now < self.context else self.context * 3 // 4  # counted otherwise than here
        return ModelError(
            f"The prompt was too long for the context that {self._url} has: {said[:300]} coder goes on with shorter "
            f"prompts; better, load the model with a context of {CONTEXT} tokens.",
            retryable=self.context >= _FLOOR,
        )

    def _missing(self) -> ModelError:
        return ModelError(f"{self._url} has no model {self._model}.{near(self._model, self._found)} Check the name.")

    def _explained(self, error: Exception) -> ModelError:
        """The fault in words for the reader."""
        import httpx
        import openai

        url = self._url
        if isinstance(error, openai.APITimeoutError):
            return ModelError(f"{url} fell silent for {_LOAD:.0f} seconds.", retryable=True)
        if isinstance(error, openai.APIConnectionError) and not isinstance(error.__cause__, httpx.ConnectError):
            why = str(error.__cause__ or error)[:200]
            return ModelError(f"The answer of {url} broke off ({why}). Look at the server's log.", retryable=True)
        if isinstance(error, openai.APIConnectionError):
            return ModelError(f"Nothing answers at {url}. Start the server, or correct the address.", retryable=True)
        if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
            return ModelError(f"{url} does not accept the key. Put the right one into {self._key_name}.")
        if isinstance(error, openai.APIStatusError):
            body = error.body.get("message") if isinstance(error.body, dict) else error.body
            said = str(body or error.body or error.message)
            if isinstance(error, openai.NotFoundError) and not is_page(said):
                return self._missing()
            if _OVERFLOW.search(said) and not is_page(said):
                return self._overflow(said)
            return self._refused(error.status_code, said, error.response.headers)
        return ModelError(
            f"The answer of {url} broke off or cannot be read ({type(error).__name__}: {str(error)[:200]}).",
            retryable=True,
        )

    def _refuses_pictures(self, error: Exception) -> bool:
        """Whether a request that had pictures was refused for them. Servers say it with different states and words."""
        import openai

        return (
            isinstance(error, openai.APIStatusError)
            and error.status_code in (400, 404, 415, 422, 500, 501)
            and bool(_NO_PICTURES.search(str(error.body or error.message)))
        )

    def _refused(self, status: int, text: str, headers: Any) -> ModelError:
        if is_page(text):
            return ModelError(
                f"{self._url} answered with a web page (status {status}). A proxy may be in between.",
                retryable=status >= 500,
            )
        if lacks_memory(text):
            return ModelError(f"{self._model} does not fit into memory: {text[:300]}. Take a smaller one.")
        if status >= 500 and _NO_TOOLS.search(text):  # llama-server: its template cannot take tools
            return ModelError(f"{self._url} cannot give the model tools: {text[:300]} (status {status}).")
        busy = status in (408, 409, 429) or status >= 500
        return ModelError(
            f"{self._url} answers: {text[:300]} (status {status}).",
            retryable=busy,
            retry_after=pause(headers.get("retry-after")),
        )


def _given(written: str | None) -> dict[str, Any]:
    """A call's arguments. Such as are no JSON, or only the beginning of some, go on as they came: the tools tell the
    model what is wrong with them. LangChain would close what is open, and half of a file would count as the whole."""
    try:
        given = json.loads(written or "{}", strict=False)
    except (ValueError, RecursionError):
        given = None
    return given if isinstance(given, dict) else {"arguments": written}


def _reply(heard: Heard, cut: Heard | None, messages: Sequence[Message], tools: Sequence[ToolSchema]) -> Reply:
    """The answer with what it cost, estimated where the server does not tell."""
    usage = heard.info.get("usage")
    prompt = usage["input_tokens"] if usage else estimate(messages, tools)
    completion = usage["output_tokens"] if usage else written(heard.text + heard.thinking)
    if cut is not None:
        prompt += estimate(messages, tools)
        completion += written(cut.thinking)
    reason, calls = "length" if heard.over else heard.info.get("reason", ""), 1 if cut is None else 2
    return Reply(heard.text, heard.thinking, tuple(heard.calls), prompt, completion, reason, calls)


def _agent_class() -> type[BaseChatOpenAI]:
    """The LangChain model for an agent. Made when first needed: importing langchain takes a second."""
    from langchain_core.outputs import ChatGenerationChunk
    from langchain_openai.chat_models.base import BaseChatOpenAI

    class AgentOpenAI(BaseChatOpenAI):
        """Mends: what a model thought is lost, under either of the names that servers give it."""

        def _convert_chunk_to_generation_chunk(
            self, chunk: dict[str, Any], default_chunk_class: type, base_generation_info: dict[str, Any] | None
        ) -> ChatGenerationChunk | None:
            made = super()._convert_chunk_to_generation_chunk(chunk, default_chunk_class, base_generation_info)
            choices = chunk.get("choices") or [{}]
            delta = choices[0].get("delta") or {}
            thought = delta.get("reasoning_content") or delta.get("reasoning")
            if made is not None and isinstance(thought, str):
                made.message.additional_kwargs["reasoning_content"] = thought
            return made

    return AgentOpenAI
