"""Templates to text."""

import re

from .errors import TemplateError
from .expression import evaluate, lookup

TAG = re.compile(r"\{\{(.*?)\}\}|\{%(.*?)%\}", re.DOTALL)


def render(template, **names):
    """Fill a template. Raises TemplateError.

    `{{ path|filter:argument }}` inserts a value; `{% for item in path %} ... {% end %}` repeats.
    """
    parts = list(split(template))
    text, rest = _render(parts, 0, names)
    if rest != len(parts):
        raise TemplateError("end without for")
    return text


def split(template):
    """(kind, text) with kind "text", "value" or "tag"."""
    position = 0
    for match in TAG.finditer(template):
        if match.start() > position:
            yield "text", template[position : match.start()]
        if match.group(1) is not None:
            yield "value", match.group(1).strip()
        else:
            yield "tag", match.group(2).strip()
        position = match.end()
    if position < len(template):
        yield "text", template[position:]


def _render(parts, index, names):
    """Render until the end of the block; returns the text and the index of what ended it."""
    out = []
    while index < len(parts):
        kind, text = parts[index]
        if kind == "text":
            out.append(text)
        elif kind == "value":
            out.append(str(evaluate(text, names)))
        elif text == "end":
            break
        else:
            body, index = _loop(parts, index, names)
            out.append(body)
        index += 1
    return "".join(out), index


def _loop(parts, index, names):
    words = parts[index][1].split()
    if len(words) != 4 or words[0] != "for" or words[2] != "in":
        raise TemplateError("not a loop: %s" % parts[index][1])
    out = []
    _, end = _render(parts, index + 1, {**names, words[1]: _Anything()})
    if end == len(parts):
        raise TemplateError("for without end")
    for item in lookup(words[3], names):
        body, _ = _render(parts, index + 1, {**names, words[1]: item})
        out.append(body)
    return "".join(out), end


class _Anything:
    """Stands for the loop variable while the end of a loop is looked for."""

    def __getattr__(self, name):
        return self

    def __iter__(self):
        return iter(())

    def __float__(self):
        return 0.0

    def __str__(self):
        return ""
