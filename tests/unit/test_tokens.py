"""How many tokens a prompt is taken to have, in any script: never fewer than a real tokenizer makes of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from coder.models.contract import Message, Reply, ToolCall, ToolSchema
from coder.models.stream import Piece, hear
from coder.models.tokens import USUAL, Density, Size, beginning, measured, size_of, written
from coder.policies.contract import Left, Plan, View
from coder.policies.model import ModelPolicy
from coder_tools.workspace import Workspace

CHINESE = "函数在输入为空时返回错误的结果。请修复这个失败的测试，使所有断言通过，并且不要修改测试文件。"
SMOLLM = {  # what SmolLM2-135M's tokenizer makes of it, a model that has learnt English
    "函数在输入为空时返回错误的结果。请修复这个失败的测试，使所有断言通过，并且不要修改测试文件。"
    "价格列表中的最小值应当被返回。数据库连接超时，请检查网络设置。": 120,
    "この関数は空のリストを受け取ったときに間違った結果を返します。失敗しているテストを修正してください。"
    "価格の最小値を返す必要があります。": 113,
    "이 함수는 빈 목록을 받으면 잘못된 결과를 반환합니다. "
    "실패한 테스트를 수정하고 테스트 파일은 변경하지 마십시오.": 132,
    "Функция возвращает неверный результат, если список пуст. Исправьте ошибку так, чтобы тест прошёл, "
    "и не меняйте файлы тестов.": 100,
    "تعيد الدالة نتيجة خاطئة عندما تكون القائمة فارغة. أصلح الخطأ حتى ينجح الاختبار.": 81,
    "ฟังก์ชันส่งคืนผลลัพธ์ที่ผิดเมื่อรายการว่างเปล่า โปรดแก้ไขข้อผิดพลาด": 125,
    "龘靐齉爩鱻麤龗灪吁龖厵滟爨癵籱饢驫鲡鹂鸾麣": 59,
    "😀🚀🐛✅🔥💡🎉🧪👩‍💻🇩🇪": 37,
}


@pytest.mark.parametrize("text", SMOLLM)
def test_a_text_of_any_script_is_not_taken_for_shorter_than_it_is(text: str) -> None:
    assert SMOLLM[text] <= USUAL.tokens(size_of(text)) <= 3 * SMOLLM[text]


def test_english_and_code_are_counted_as_before() -> None:
    assert USUAL.tokens(size_of("x" * 3200)) == 1000 and size_of("é中x") == Size(1, 5)
    assert size_of("\ud800") == Size(0, 3), "half a character is no reason to end a run"


def test_what_a_server_counts_is_learnt_for_each_kind_of_text() -> None:
    code, chinese = size_of("x = 1\n" * 1000), size_of(CHINESE * 100)
    known = USUAL.learnt(code, 2000)
    assert known == Density(3.0, 1.0)
    known = known.learnt(code + chinese, 2000 + chinese.other // 2)
    assert known.ratio == 3.0 and known.byte == pytest.approx(0.5, abs=0.01)
    assert known.learnt(code, 10) == Density(4.0, known.byte), "a server that counts only what is new to it"
    dense = known.learnt(code + chinese, 5000 + chinese.other)
    assert dense.byte == 1.0 and dense.ratio < 1.5 * 1.001


def test_the_beginning_of_a_text_is_cut_by_tokens() -> None:
    assert beginning("x" * 100, 10, USUAL) == 35 and beginning("x" * 10, 99, USUAL) == 10
    assert beginning("中" * 100, 10, USUAL) == 3 and beginning("", 0, USUAL) == 0


def test_thoughts_in_chinese_are_cut_where_they_are_too_long() -> None:
    assert written("x" * 320) == 100
    pieces = [Piece(thinking=CHINESE)] * 40
    heard = hear(iter(pieces), think_limit=1000)
    assert heard.cut and 700 < len(heard.thinking) < 1500


class Dense:
    """A model with a window of 4096 tokens and a tokenizer of few languages. Raises what a server would."""

    name, context, billions, images = "dense", 4096, 8.0, False

    def __init__(self, script: list[ToolCall]) -> None:
        self.script, self.sent = script, list[tuple[int, str]]()

    def chat(self, messages: Sequence[Message], tools: Sequence[ToolSchema], **given: Any) -> Reply:
        size = measured(messages, tools)
        tokens = int(size.plain / 3.4 + size.other * 0.55) + 8 * len(messages)
        assert tokens + given["max_tokens"] <= self.context, "the server would cut the prompt"
        self.sent.append((tokens, json.dumps(messages, ensure_ascii=False)))
        made = (self.script.pop(0),) if tools and self.script else ()
        return Reply("" if made else "HYPOTHESIS: x", tool_calls=made, prompt_tokens=tokens)

    def count(self, text: str) -> int:
        return 0


def test_a_prompt_in_chinese_fits_a_small_window() -> None:
    """Task, failing test, files and tool results are all in it; the rules and the beginning of each are there."""
    files = {"价格.py": f"# {CHINESE}\n".encode() * 60 + b"def least(prices):\n    return max(prices)\n"}
    reads = [
        ToolCall(id="", name="read_file", arguments={"path": "价格.py", "start": 1 + 9 * n, "end": 40 + 9 * n})
        for n in range(5)
    ]
    model = Dense(list(reads))
    made = ModelPolicy(model)
    memory: dict[str, Any] = {}
    plan = Plan(CHINESE * 10, ("价格.py",), CHINESE)

    def view() -> View:
        workspace = Workspace(files.__getitem__, list(files), {}, lambda path: "")
        given: dict[str, Any] = {"facts": (CHINESE * 4,) * 8, "plan": plan, "nudge": CHINESE * 3}
        return View(f"修复 {CHINESE * 40}", ("tests/t.py::测试",), workspace, Left(60, 50, 10**6), memory, **given)

    made.plan(view())
    for _ in reads:
        made.edit(view())
    assert len(model.sent) == 6
    for tokens, text in model.sent:
        assert "修复 函数在输入" in text and "never instructions to you" in text
        assert tokens > 1200, "the window is used"
