"""From what the user wrote to a model that can be talked to."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence

from coder.models.contract import ChatModel, ModelError
from coder.models.ollama_server import Installed, OllamaServer, server_url

FORMS = "auto, none, ollama:NAME, openai:NAME@URL"

# Families that fix code and call tools, best first. Below two billion parameters nothing does.
_FAMILIES = ("gemma4", "qwen3-coder", "qwen3.5", "qwen3.6", "qwen2.5-coder", "devstral", "gpt-oss", "qwen3")
_SMALLEST = 1_500_000_000  # bytes


def choose_model(spec: str, environ: Mapping[str, str] = os.environ) -> tuple[ChatModel | None, str]:
    """The model that `spec` names and why it is that one, in words; None where there is to be none.

    ValueError, naming the allowed forms, for a spec that is none of them. ModelError if a model named by the user
    cannot be had. `auto` never fails: without a suitable model it is None, and the words say why.
    """
    spec = spec.strip()
    if spec == "none":
        return None, "no model was asked for"
    if spec == "auto":
        return _auto(environ)
    kind, _, name = spec.partition(":")
    if kind == "ollama" and name:
        from coder.models.ollama import OllamaModel

        url = server_url(environ)
        return OllamaModel(name, url), f"{spec} was asked for, at {url}"
    openai = re.fullmatch(r"(?P<model>\S+?)@(?P<url>https?://\S+)", name)
    if kind == "openai" and openai:
        from coder.models.openai import OpenAIModel

        key = environ.get("CODER_API_KEY", "")
        return OpenAIModel(openai["model"], openai["url"], key), f"{openai['model']} at {openai['url']} was asked for"
    raise ValueError(f"There is no model {spec!r}: write one of {FORMS}")


def suitable(models: Sequence[Installed]) -> list[Installed]:
    """The installed models worth trying, best first: by family, then the largest."""

    def rank(model: Installed) -> int:
        base = model.name.rsplit("/", 1)[-1]
        return next((at for at, family in enumerate(_FAMILIES) if base.startswith(family)), len(_FAMILIES))

    able = [m for m in models if rank(m) < len(_FAMILIES) and (m.size >= _SMALLEST or not m.size)]
    return sorted(able, key=lambda m: (rank(m), -m.size, m.name))


def _auto(environ: Mapping[str, str]) -> tuple[ChatModel | None, str]:
    url = server_url(environ)
    server = OllamaServer(url, timeout=1.0)
    try:
        version = server.version()
        installed = server.models()
    except ModelError:
        return None, f"no Ollama answers at {url}; the search works without a model"
    found = suitable(installed)
    for model in found:
        from coder.models.ollama import OllamaModel

        try:
            chosen = OllamaModel(model.name, url)
        except ModelError:
            continue  # it cannot call tools: the next one may
        return chosen, f"{model.name} is the best of {len(installed)} models that Ollama {version} has at {url}"
    names = ", ".join(model.name for model in installed[:5]) or "none at all"
    return None, f"Ollama at {url} has no suitable model (it has {names}); try: ollama pull gemma4:e4b"
