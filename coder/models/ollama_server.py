"""What an Ollama server tells about itself: version, models, what a model can do; and getting another one."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from coder.models.contract import ModelError
from coder.models.memory import Shape, elided, shape_of
from coder.models.privacy import connection

DEFAULT_URL = "http://127.0.0.1:11434"


@dataclass(frozen=True)
class Installed:
    """A model that the server has."""

    name: str
    family: str
    size: int  # bytes
    billions: float = 0.0  # parameters


@dataclass(frozen=True)
class Abilities:
    """What a model can do. `context` is its own limit in tokens, 0 if the server does not say."""

    capabilities: frozenset[str]
    context: int
    shape: Shape | None = None
    billions: float = 0.0  # parameters

    def can(self, what: str) -> bool:
        """Whether it can; a server that is too old to say is believed to."""
        return what in self.capabilities or (not self.capabilities and what in ("completion", "tools"))


def server_url(environ: Mapping[str, str]) -> str:
    """Where Ollama is by OLLAMA_HOST, in all the forms that Ollama itself takes."""
    host = environ.get("OLLAMA_HOST", "").strip().strip("\"'").rstrip("/")
    if not host:
        return DEFAULT_URL
    scheme, _, rest = host.rpartition("://")
    name, colon, port = rest.rpartition(":")
    if not colon or not port.isdigit() or rest.endswith("]"):
        name, port = rest, {"http": "80", "https": "443"}.get(scheme, "11434")
    # A server that listens everywhere is asked here.
    name = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]", "": "127.0.0.1"}.get(name, name)
    return f"{scheme or 'http'}://{name}:{port}"


class OllamaServer:
    """One server. Every method raises ModelError, with words for the reader, if it does not answer as Ollama does."""

    def __init__(self, url: str, timeout: float = 5.0) -> None:
        self.url = url
        self._timeout = timeout  # seconds a question

    def version(self) -> str:
        return str(self._ask("GET", "/api/version").get("version", ""))

    def models(self) -> list[Installed]:
        """The chat models that are there, as the server lists them."""
        found = []
        for entry in self._ask("GET", "/api/tags").get("models") or []:
            details = entry.get("details") or {}
            name = str(entry.get("name") or entry.get("model") or "")
            billions = parameters(str(details.get("parameter_size") or ""))
            found.append(Installed(name, str(details.get("family") or ""), int(entry.get("size") or 0), billions))
        return [model for model in found if model.name]

    def abilities(self, name: str) -> Abilities:
        answer = self._ask("POST", "/api/show", {"model": name})
        info = answer.get("model_info") or {}
        if elided(info):  # the whole is megabytes, for the vocabulary: asked for only where the shape hangs on it
            info = self._everything(name) or info
        context = next((int(value) for key, value in info.items() if key.endswith(".context_length")), 0)
        billions = parameters(str((answer.get("details") or {}).get("parameter_size") or ""))
        return Abilities(frozenset(answer.get("capabilities") or ()), context, shape_of(info), billions)

    def _everything(self, name: str) -> dict[str, Any]:
        """The model's metadata with all lists in them; {} if they cannot be had in time."""
        try:
            return self._ask("POST", "/api/show", {"model": name, "verbose": True}).get("model_info") or {}
        except ModelError:
            return {}

    def size(self, name: str) -> int:
        """Bytes of the model's weights; 0 if the server does not list it."""
        return next((m.size for m in self.models() if m.name in (name, f"{name}:latest")), 0)

    def loaded_context(self, name: str) -> int | None:
        """The context the model is loaded with now, in tokens (0: the server does not say); None if it is not."""
        try:
            models = self._ask("GET", "/api/ps").get("models") or []
        except ModelError:
            return None
        for entry in models:
            if {name, f"{name}:latest"} & {entry.get("name"), entry.get("model")}:
                return int(entry.get("context_length") or 0)
        return None

    def pull(self, name: str, progress: Callable[[str, int, int], None]) -> None:
        """Have the server get a model. progress(what, bytes done, bytes in all) is called as it goes on."""
        import httpx

        try:
            with (
                httpx.Client(timeout=httpx.Timeout(self._timeout, read=300.0), **connection(self.url)) as client,
                client.stream("POST", self.url + "/api/pull", json={"model": name, "stream": True}) as answer,
            ):
                last = ""
                for line in answer.iter_lines():
                    told = json.loads(line) if line.strip() else {}
                    if told.get("error"):
                        raise ModelError(f"Ollama could not get {name}: {str(told['error'])[:300]}")
                    last = str(told.get("status") or "")
                    progress(last, int(told.get("completed") or 0), int(told.get("total") or 0))
        except httpx.HTTPError as error:
            raise unreachable(self.url, str(error)) from None
        except ValueError:
            raise not_ollama(self.url) from None
        if last != "success":
            raise ModelError(f"Ollama stopped getting {name} in the middle. Ask again: it goes on where it was.")

    def missing(self, name: str) -> ModelError:
        """The error for a model that is not there, with the nearest names that are."""
        names = [model.name for model in self.models()]
        near = difflib.get_close_matches(name, names, n=3, cutoff=0.4)
        near = near or [n for n in names if n.split(":")[0] == name.split(":")[0]] or names[:5]
        there = f"There are: {', '.join(near)}." if near else "It has no model at all."
        return ModelError(
            f"Ollama at {self.url} has no model {name}. {there} To get it: ollama pull {name} (or coder doctor "
            f"--pull {name})"
        )

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        import httpx

        try:
            with httpx.Client(timeout=self._timeout, **connection(self.url)) as client:
                response = client.request(method, self.url + path, json=body)
                answer = response.json()
        except httpx.TimeoutException:
            raise ModelError(f"Ollama at {self.url} does not answer within {self._timeout:.0f} seconds.") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise unreachable(self.url, str(error)) from None
        except ValueError:
            raise not_ollama(self.url) from None
        if response.status_code == 404 and body:
            raise self.missing(str(body["model"]))
        if response.status_code >= 400:
            raise ModelError(f"Ollama at {self.url} answers {response.status_code}: {_error_text(answer)}")
        if not isinstance(answer, dict):
            raise not_ollama(self.url)
        return answer


def billions_in(name: str) -> float:
    """Billions of parameters by a model's name, such as "qwen3-coder-480b-a35b"; 0 where it does not tell."""
    match = re.search(r"(?<![a-z0-9.])(\d{1,4}(?:\.\d{1,2})?)b(?![a-z0-9])", name.lower())
    return float(match[1]) if match else 0.0


def parameters(text: str) -> float:
    """Billions of parameters in a server's words such as "8.0B" or "134.52M"; 0 for any other."""
    match = re.fullmatch(r"([\d.]+)\s*([BMK])", text.strip(), re.IGNORECASE)
    return float(match[1]) * {"B": 1.0, "M": 1e-3, "K": 1e-6}[match[2].upper()] if match else 0.0


def unreachable(url: str, why: str = "") -> ModelError:
    reason = f" ({why})" if why else ""
    return ModelError(
        f"There is no Ollama at {url}{reason}. Start it with `ollama serve`, or set OLLAMA_HOST to where it is."
    )


def not_ollama(url: str) -> ModelError:
    return ModelError(
        f"What answers at {url} is not Ollama: it sent no JSON. Check OLLAMA_HOST; another server may be there."
    )


def _error_text(answer: object) -> str:
    return str(answer.get("error", answer) if isinstance(answer, dict) else answer)[:300]
