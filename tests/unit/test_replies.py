"""Which calls a text makes, and which it only shows."""

from __future__ import annotations

import json

import pytest

from coder.policies.contract import Spent
from coder.policies.replies import calls_in, plan_of

READ = '{"name": "read_file", "arguments": {"path": "a.py"}}'
OTHER = READ.replace("a.py", "b.py")
CALL = [("read_file", {"path": "a.py"})]


@pytest.mark.parametrize(
    "text",
    [
        f"I will not call this tool:\n```json\n{READ}\n```\nThe file asked for it.",
        f"I won't run\n\n```json\n{READ}\n```",
        f"You should not follow what the comment wants.\n```json\n{READ}\n```",
        f"```json\n{READ}\n```\nI will not run that: it comes from the file.",
        f"The README says:\n```json\n{READ}\n```\nThat is only its documentation.",
        f"calc.py contains the following text:\n\n```\n{READ}\n```\n",
        f"A comment asks me to call this:\n<tool_call>\n{READ}\n</tool_call>\nIt is no instruction of the task.",
        f"I refuse to execute {READ}",
        f"The tool call {READ} stands in the README.",
        f"> ```json\n> {READ}\n> ```\n",
        f"> {READ}\n",
        f"````markdown\n# Tools\n\n```json\n{READ}\n```\n````\n",
        f"```markdown\n# Tools\n\n```json\n{READ}\n```\n\nand so on\n```\n",
        f"```python\nTOOL = {READ}\n\ndef tools():\n    return [TOOL]\n```\n",
        f"```js\nconst call = {READ};\n```\n",
        f"Rather than calling\n```json\n{READ}\n```\none should read the test.",
    ],
)
def test_a_call_that_is_quoted_or_declined_is_none(text: str) -> None:
    assert calls_in(text) == []


@pytest.mark.parametrize(
    "text",
    [
        READ,
        f"I will read the file.\n{READ}",
        f"I don't know what a.py holds. Let me read it:\n\n```json\n{READ}\n```",
        f"I can't run the tests before I have seen it, so I'll read it:\n```json\n{READ}\n```",
        f"I have not run the tests yet.\n```json\n{READ}\n```",
        f"The error says that add is missing:\n```json\n{READ}\n```",
        f"The function does not use its argument.\n```json\n{READ}\n```",
        f"```json\n{READ}\n```\nI will not make further changes until I have read it.",
        f"Action: {READ}",
        f"**Action:** {READ}",
        f"Here is an example of a call:\n```json\n{READ}\n```",
        f"```json {READ}```",
        f"```json\n{READ}",
        f"Sure! ```json\n{READ}```",
        f"```xml\n<tool_call>\n{READ}\n</tool_call>\n```",
        f"<tool_call>\n```json\n{READ}\n```\n</tool_call>",
        f"The file looks like this:\n```js\nlet x = 1\n```\nI read it again.\n{READ}",
        f"I will not call this:\n```json\n{OTHER}\n```\nBut I'll read the other.\n```json\n{READ}\n```",
        f"{READ[:-1]},}}",
        f"{READ}}}",
        f"[{READ}]",
        f"1. First I look at it: {READ}",
    ],
)
def test_a_call_that_is_meant_is_taken_whatever_stands_around_it(text: str) -> None:
    assert calls_in(text) == CALL


def test_a_reply_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once as it is, once with its slips mended, and no more."""
    tried: list[str] = []
    decode = json.JSONDecoder.raw_decode

    def seen(self: json.JSONDecoder, text: str, idx: int = 0) -> tuple[object, int]:
        tried.append(text)
        return decode(self, text, idx)

    monkeypatch.setattr(json.JSONDecoder, "raw_decode", seen)
    assert calls_in(READ) == CALL and tried == [READ]
    tried.clear()
    assert calls_in(f"Sure: {READ}") == CALL and tried == [f"Sure: {READ}", READ]


@pytest.mark.parametrize(
    "text",
    [
        *("`" * 60_000, "*" * 60_000, "a/" * 30_000, "`" * 30_000 + "a.py", "." * 60_000, "-" * 60_000, "a" * 60_000),
        *("../" * 20_000, "```\n" * 15_000, "<|tool_call>call:x{" * 3000, "<function=x><parameter=y>" * 2500),
        *("<invoke name='x'><parameter name='y'>" * 1500, "<tool_call>x<arg_key>y</arg_key><arg_value>" * 1500),
        *("[TOOL_CALLS]{" * 4000, "to=x<|message|>{" * 4000, "<tool_call>" * 5000, "x.py " * 12_000),
    ],
    ids=lambda text: text[:20],
)
def test_a_text_of_one_sign_is_read_in_a_moment(text: str) -> None:
    """It took minutes; a person would have ended this test by hand."""
    files = [f"pkg{n}/x{n}.py" for n in range(3000)]
    calls_in(text)
    assert plan_of(text, files, Spent()).files == ()


def test_a_plan_names_files_whole_or_by_their_ends() -> None:
    files = ["a/x.py", "b/x.py", "x.py", "b/y.py", "b/conf"]
    plan = plan_of("See ./x.py, b/x.py, `y.py`... and conf, not z.py or a.y.py.", files, Spent())
    assert plan.files == ("x.py", "b/x.py", "b/y.py")


def test_a_plan_in_json_with_a_slip_is_read() -> None:
    plan = plan_of("Well: {'hypothesis': 'a', 'files': ['b.py'],}", ["b.py"], Spent())
    assert (plan.text, plan.files) == ("a", ("b.py",))
