"""Pictures for models that take them."""

from __future__ import annotations

from base64 import b64encode
from functools import lru_cache
from pathlib import Path

from coder.errors import UsageError

KINDS = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp", ".gif": "image/gif"}
_LARGEST = 10 << 20  # bytes; servers refuse more


@lru_cache(maxsize=8)
def data_url(file: str) -> str:
    """The picture as servers take it. UsageError if it cannot be read or is too large."""
    path = Path(file)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"the picture {file} cannot be read: {error.strerror}") from None
    if len(data) > _LARGEST:
        raise UsageError(f"the picture {file} has {len(data) >> 20} MiB; at most {_LARGEST >> 20} are sent")
    return f"data:{KINDS[path.suffix.lower()]};base64,{b64encode(data).decode()}"
