"""A model in this process, through transformers: a directory with its weights, or a GGUF file."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from coder.models.contract import Message, ModelError, Reply, ToolSchema
from coder.models.stream import Heard, Piece, hear, limited
from coder.models.tags import opened_in
from coder.models.text_tools import ToolSupport
from coder.models.thinking import held

CONTEXT = 32_768  # tokens at most, whatever the model could do: memory grows with them
_TAIL = 16  # tokens at the end of a prompt in which a thought may be opened
_IDLE = 120.0  # seconds between two pieces; a processor reads a long prompt slowly


class HfModel:
    """A causal language model from `hf:DIR`. Raises ModelError if it cannot be loaded, with what is missing."""

    images = False

    def __init__(self, place: str) -> None:
        self.name = f"hf:{place}"
        self._tokenizer, self._model = _load(Path(place).expanduser())
        config = self._model.config.get_text_config()
        self.context = min(CONTEXT, int(getattr(config, "max_position_embeddings", CONTEXT)))
        self.billions = self._model.num_parameters() / 1e9
        self._tools = ToolSupport("tools" in str(self._tokenizer.chat_template or ""))
        self._thinks = "enable_thinking" in str(self._tokenizer.chat_template or "")
        self._ends = _endings(self._tokenizer, self._model)

    def count(self, text: str) -> int:
        return len(self._tokenizer(text)["input_ids"])

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
        """One answer. Its calls stay in the text, in whatever form the model writes them."""
        deadline = time.monotonic() + timeout

        def ask(asked: Sequence[Message], thinking: bool, limit: int | None) -> Heard:
            def answer(sent: Sequence[Message], described: Sequence[ToolSchema]) -> Heard:
                left = max(1.0, deadline - time.monotonic())
                return self._hear(self._encode(sent, described, thinking), max_tokens, left, limit, temperature)

            return self._tools.ask(asked, tools, answer, lambda error: False, thinking)

        with self._tools.telling() as sent:
            heard, cut = held(ask, messages, think=think, limit=think_limit)
        prompt = heard.info["prompt"] + (cut.info["prompt"] if cut is not None else 0)
        completion = heard.info["made"] + (cut.info["made"] if cut is not None else 0)
        reason = "length" if heard.info["made"] >= max_tokens else "stop"
        return Reply(heard.text, heard.thinking, (), prompt, completion, reason, len(sent), tuple(sent))

    def _encode(self, messages: Sequence[Message], tools: Sequence[ToolSchema], think: bool) -> Any:
        more: dict[str, Any] = {"enable_thinking": think} if self._thinks else {}
        return self._tokenizer.apply_chat_template(
            [_plain(message) for message in messages],
            tools=list(tools) or None,
            add_generation_prompt=True,
            return_tensors="pt",
            return_dict=True,
            **more,
        ).to(self._model.device)

    def _hear(
        self, encoded: Any, max_tokens: int, timeout: float, limit: int | None, temperature: float | None
    ) -> Heard:
        from transformers import StoppingCriteriaList, TextIteratorStreamer

        size = int(encoded["input_ids"].shape[1])
        if size + 16 > self.context:
            raise ModelError(f"The prompt has {size} tokens; {self.name} takes {self.context}.")
        stopped = threading.Event()
        made = 0
        # Special tokens stay in: with some models they are what marks a thought and a call.
        streamer: Any = TextIteratorStreamer(self._tokenizer, skip_prompt=True, skip_special_tokens=False)
        settings: dict[str, Any] = {} if temperature is None else {"do_sample": temperature > 0}
        settings |= {"temperature": temperature} if temperature else {}
        settings |= {"max_new_tokens": min(max_tokens, self.context - size), "max_time": timeout}

        def stop(ids: Any, scores: Any, **_: Any) -> bool:
            nonlocal made
            made = int(ids.shape[1]) - size
            return stopped.is_set()

        def generate() -> None:
            try:
                self._model.generate(
                    **encoded, streamer=streamer, stopping_criteria=StoppingCriteriaList([stop]), **settings
                )
            except Exception as error:
                streamer.text_queue.put(error)

        def pieces() -> Iterator[Piece]:
            threading.Thread(target=generate, name="generate", daemon=True).start()
            yield Piece(self._opened(encoded), info={"prompt": size})
            for text in iter(streamer.text_queue.get, streamer.stop_signal):
                if isinstance(text, Exception):
                    raise ModelError(f"{self.name} failed while it answered: {text}") from text
                for ending in self._ends:
                    text = text.replace(ending, "")
                yield Piece(text, info={"made": made})

        return hear(limited(pieces, timeout=timeout, idle=_IDLE, abandon=stopped.set), limit, seconds=timeout)

    def _opened(self, encoded: Any) -> str:
        """The tag of a thought that the template has opened already; "" if it has not."""
        return opened_in(self._tokenizer.decode(encoded["input_ids"][0][-_TAIL:]))


def _endings(tokenizer: Any, model: Any) -> tuple[str, ...]:
    """The tokens, as text, that end an answer or fill it up."""
    ends = model.generation_config.eos_token_id
    numbers = ends if isinstance(ends, list) else [ends]
    texts = [tokenizer.convert_ids_to_tokens(number) for number in numbers if number is not None]
    texts += [tokenizer.bos_token, tokenizer.eos_token, tokenizer.pad_token]
    return tuple(dict.fromkeys(text for text in texts if text))


def _plain(message: Message) -> dict[str, Any]:
    """A message as chat templates take it."""
    plain: dict[str, Any] = {"role": message["role"], "content": message["content"]}
    if calls := message.get("tool_calls"):
        plain["tool_calls"] = [
            {"type": "function", "function": {"name": c["name"], "arguments": c["arguments"]}} for c in calls
        ]
    if "name" in message:
        plain["name"] = message["name"]
    return plain


def _load(place: Path) -> tuple[Any, Any]:
    """Tokenizer and model, from what is on the disk alone."""
    folder, gguf = (place.parent, place.name) if place.suffix == ".gguf" else (place, "")
    if not place.exists():
        raise ModelError(f"There is no {place}. Give a directory with a model's files, or a .gguf file.")
    if not gguf and not (place / "config.json").is_file():
        files = sorted(file.name for file in place.glob("*.gguf"))
        if len(files) != 1:
            raise ModelError(f"{place} has no config.json and {len(files)} .gguf files. Name one of those.")
        gguf = files[0]
    try:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer, logging
    except ImportError:
        raise ModelError(
            "hf: needs transformers and torch. Install them: pip install 'coder-agent[steering]'"
        ) from None
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    more: dict[str, Any] = {"local_files_only": True} | ({"gguf_file": gguf} if gguf else {})
    device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, **more)
        model = AutoModelForCausalLM.from_pretrained(folder, dtype="auto", **more).to(device).eval()
    except Exception as error:  # whatever a broken file makes of the libraries' readers
        raise ModelError(f"{place} cannot be loaded: {str(error)[:300]}") from None
    if not tokenizer.chat_template:
        raise ModelError(f"{place} has no chat template: it is no model that follows instructions.")
    return tokenizer, model
