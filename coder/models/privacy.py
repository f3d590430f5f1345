"""Nothing is sent anywhere but to the model's endpoint."""

from __future__ import annotations

import os
import sys
from collections.abc import MutableMapping
from typing import Any

_PREFIXES = ("LANGSMITH_", "LANGCHAIN_", "LANGGRAPH_")


def disable_tracing(environ: MutableMapping[str, str] = os.environ) -> list[str]:
    """Take LangChain's tracing and gateway variables out of this process; their names are given back.

    Call it before langchain or langgraph is imported: those read the variables when they are first used, and with
    them set would send every prompt to a tracing host, or route model calls through a gateway.
    """
    gone = [name for name in environ if name.startswith(_PREFIXES)]
    for name in gone:
        del environ[name]
    utils = sys.modules.get("langsmith.utils")
    if utils is not None:
        utils.get_env_var.cache_clear()  # it remembers what it once read
    return gone


def connection(url: str) -> dict[str, Any]:
    """How an httpx client is made for this address: no proxy on the way to this machine, and no certificates loaded
    where none is looked at (they take longer than the question)."""
    local = is_loopback(url)
    return {"trust_env": not local, "verify": not (local and url.startswith("http://"))}


def is_loopback(url: str) -> bool:
    """Whether the URL names this machine, to which no proxy from the environment may be asked the way."""
    from ipaddress import ip_address
    from urllib.parse import urlsplit

    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
