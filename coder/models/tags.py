"""Thoughts in tags, told from the text that they stand in and from code that has such tags in it."""

from __future__ import annotations

import re

_NAME = r"(?:\w{1,12}:)?(?:think|thinking|thoughts?|reasoning)"
_FORMS = (  # how a thought is opened and closed: in words, which may be code too, and by a model's own tokens
    (rf"<{_NAME} ?>|\[THINK\]", rf"</{_NAME} ?>|\[/THINK\]"),
    (r"<\|channel>thought\n?", r"<channel\|>"),
    (r"<\|channel\|>analysis<\|message\|>", r"<\|end\|>|(?=<\|start\|>|<\|channel\|>)"),
)
_OPENING = re.compile("|".join(f"({opening})" for opening, _ in _FORMS), re.IGNORECASE)
_CLOSINGS = tuple(re.compile(closing, re.IGNORECASE) for _, closing in _FORMS)
_UNOPENED = re.compile(rf"(?:{_FORMS[0][1]})(?=[ \t]*(?:[\n<{{[]|```|\Z))|{_FORMS[1][1]}", re.IGNORECASE)
_OPENED = re.compile(rf"(?:{_OPENING.pattern})\s*\Z", re.IGNORECASE)
_FRAME = re.compile(r"\A\s*(?:<\|start\|>assistant)?<\|channel\|>final<\|message\|>|<\|(?:return|end)\|>\s*\Z")
_LONGEST = 40  # characters of a tag, at most
_FENCE, _HUNK = re.compile(r"^[ \t>]*```", re.MULTILINE), re.compile(r"^@@ ", re.MULTILINE)
_BEGINS = ("<tool_call>", "<function=", "<parameter=", "<arg_value>", "<|tool_call>")
_ENDS = ("</tool_call>", "</function>", "</parameter>", "</arg_value>", "<tool_call|>")


class Thoughts:
    """Takes thoughts in tags out of text that comes in pieces; a tag may be split between two.

    A tag counts at the beginning of a line, or after a thought, and not inside of code: a fence, an edit, a call.
    `opened`: the text is taken to begin with a thought that the prompt has opened already.
    """

    def __init__(self, *, opened: bool = False) -> None:
        self.closed = False  # whether a thought came to its end
        self._rest = ""
        self._said = ""
        self._closing = _CLOSINGS[0] if opened else None

    def feed(self, text: str, *, last: bool = False) -> tuple[str, str]:
        """(thinking, text) that are certain by now; with `last`, all that is left."""
        self._rest += text
        parts: dict[bool, str] = {True: "", False: ""}
        tag: re.Match[str] | None = None
        while True:
            thinks = self._closing is not None
            tag = self._closing.search(self._rest) if self._closing is not None else self._opening()
            upto = tag.start() if tag else len(self._rest) - (0 if last else _unfinished(self._rest))
            part, self._rest = self._rest[:upto], self._rest[tag.end() if tag else upto :]
            parts[thinks] += part
            self._said += "" if thinks else part
            if tag is None:
                return parts[True], parts[False]
            self._closing = None if thinks else _CLOSINGS[(tag.lastindex or 1) - 1]
            if thinks:
                self.closed, self._said = True, self._said + "\n"

    def _opening(self) -> re.Match[str] | None:
        """The next tag that opens a thought."""
        for tag in _OPENING.finditer(self._rest):
            before = self._said + self._rest[: tag.start()]
            begins = tag.lastindex != 1 or not before[before.rfind("\n") + 1 :].strip()
            if begins and not is_inside(before):
                return tag
        return None


def opened_in(prompt: str) -> str:
    """The tag of a thought that a prompt ends with; "" if it does not."""
    tag = _OPENED.search(prompt)
    return tag[0].strip() if tag else ""


def unopened(text: str, *, acted: bool = False) -> tuple[str, str]:
    """A thought that begins with the text and is only closed, as where the chat template opens it, and what comes
    after; ("", text) where there is none, or nothing after it and no call made otherwise (`acted`)."""
    for tag in _UNOPENED.finditer(text):
        after = text[tag.end() :]
        if (acted or after.strip()) and not is_inside(text[: tag.start()]):
            return text[: tag.start()], after
    return "", text


def without_frame(text: str) -> str:
    """The text without the tokens that name it the answer, and end it."""
    return _FRAME.sub("", text) if "<|" in text else text


def is_inside(text: str) -> bool:
    """Whether a fence, an edit, a call or a diff is open at the text's end: a tag there is code."""
    line = text[text.rfind("\n") + 1 :]
    return (
        len(_FENCE.findall(text)) % 2 == 1
        or text.rfind("<<<<<<< SEARCH") > text.rfind(">>>>>>> REPLACE")
        or max(map(text.rfind, _BEGINS)) > max(map(text.rfind, _ENDS))
        or (line[:1] in ("+", "-", " ") and _HUNK.search(text) is not None)
    )


def _unfinished(text: str) -> int:
    """How many characters at the end may be the beginning of a tag."""
    tail = text[-_LONGEST:].rpartition("\n")[2]
    at = re.search(r"[<\[]", tail)
    return len(tail) - at.start() if at else 0
