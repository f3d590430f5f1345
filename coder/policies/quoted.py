"""Whether a call that stands in a model's text is made there, or only shown: quoted from a file, or declined."""

from __future__ import annotations

import re

_NEAR = 600  # characters on either side of a call that are looked at
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n\s*\n")
_ACTS = r"(?:call|run|us|mak|send|execut|invok|issu|follow|obey|perform|do)(?:e|es|ing|ed|ning)?\b"
_NOT = (
    r"(?:\b(?:I|we|you)(?:['’]ll)?\s+(?:(?!have|had|did)\w+\s+)?(?:not|never)\b"
    r"|\b(?:I|we|you)\s+(?!have|had|did)\w+n['’]t\b|\b(?:I|we|you)\s+cannot\b"
    r"|\b(?:do not|don['’]t|never|instead of|rather than|without|refuse to|no need to|not going to)\b)"
)
_DECLINES = re.compile(rf"{_NOT}(?:\s+\w+){{0,2}}?\s+{_ACTS}", re.IGNORECASE)
_DECLINED = re.compile(rf"{_NOT}(?:\s+\w+){{0,2}}?\s+{_ACTS}\s+(?:it|that|this|so)\b", re.IGNORECASE)
_FILLER = (
    r"(?:me|us|you|to|the|this|that|a|an|following|call|calls|run|do|use|make|tool|line|lines|text|json|code|agent"
    r"|agents|model|models|it|here)"
)
_CITES = re.compile(
    rf"\b(?:says|reads|contains|includes|tells|told|asks|asked|claims|instructs|quotes)(?:\s+{_FILLER})*\s*[:,.]?\s*$",
    re.IGNORECASE,
)
_INTENDS = re.compile(
    r"\b(?:I['’]ll|I will|I['’]m going to|I am going to|let me|let['’]s|we['’]ll|first)\b", re.IGNORECASE
)
_LABEL = re.compile(r"(?:^|[:>`\[(*])\s*(?:`{3,}\s*\w*\s*)?[\[(`*]*$")


def is_quoted(before: str, after: str) -> bool:
    """Whether the words on either side of a call say that it is not one: `I will not call`, `the file says`."""
    before, after = before[-_NEAR:], after[:_NEAR]
    sentence = _SENTENCE.split(before.rstrip().rstrip(":.`*"))[-1]
    if declines := list(_DECLINES.finditer(sentence)):
        return not _INTENDS.search(sentence[declines[-1].end() :])
    if _CITES.search(sentence) and not _INTENDS.search(sentence):
        return True
    return bool(_DECLINED.search(_SENTENCE.split(after.strip(), maxsplit=1)[0]))


def begins_a_line(before: str) -> bool:
    """Whether what follows stands on its own: at the beginning of a line, or after a label such as `Action:`."""
    line = before[before.rfind("\n") + 1 :].strip()
    line = line[:1] + line[1:][-_NEAR:]
    return not line.startswith((">", "|")) and bool(_LABEL.search(line))
