"""What a server of the OpenAI wire tells about itself: which program it is, its models, their context."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from coder.models.contract import ModelError
from coder.models.ollama_server import parameters
from coder.models.privacy import connection

LM_STUDIO = "http://127.0.0.1:1234"
LLAMA_SERVER = "http://127.0.0.1:8080"

Kind = Literal["lmstudio", "llama-server", "vllm", "ollama", ""]


@dataclass(frozen=True)
class Served:
    """A model behind a server. `context` in tokens, 0 if it does not say; `tools` and `images` None where that
    is not known."""

    name: str
    context: int = 0
    tools: bool | None = None
    images: bool | None = None
    loaded: bool = False
    size: int = 0  # bytes of its weights
    billions: float = 0.0  # parameters


@dataclass(frozen=True)
class Found:
    """A server that answered."""

    kind: Kind
    models: tuple[Served, ...] = field(default_factory=tuple)

    def find(self, name: str) -> Served | None:
        return next((model for model in self.models if model.name == name), None)


def base_url(url: str) -> str:
    """The address with the path that the wire's servers use, where it has none."""
    return url.rstrip("/") if urlsplit(url).path.strip("/") else url.rstrip("/") + "/v1"


def look(url: str, key: str = "", timeout: float = 5.0) -> Found:
    """Ask the server what it is. ModelError if nothing answers; a server that tells nothing is Found("")."""
    url = base_url(url)
    root = url.removesuffix("/v1")
    listed = _get(f"{url}/models", key, timeout)
    entries = [e for e in listed.get("data") or [] if isinstance(e, dict) and e.get("id")]
    owners = {str(e.get("owned_by") or "") for e in entries}
    if "organization_owner" in owners or not entries:
        studio = _get(f"{root}/api/v0/models", key, timeout)
        if any("max_loaded_context_length" in e or "max_context_length" in e for e in studio.get("data") or []):
            return Found("lmstudio", tuple(_of_lm_studio(e) for e in studio["data"] if e.get("type") != "embeddings"))
    if "llamacpp" in owners:
        props = _get(f"{root}/props", key, timeout)
        return Found("llama-server", tuple(_of_llama_server(e, props) for e in entries))
    if "vllm" in owners:
        return Found("vllm", tuple(Served(str(e["id"]), int(e.get("max_model_len") or 0)) for e in entries))
    kind: Kind = "ollama" if "library" in owners else ""
    return Found(kind, tuple(Served(str(e["id"])) for e in entries))


def is_loading(url: str) -> bool:
    """Whether a llama-server says that it is still loading its model."""
    error = _get(f"{base_url(url).removesuffix('/v1')}/health", "", 5.0).get("error")
    return isinstance(error, dict) and error.get("code") == 503


def tokens(url: str, key: str, text: str) -> int:
    """The tokens of a text, by llama-server's or vLLM's own count; 0 if there is none to be had."""
    import httpx

    try:
        with httpx.Client(timeout=5.0, **connection(url)) as client:
            body = {"content": text, "prompt": text}
            answer = client.post(f"{base_url(url).removesuffix('/v1')}/tokenize", json=body, headers=_auth(key)).json()
    except (httpx.HTTPError, ValueError):
        return 0
    if not isinstance(answer, dict):
        return 0
    return int(answer["count"]) if isinstance(answer.get("count"), int) else len(answer.get("tokens") or ())


def near(name: str, found: Found) -> str:
    """The names there are that come nearest, in words; "" if none is known."""
    names = [model.name for model in found.models]
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.4) or names[:5]
    return f" There are: {', '.join(close)}." if close else ""


def _of_lm_studio(entry: dict[str, Any]) -> Served:
    loaded = entry.get("state") == "loaded"
    context = entry.get("loaded_context_length") if loaded else None
    return Served(
        str(entry["id"]),
        int(context or entry.get("max_context_length") or 0),
        tools=None,  # LM Studio gives every model tools, by its template or in text
        images=entry.get("type") == "vlm",
        loaded=loaded,
        size=int(entry.get("size_bytes") or 0),
        billions=parameters(str(entry.get("params_string") or "")),
    )


def _of_llama_server(entry: dict[str, Any], props: dict[str, Any]) -> Served:
    settings, meta = props.get("default_generation_settings") or {}, entry.get("meta") or {}
    template = str(props.get("chat_template") or "")
    return Served(
        str(entry["id"]),
        int(settings.get("n_ctx") or meta.get("n_ctx_train") or 0),
        tools="tools" in template if template else None,
        images=bool((props.get("modalities") or {}).get("vision")),
        loaded=True,
        size=int(meta.get("size") or 0),
        billions=int(meta.get("n_params") or 0) / 1e9,
    )


def _get(url: str, key: str, timeout: float) -> dict[str, Any]:
    """The JSON object there; {} for any other answer. ModelError if nothing answers."""
    import httpx

    try:
        with httpx.Client(timeout=timeout, **connection(url)) as client:
            answer = client.get(url, headers=_auth(key)).json()
    except ValueError:
        return {}
    except httpx.ConnectError:
        raise ModelError(f"Nothing answers at {url}. Start the server, or correct the address.") from None
    except httpx.HTTPError as error:
        raise ModelError(f"{url} does not answer ({type(error).__name__}). Look at its log.") from None
    return answer if isinstance(answer, dict) else {}


def _auth(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"} if key else {}
