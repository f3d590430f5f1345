"""Calls that a model wrote in its chat template's own form, where the server did not read them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from coder_tools.calls import TOOLS

_EDIT_BLOCK = "<<<<<<< SEARCH"
_QUOTE = '<|"|>'  # Gemma's
_BAR, _LOW = "\uff5c", "\u2581"  # of DeepSeek's marks
_GEMMA = re.compile(r"<\|tool_call>call:(\w+)(?=\{)")
_GEMMA_WHOLE = re.compile(r"\{(.*)\}\s*(?:<tool_call\|>|<\|tool_response>|\Z)", re.DOTALL)
_GEMMA_ARGUMENT = re.compile(r'(\w+):(?:<\|"\|>(.*?)<\|"\|>|([^,{}]+))', re.DOTALL)
_QWEN = re.compile(r"<function=([\w.-]+)>")
_QWEN_ARGUMENT = re.compile(r"<parameter=(\w+)>")
_GLM = re.compile(r"<tool_call>\s*([\w.-]+)\s*(?=<arg_key>)")
_GLM_ARGUMENT = re.compile(r"<arg_key>\s*(\w+)\s*</arg_key>\s*<arg_value>")
_INVOKE = re.compile(r"<invoke name=[\"']([\w.-]+)[\"'][^>\n]{0,80}>")
_INVOKE_ARGUMENT = re.compile(r"<parameter name=[\"'](\w+)[\"'][^>\n]{0,80}>")
_MISTRAL = re.compile(r"\[TOOL_CALLS\]\s*([A-Za-z_]\w*)?\s*(?:\[ARGS\])?\s*(?=[\[{])")
_HARMONY = re.compile(r"\bto=([\w.-]+)[^\n{]{0,80}<\|message\|>\s*(?=\{)")
_DEEPSEEK = re.compile(
    rf"<{_BAR}tool{_LOW}call{_LOW}begin{_BAR}>(?:function<{_BAR}tool{_LOW}sep{_BAR}>)?([\w.-]+)"
    rf"(?:<{_BAR}tool{_LOW}sep{_BAR}>)?\s*(?:```\w*\s*)?(?=\{{)"
)

Call = tuple[str, Any]


def native_calls(text: str) -> list[Call]:
    """The calls in a template's own form; such marks behind the beginning of an edit block are code."""
    end = text.find(_EDIT_BLOCK)
    marks = sorted(
        (found.start(), number) for number, (mark, _) in enumerate(_FORMS) if (found := mark.search(text)) is not None
    )
    for at, number in marks:
        mark, read = _FORMS[number]
        if not 0 <= end < at and (calls := list(read(mark, text))):
            return calls
    return []


def _tagged(argument: re.Pattern[str], closing: str) -> Callable[[re.Pattern[str], str], Iterator[Call]]:
    """Reads calls whose arguments stand in tags of their own; Llama's have one JSON object instead."""

    def read(mark: re.Pattern[str], text: str) -> Iterator[Call]:
        for name, body in _split(mark, text):
            found = {
                key: value.rpartition(closing)[0].removeprefix("\n").removesuffix("\n")
                for key, value in _split(argument, body)
                if closing in value  # or it was cut off
            }
            given = next(iter(values(body)), None) if body.lstrip().startswith("{") else found
            if given is not None:
                yield name, given

    return read


def _gemma(mark: re.Pattern[str], text: str) -> Iterator[Call]:
    for name, body in _split(mark, text):
        whole = _GEMMA_WHOLE.match(body)
        if whole and whole[1].count(_QUOTE) % 2 == 0:
            yield name, {key: said or bare.strip() for key, said, bare in _GEMMA_ARGUMENT.findall(whole[1])}


def _named(mark: re.Pattern[str], text: str) -> Iterator[Call]:
    """After a mark with the tool's name its arguments as JSON; Mistral may have a list of calls instead."""
    for found in mark.finditer(text):
        after = values(text[found.end() :])
        if found[1] and after:
            yield found[1].rpartition(".")[2], after[0]
        else:
            yield from (call for value in after for call in calls_of(value))


_FORMS: tuple[tuple[re.Pattern[str], Callable[[re.Pattern[str], str], Iterator[Call]]], ...] = (
    (_GEMMA, _gemma),
    (_QWEN, _tagged(_QWEN_ARGUMENT, "</parameter>")),
    (_GLM, _tagged(_GLM_ARGUMENT, "</arg_value>")),
    (_INVOKE, _tagged(_INVOKE_ARGUMENT, "</parameter>")),
    (_MISTRAL, _named),
    (_HARMONY, _named),
    (_DEEPSEEK, _named),
)


def _split(mark: re.Pattern[str], text: str) -> Iterator[tuple[str, str]]:
    """What each mark names, and the text after it up to the next."""
    marks = list(mark.finditer(text))
    for number, found in enumerate(marks):
        yield found[1], text[found.end() : marks[number + 1].start() if number + 1 < len(marks) else len(text)]


def calls_of(value: Any) -> list[Call]:
    """The calls in a value: one, a list of them, or such a list as the whole reply of an OpenAI server has it."""
    if isinstance(value, dict) and isinstance(value.get("tool_calls"), list):
        value = value["tool_calls"]
    found = []
    for item in value if isinstance(value, list) else [value]:
        call = item.get("function", item) if isinstance(item, dict) else None
        if not isinstance(call, dict):
            continue
        name = call.get("name") or call.get("tool") or (call.get("action") if "action_input" in call else None)
        keys = ("arguments", "parameters", "args", "action_input")
        arguments = next((call[key] for key in keys if key in call), None)
        if arguments is None and len(call) == 1 and _needs_nothing(name):
            arguments = {}
        if isinstance(name, str) and arguments is not None:
            found.append((name, arguments))
    return found


def _needs_nothing(name: object) -> bool:
    """Whether it is the exact name of a tool that can be called without arguments."""
    tool = TOOLS.get(name) if isinstance(name, str) else None
    return tool is not None and not any(needed for _, _, needed in tool.parameters.values())


def values(text: str, *, whole: bool = False) -> list[Any]:
    """The JSON values at the text's beginning, one after the other; [] if they are to be the `whole` and are not."""
    found: list[Any] = []
    decoder = json.JSONDecoder(strict=False)
    rest = text.lstrip()
    while rest:
        try:
            value, end = decoder.raw_decode(rest)
        except (ValueError, RecursionError):
            return [] if whole else found
        found.append(value)
        rest = rest[end:].lstrip(" \t\r\n,;")
    return found
