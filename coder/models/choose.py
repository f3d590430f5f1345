"""From what the user wrote to a model that can be talked to."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from coder.models.contract import ChatModel, ModelError
from coder.models.hardware import GIB, Hardware, detect
from coder.models.memory import LEAST, Shape, needed
from coder.models.ollama_server import Abilities, Installed, OllamaServer, billions_in, server_url
from coder.models.openai_server import LLAMA_SERVER, LM_STUDIO, Served, look
from coder.models.privacy import is_loopback
from coder.models.tiers import TIERS, best, squeezed, tier_of

FORMS = "auto, none, ollama:NAME, openai:NAME@URL, hf:DIR"

# Families that fix code and call tools, best first; any other that calls tools comes after them. Below two billion
# parameters nothing does.
_FAMILIES = ("gemma4", "qwen3coder", "qwen3.5", "qwen3.6", "qwen2.5coder", "devstral", "gptoss", "qwen3")
_GET = {
    "Ollama": "ollama pull {tag}",
    "LM Studio": "get {words} in LM Studio",
    "llama-server": "start llama-server with {words}",
}
_FOUR_BITS = 600_000_000  # bytes of a billion parameters as they are mostly had
_SMALLEST = 1_500_000_000  # bytes
_ASKED = 12  # installed models at most that are asked for their shape
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
        room = _room(hardware or detect(), url)
        return OllamaModel(name, url, memory=room.fast, spilled=room.most), f"{spec} was asked for, at {url}"
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


@dataclass(frozen=True)
class Room:
    """What a model may take, in bytes; 0 where that is not for us to know."""

    fast: int = 0  # without any loss
    most: int = 0  # where it has to be: coder.models.hardware
    card: bool = False  # whether `fast` is a graphics card's
    shapes: Mapping[str, Shape | None] = field(default_factory=dict)  # of models, as their server reports them

    def need(self, model: Installed) -> int:
        """Bytes with the least context that is of use. Reckoned as the table of tiers is, so that what is recommended
        is taken once it is there."""
        tier = tier_of(model.name)
        shape = self.shapes.get(model.name) or (tier.shape if tier is not None else None)
        return needed(model.size, shape, LEAST)

    def grade(self, model: Installed) -> int:
        """0: fits; 1: fits where it has to, slower or with less left for the tests; 2: too tight."""
        if not self.fast or not model.size:
            return 0
        need = self.need(model)
        return 0 if need <= self.fast else 1 if need <= self.most else 2


def suitable(models: Sequence[Installed], room: Room | None = None) -> list[Installed]:
    """The installed models worth trying, best first: those that fit, by family, then the largest; then those that
    are usable, the smallest first, since each further part costs. Some of them may not chat at all."""
    room = room or Room()

    def order(model: Installed) -> tuple[int, int, int, str]:
        grade = room.grade(model)
        return grade, _rank(model), model.size if grade else -model.size, model.name

    return sorted((m for m in models if m.size >= _SMALLEST or not m.size), key=order)


def _rank(model: Installed) -> int:
    """The place of its family, by its name or by what the server calls it."""
    names = squeezed(model.name), squeezed(model.family)
    return next((at for at, known in enumerate(_FAMILIES) if any(known in name for name in names)), len(_FAMILIES))


def advise(environ: Mapping[str, str], hardware: Hardware) -> Advice:
    """What of that which is installed this machine should use. Asks only servers on it, and the one in OLLAMA_HOST."""
    url = server_url(environ)
    room = _room(hardware, url)
    server = OllamaServer(url, timeout=_PROBE)
    try:
        version, installed = server.version(), server.models()
    except ModelError:
        return _elsewhere(f"no Ollama answers at {url}", hardware, _better(hardware, room, []))
    able = _abilities(server, suitable(installed, room)[:_ASKED])
    room = replace(room, shapes={name: told.shape for name, told in able.items()})
    found = [m for m in suitable(installed, room) if m.name in able and _can_act(m, able[m.name])]
    tight = tuple(f"{m.name} ({room.need(m) / GIB:.0f} GB)" for m in found if room.grade(m) == 2)
    fitting = [m for m in found if room.grade(m) < 2]
    chosen = next((m for m in fitting if able[m.name].can("tools")), fitting[0] if fitting else None)
    if chosen is not None:
        why = f"{chosen.name} is the best of {len(installed)} models that Ollama {version} has at {url}"
        why += _takes(chosen, room)
        why += "" if able[chosen.name].can("tools") else "; it cannot call tools, so they are given to it as text"
        return Advice(f"ollama:{chosen.name}", why, _better(hardware, room, installed, chosen), tight)
    names = ", ".join(model.name for model in installed[:5]) or "none at all"
    why = f"Ollama at {url} has no suitable model (it has {names})"
    return _elsewhere(why, hardware, _better(hardware, room, installed), tight)


def _can_act(model: Installed, able: Abilities) -> bool:
    """Whether it can chat, and is of a known family or calls tools: one that embeds texts or only completes cannot."""
    return able.can("completion") and (_rank(model) < len(_FAMILIES) or able.can("tools"))


def _abilities(server: OllamaServer, models: Sequence[Installed]) -> dict[str, Abilities]:
    """What the server tells of each of these models, by name; without those of which it tells nothing."""
    told: dict[str, Abilities] = {}
    for model in models:
        try:
            told[model.name] = server.abilities(model.name)
        except ModelError:
            continue
    return told


def _takes(model: Installed, room: Room) -> str:
    if not room.fast:
        return ""
    need, fast = (f"{size / GIB:.0f}" for size in (room.need(model), room.fast))
    if room.grade(model) == 0:
        return f"; it takes about {need} of the {fast} GB there are"
    more = f"; it takes about {need} GB, more than the {fast} GB"
    if room.card:
        return f"{more} on the graphics card: the rest runs in the machine's own memory, slower"
    return f"{more} meant for a model, which leaves less for the tests"


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


def _elsewhere(why: str, hardware: Hardware, better: str, tight: tuple[str, ...] = ()) -> Advice:
    """LM Studio or llama-server on this machine, where Ollama has nothing."""
    for program, url in (("LM Studio", LM_STUDIO), ("llama-server", LLAMA_SERVER)):
        try:
            found = look(url, timeout=_PROBE)
        except ModelError:
            continue
        if found.kind not in ("lmstudio", "llama-server"):
            continue
        room = _room(hardware, url)
        served = {m.name: Installed(m.name, "", _weights(m), m.billions) for m in found.models}
        fitting = [m for m in suitable(list(served.values()), room) if room.grade(m) < 2]
        loaded = [served[m.name] for m in found.models if m.loaded]
        chosen = next(iter(loaded or fitting), None)
        better = _better(hardware, room, list(served.values()), chosen, program)
        if chosen is not None:
            there = "loaded" if loaded else "there"
            return Advice(f"openai:{chosen.name}@{url}", f"{chosen.name} is {there} in {program} at {url}", better)
        tight += tuple(f"{m.name} ({room.need(m) / GIB:.0f} GB)" for m in served.values() if room.grade(m) == 2)
        why += f", and {program} at {url} has none either"
    return Advice("", why, better, tight)


def _weights(model: Served) -> int:
    """Bytes of its weights; where the server does not tell, by its name; 0 where that does not tell either."""
    tier = tier_of(model.name)
    by_name = tier.size if tier is not None else int((model.billions or billions_in(model.name)) * _FOUR_BITS)
    return model.size or by_name


def _better(
    hardware: Hardware,
    room: Room,
    installed: Sequence[Installed],
    chosen: Installed | None = None,
    program: str = "Ollama",
) -> str:
    """What to get instead of the chosen model, in words; "" if nothing is better, or it is there already."""
    tier = best(hardware) if room.fast else None
    if tier is None or tier.tag in {model.name for model in installed}:
        return ""
    if program != "Ollama" and any(tier_of(model.name) is tier for model in installed):
        return ""
    if chosen is not None and room.grade(chosen) == 0:
        own = tier_of(chosen.name)
        if TIERS.index(own) >= TIERS.index(tier) if own is not None else chosen.size > tier.size:
            return ""
    name = tier.tag if program == "Ollama" else tier.words
    return f"{name} would fit this machine: {_GET[program].format(tag=tier.tag, words=tier.words)}"


def _room(hardware: Hardware, url: str) -> Room:
    """Nothing is known of the memory of another machine's server."""
    return Room(hardware.for_model, hardware.at_most, bool(hardware.card)) if is_loopback(url) else Room()
