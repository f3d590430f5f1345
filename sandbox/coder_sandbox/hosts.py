"""What may be said of a host that a sandbox is to reach."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Self

WEB_PORTS = (80, 443)  # what a name without a port stands for


@dataclass(frozen=True)
class AllowedHost:
    """A host that may be reached, on these ports."""

    name: str
    ports: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """From NAME, NAME:PORT, an address or [IPV6]:PORT. ValueError for anything else; there are no wildcards."""
        match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?", text.strip())
        if match is None:
            raise ValueError(f"{text!r} is no host: NAME or NAME:PORT, without a wildcard, a scheme or a path")
        port = int(match[3]) if match[3] else None
        if port is not None and not 0 < port < 65536:
            raise ValueError(f"{text!r}: there is no port {port}")
        return cls(plain_name(match[1] or match[2]), (port,) if port is not None else WEB_PORTS)

    @property
    def is_literal(self) -> bool:
        """Whether it is an address, or this machine's own name for itself: then it may be one that is not public."""
        return self.name == "localhost" or _address(self.name) is not None


def plain_name(host: str) -> str:
    """A host name in the one form in which names are compared."""
    address = _address(host)
    return str(address) if address else host.rstrip(".").lower()


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
