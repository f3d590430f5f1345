"""From what the user wrote to a model that can be talked to."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from coder.models.contract import ChatModel, ModelError
from coder.models.hardware import GIB, Hardware, detect
from coder.models.memory import needed
from coder.models.ollama_server import Installed, OllamaServer, server_url
from coder.models.openai_server import LLAMA_SERVER, LM_STUDIO, look
from coder.models.privacy import is_loopback
from coder.models.tiers import best

FORMS = "auto, none, ollama:NAME, openai:NAME@URL, hf:DIR"

# Families that fix code and call tools, best first. Below two billion parameters nothing does.
_FAMILIES = ("gemma4", "qwen3-coder", "qwen3.5", "qwen3.6", "qwen2.5-coder", "devstral", "gpt-oss", "qwen3")
_SMALLEST = 1_500_000_000  # bytes
_CONTEXT = 8_192  # tokens that must fit beside the weights, or the model is too tight
_PROBE = 1.0  # seconds a server on this machine has to answer
KEY_VARIABLE = "CODER_API_KEY_ENV"  # names the variable that holds the key, where that is not CODER_API_KEY


@dataclass(frozen=True)
class Advice:
    """What `auto` would use on this machine, and what it thought of the rest. All in words but `spec`."""

    spec: str  # "" for none
    why: str
    better: str = ""  # what would fit better, and how to get it
    tight: tuple[str, ...] = ()  # installed models that the memory does not hold


def choose_model(
    spec: str, environ: Mapping[str, str] = os.environ, hardware: Hardware | None = None
) -> tuple[ChatModel | None, str]:
    """The model that `spec` names and why it is that one, in words; None where there is to be none.

    ValueError, naming the allowed forms, for a spec that is none of them. ModelError if a model named by the user
    cannot be had. `auto` never fails: without a suitable model it is None, and the words say why.
    """
    spec = spec.strip()
    if spec == "none":
        return None, "no model was asked for"
    if spec == "auto":
        return _auto(environ, hardware or detect())
    kind, _, name = spec.partition(":")
    if kind == "ollama" and name:
        from coder.models.ollama import OllamaModel

        url = server_url(environ)
        memory = (hardware or detect()).for_model if is_loopback(url) else 0
        return OllamaModel(name, url, memory=memory), f"{spec} was asked for, at {url}"
    openai = re.fullmatch(r"(?P<model>\S+?)@(?P<url>https?://\S+)", name)
    if kind == "openai" and openai:
        from coder.models.openai import OpenAIModel

        variable = environ.get(KEY_VARIABLE) or "CODER_API_KEY"
        made = OpenAIModel(openai["model"], openai["url"], environ.get(variable, ""), key_name=variable)
        return made, f"{openai['model']} at {openai['url']} was asked for"
    if kind == "hf" and name:
        from coder.models.hf import HfModel

        return HfModel(name), f"{spec} was asked for, in this process"
    raise ValueError(f"There is no model {spec!r}: write one of {FORMS}")


def suitable(models: Sequence[Installed], room: int = 0) -> list[Installed]:
    """The installed models worth trying, best first: those that fit into `room` bytes, by family, then the largest."""

    def rank(model: Installed) -> int:
        base = model.name.rsplit("/", 1)[-1].lower()
        return next((at for at, family in enumerate(_FAMILIES) if base.startswith(family)), len(_FAMILIES))

    able = [m for m in models if rank(m) < len(_FAMILIES) and (m.size >= _SMALLEST or not m.size)]
    return sorted(able, key=lambda m: (_tight(m, room), rank(m), -m.size, m.name))


def advise(environ: Mapping[str, str], hardware: Hardware) -> Advice:
    """What of that which is installed this machine should use. Asks only servers on it, and the one in OLLAMA_HOST."""
    url = server_url(environ)
    room = hardware.for_model if is_loopback(url) else 0
    better = _better(hardware) if room else ""
    server = OllamaServer(url, timeout=_PROBE)
    try:
        version, installed = server.version(), server.models()
    except ModelError:
        return _elsewhere(f"no Ollama answers at {url}", better)
    found = suitable(installed, room)
    tight = tuple(f"{m.name} ({_need(m) / GIB:.0f} GB)" for m in found if _tight(m, room))
    fitting = [m for m in found if not _tight(m, room)]
    for model in fitting:
        try:
            tools = server.abilities(model.name).can("tools")
        except ModelError:
            continue
        if tools or model is fitting[-1]:
            why = f"{model.name} is the best of {len(installed)} models that Ollama {version} has at {url}"
            why += f"; it takes about {_need(model) / GIB:.0f} of the {room / GIB:.0f} GB there are" if room else ""
            why += "" if tools else "; it cannot call tools, so they are given to it as text"
            here = best(hardware)
            is_best = here is None or not room or model.name.startswith(here.tag) or model.size > here.weights * GIB
            return Advice(f"ollama:{model.name}", why, "" if is_best else better, tight)
    names = ", ".join(model.name for model in installed[:5]) or "none at all"
    return _elsewhere(f"Ollama at {url} has no suitable model (it has {names})", better, tight)


def _auto(environ: Mapping[str, str], hardware: Hardware) -> tuple[ChatModel | None, str]:
    advice = advise(environ, hardware)
    if not advice.spec:
        remedy = f"; {advice.better}" if advice.better else ""
        return None, f"{advice.why}{remedy}; the search works without a model"
    try:
        model, _ = choose_model(advice.spec, environ, hardware)
    except ModelError as error:
        return None, f"{advice.spec} was there and is gone: {error}"
    return model, advice.why


def _elsewhere(why: str, better: str, tight: tuple[str, ...] = ()) -> Advice:
    """LM Studio or llama-server on this machine, where Ollama has nothing."""
    for program, url in (("LM Studio", LM_STUDIO), ("llama-server", LLAMA_SERVER)):
        try:
            found = look(url, timeout=_PROBE)
        except ModelError:
            continue
        if found.kind not in ("lmstudio", "llama-server"):
            continue
        families = suitable([Installed(m.name, "", m.size, m.billions) for m in found.models])
        known = [m for m in found.models if m.loaded] or [m for f in families if (m := found.find(f.name))]
        if known:
            loaded = "loaded" if known[0].loaded else "there"
            return Advice(f"openai:{known[0].name}@{url}", f"{known[0].name} is {loaded} in {program} at {url}", better)
        why += f", and {program} at {url} has none either"
    return Advice("", why, better, tight)


def _better(hardware: Hardware) -> str:
    tier = best(hardware)
    if tier is None:
        return ""
    return f"{tier.tag} would fit this machine: ollama pull {tier.tag}"


def _need(model: Installed) -> int:
    return needed(model.size, None, _CONTEXT)


def _tight(model: Installed, room: int) -> bool:
    return bool(room and model.size and _need(model) > room)
