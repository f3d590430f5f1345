"""Text for a terminal. Whatever comes from a repository, a test or a model passes through here before it is shown."""

from __future__ import annotations

import re
import unicodedata

_SEQUENCE = re.compile(
    r"(?:\x1b[PX^_\]]|[\x90\x98\x9d-\x9f]).*?(?:\x1b\\|[\x07\x9c]|\Z)"  # strings: OSC, DCS, SOS, PM, APC
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI
    r"|\x1b[ -/]*[0-~]?",
    re.DOTALL,
)
_HARMFUL = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # controls, bidi and invisible marks, surrogates, separators


def clean(text: str) -> str:
    """The text without escape sequences, control characters, bidi and invisible marks. Keeps newline and tab."""
    if text.isprintable():
        return text
    return "".join("" if _harmful(c) else c for c in _SEQUENCE.sub("", text))


def visible(text: str) -> str:
    """The text with every harmful character spelled out (`\\x1b`, `\\u202e`), so that a diff hides nothing."""
    if text.isprintable():
        return text
    return "".join(_spelled(c) if _harmful(c) else c for c in text)


def one_line(text: str, width: int = 200) -> str:
    """The text, cleaned, on one line of at most `width` characters. Spaces within a line stay: they may be what a value
    is about."""
    line = " ".join(filter(None, map(str.strip, clean(text).replace("\t", " ").splitlines())))
    return line if len(line) <= width else line[: max(0, width - 3)] + "..."


def duration(seconds: float) -> str:
    """Seconds as people write them: 0.3 s, 42 s, 3:05, 1:02:03."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def count(number: float, noun: str) -> str:
    """`1 test`, `1,204 tests`."""
    return f"{number:,.0f} {noun}{'' if number == 1 else 's'}"


def _harmful(char: str) -> bool:
    return char not in "\n\t" and unicodedata.category(char) in _HARMFUL


def _spelled(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
