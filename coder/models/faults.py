"""What servers mean by the words and headers of a refusal."""

from __future__ import annotations

import re
import time
from email.utils import parsedate_to_datetime

_NO_MEMORY = re.compile(
    r"out of memory|\boom\b|more (?:\w+ )?memory|(?:not enough|insufficient) (?:\w+ ){0,2}(?:memory|vram)"
    r"|(?:unable|failed) to allocate|cannot allocate|cudamalloc",
    re.IGNORECASE,
)


def is_page(text: str) -> bool:
    """Whether it is a web page, as proxies send, and no server's answer."""
    return bool(re.search(r"<html|<!doctype", text, re.IGNORECASE))


def lacks_memory(text: str) -> bool:
    """Whether the model did not fit into the memory there is."""
    return bool(_NO_MEMORY.search(text))


def pause(header: str | None) -> float:
    """The seconds that a Retry-After header asks for, which may be a date; 0 where it says nothing of use."""
    text = (header or "").strip()
    if re.fullmatch(r"\d{1,9}(?:\.\d+)?", text):
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return 0.0
