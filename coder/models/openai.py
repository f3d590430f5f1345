"""Any server that speaks OpenAI's chat completions: LM Studio, llama-server, vLLM, a hosted one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from coder.models.contract import Message, ModelError, Reply, ToolCall, ToolSchema
from coder.models.messages import to_langchain
from coder.models.privacy import disable_tracing, is_loopback
from coder.models.stream import limited
from coder.models.tokens import CHARS_PER_TOKEN, estimate

if TYPE_CHECKING:
    from langchain_core.messages import AIMessageChunk
    from langchain_openai.chat_models.base import BaseChatOpenAI

CONTEXT = 32_768  # tokens that are taken to be there: the wire has no way to ask
_FIRST, _IDLE = 300.0, 60.0  # seconds to the first piece (a cold load), and between two


class OpenAIModel:
    """A model behind a base URL. Nothing is asked of the server before the first `chat`."""

    def __init__(self, model: str, url: str, key: str = "", *, context: int = CONTEXT) -> None:
        self.name = f"openai:{model}@{url}"
        self.context = context
        self._model = model
        self._url = url if urlsplit(url).path.strip("/") else url.rstrip("/") + "/v1"
        self._key = key
        self._chat: BaseChatOpenAI | None = None

    def chat(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSchema],
        *,
        think: bool,
        max_tokens: int,
        timeout: float,
    ) -> Reply:
        """One answer, streamed. The wire has no common way to turn thinking off, so `think` is not sent."""
        chat = self._client()
        kwargs: dict[str, Any] = {"max_tokens": max_tokens} | ({"tools": list(tools)} if tools else {})

        def open_stream() -> Iterator[Any]:
            return chat.stream(to_langchain(messages), **kwargs)

        pieces = limited(open_stream, timeout=timeout, first=_FIRST, idle=_IDLE, abandon=self._abandon)
        try:
            whole: AIMessageChunk | None = None
            for piece in pieces:
                whole = piece if whole is None else whole + piece
        except ModelError:
            raise
        except Exception as error:
            raise self._explained(error) from error
        return self._reply(whole, messages, tools)

    def _client(self) -> BaseChatOpenAI:
        if self._chat is None:
            disable_tracing()
            import httpx
            from pydantic import SecretStr

            local = is_loopback(self._url)
            self._chat = _agent_class()(
                model=self._model,
                base_url=self._url,
                api_key=SecretStr(self._key or "none"),  # servers at home ask for none, the client insists on one
                max_retries=0,
                stream_usage=True,
                openai_proxy=None,
                http_client=httpx.Client(timeout=_FIRST, trust_env=not local, follow_redirects=False),
            )
        return self._chat

    def _abandon(self) -> None:
        """Close the connection, so that the server stops; the next call opens another."""
        if self._chat is not None and self._chat.http_client is not None:
            self._chat.http_client.close()
        self._chat = None

    def _reply(self, whole: AIMessageChunk | None, messages: Sequence[Message], tools: Sequence[ToolSchema]) -> Reply:
        reason = whole.response_metadata.get("finish_reason") if whole is not None else None
        if whole is None or not reason:
            raise ModelError(
                f"{self._url} ended its answer in the middle, or is no such server. Look at its log.", retryable=True
            )
        calls = [ToolCall(id=c["id"] or "", name=c["name"], arguments=c["args"]) for c in whole.tool_calls]
        # Arguments that are no JSON go on as they came: the tools tell the model what is wrong with them.
        calls += [
            ToolCall(id=c["id"] or "", name=c["name"] or "", arguments={"arguments": c["args"] or ""})
            for c in whole.invalid_tool_calls
        ]
        text = whole.text
        thinking = str(whole.additional_kwargs.get("reasoning_content") or "")
        usage = whole.usage_metadata
        return Reply(
            str(text),
            thinking,
            tuple(calls),
            usage["input_tokens"] if usage else estimate(messages, tools),
            usage["output_tokens"] if usage else int((len(text) + len(thinking)) / CHARS_PER_TOKEN),
            str(reason),
        )

    def _explained(self, error: Exception) -> ModelError:
        """The fault in words for the reader."""
        import openai

        url = self._url
        if isinstance(error, openai.APITimeoutError):
            return ModelError(f"{url} fell silent for {_FIRST:.0f} seconds.", retryable=True)
        if isinstance(error, openai.APIConnectionError):
            return ModelError(f"Nothing answers at {url}. Start the server, or correct the address.")
        if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
            return ModelError(f"{url} does not accept the key. Put the right one into CODER_API_KEY.")
        if isinstance(error, openai.NotFoundError):
            return ModelError(f"{url} has no model {self._model}, or no chat completions there. Check both names.")
        if isinstance(error, openai.APIStatusError):
            busy = error.status_code in (408, 409, 429) or error.status_code >= 500
            text = str(error.body or error.message)[:300]
            return ModelError(f"{url} answers: {text} (status {error.status_code}).", retryable=busy)
        return ModelError(
            f"The answer of {url} broke off or cannot be read ({type(error).__name__}: {str(error)[:200]}).",
            retryable=True,
        )


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
