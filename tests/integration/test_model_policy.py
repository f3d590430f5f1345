"""The model policy against a scripted Ollama over real HTTP: a good model, a bad one, and what is sent to either."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from coder.models.contract import ModelError
from coder.models.ollama import OllamaModel
from coder.models.openai import OpenAIModel
from coder.policies.contract import Edit, Left, Plan, Policy, View
from coder.policies.model import ModelPolicy
from coder.policies.replies import calls_in, plan_of
from coder.repair.contract import Suspect
from coder_tools.contract import TestResult
from coder_tools.logs import Finding, finding
from coder_tools.protect import is_protected
from coder_tools.workspace import Workspace

Fake = Callable[..., Any]
GOAL = "tests/test_calc.py::test_add"
FILES = {
    "src/calc.py": b"def add(a, b):\n    return a - b\n",
    "src/big.py": b"".join(b"value_%d = %d\n" % (n, n) for n in range(3000)),
    "tests/test_calc.py": b"from src.calc import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n",
}
FIX = {"name": "edit_file", "arguments": {"path": "src/calc.py", "search": "return a - b", "replace": "return a + b"}}
READ = {"name": "read_file", "arguments": {"path": "src/calc.py"}}
RUN = {"name": "run_tests", "arguments": {}}
FAILED = finding(
    [TestResult(GOAL, "failed", message="AssertionError: assert -1 == 3", exception="AssertionError")], [GOAL]
)
PASSED = finding([TestResult(GOAL, "passed")], [GOAL])


def calls(*made: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"tool_calls": list(made)} | more


def policy(fake: Any) -> ModelPolicy:
    return ModelPolicy(OllamaModel("gemma4:e4b", fake.url))


def view(memory: dict[str, Any] | None = None, changes: dict[str, bytes | None] | None = None, **more: Any) -> View:
    """What the graph would hand over; the memory goes through JSON, as it does there."""
    workspace = Workspace(FILES.__getitem__, list(FILES), changes if changes is not None else {}, is_protected)
    given: dict[str, Any] = {
        "task": "make test_add pass",
        "goal": (GOAL,),
        "left": Left(60, 50, 100_000),
        "finding": FAILED,
        "suspects": (Suspect("src/calc.py", 2, 0.9, ("executed by failing tests only",)),),
    }
    return View(workspace=workspace, memory=json.loads(json.dumps(memory or {})), **(given | more))


def drive(
    made: ModelPolicy, outcome: Callable[[Workspace], Finding] = lambda _: FAILED, steps: int = 20, **more: Any
) -> list[Edit]:
    """Run edit steps as the graph would, tests included, until the policy or the goal is done."""
    memory: dict[str, Any] = {}
    changes: dict[str, bytes | None] = {}
    edits: list[Edit] = []
    found = FAILED
    while len(edits) < steps:
        now = view(memory, changes, finding=found, **more)
        edits.append(made.edit(now))
        memory, changes = now.memory, now.workspace.changes
        if edits[-1].wants == "test":
            found = outcome(now.workspace)
            if not found.failing:
                break
        elif edits[-1].wants in ("stop", "plan"):
            break
    return edits


def test_a_plan_is_one_call_with_the_evidence_in_it(fake_ollama: Fake) -> None:
    text = "**HYPOTHESIS:** add subtracts\n**FILES:** `src/calc.py`, made/up.py\nEVIDENCE: line 2"
    fake = fake_ollama(replies=[{"content": text, "prompt_eval_count": 300, "eval_count": 40}])
    plan = policy(fake).plan(view(facts=("add is called once",), refused=("--- a/x\n+++ b/x\n-1\n+2",)))
    assert (plan.text, plan.files, plan.evidence) == ("add subtracts", ("src/calc.py",), "line 2")
    assert (plan.spent.prompt_tokens, plan.spent.completion_tokens, plan.spent.model_calls) == (300, 40, 1)
    [system, user] = fake.chats[0]["messages"]
    assert "make test_add pass" in system["content"] and GOAL in system["content"] and "+++ b/x" in system["content"]
    assert "line 2, `return a - b`" in user["content"], "the suspicious line with its source"
    assert "assert add(1, 2) == 3" in user["content"], "the failing test's source"
    assert "expected: 3" in user["content"] and "add is called once" in user["content"]


def test_a_model_that_behaves_fixes_it_in_three_calls(fake_ollama: Fake) -> None:
    fake = fake_ollama(replies=[calls(READ, thinking="look first"), calls(FIX), calls(RUN, expect="return a + b")])
    edits = drive(policy(fake), lambda w: PASSED if w.changes else FAILED)
    assert [edit.wants for edit in edits] == ["more", "more", "test"]
    assert [edit.changes is not None for edit in edits] == [False, True, False]
    assert edits[1].changes == {"src/calc.py": b"def add(a, b):\n    return a + b\n"}
    assert [event.name for edit in edits for event in edit.tool_events] == ["read_file", "edit_file", "run_tests"]
    assert all(edit.spent.model_calls == 1 and edit.spent.prompt_tokens for edit in edits)
    assert len(fake.chats) == 3


def test_the_outcome_of_the_tests_answers_the_call_that_asked(fake_ollama: Fake) -> None:
    wrong = {"name": "edit_file", "arguments": FIX["arguments"] | {"replace": "return a * b"}}
    fake = fake_ollama(replies=[calls(wrong, RUN), calls(FIX)])
    broke = finding([TestResult(GOAL, "failed", message="AssertionError: assert 2 == 3")], [GOAL])
    drive(policy(fake), lambda _: broke, steps=2)
    last = fake.chats[1]["messages"][-1]
    assert (last["role"], last["tool_name"]) == ("tool", "run_tests") and "actual: 2" in last["content"]
    roles = [message["role"] for message in fake.chats[1]["messages"]]
    assert roles == ["system", "user", "assistant", "tool", "tool"], "every call has its one answer"


def test_what_is_left_is_told_again_only_when_half_of_it_is_gone(fake_ollama: Fake) -> None:
    fake = fake_ollama(
        replies=[calls({"name": "read_file", "arguments": {"path": p}}) for p in ("a.py", "b.py", "c.py")]
    )
    memory: dict[str, Any] = {}
    for tokens in (10_000, 6_000, 4_000):
        now = view(memory, left=Left(600, 50, tokens))
        policy(fake).edit(now)
        memory = now.memory
    told = [str(m.get("content")).count("[left:") for m in fake.chats[-1]["messages"]]
    assert sum(told) == 2 and "4000 tokens" in str(fake.chats[-1]["messages"][-1]["content"])


def test_the_conversation_goes_on_after_a_resume(fake_ollama: Fake) -> None:
    """`view` sends the memory through JSON at each step; a new policy object must go on from there."""
    fake = fake_ollama(replies=[calls(READ), calls(FIX, RUN)])
    first = view()
    policy(fake).edit(first)
    policy(fake).edit(view(first.memory))
    sent = [message["role"] for message in fake.chats[1]["messages"]]
    assert sent == ["system", "user", "assistant", "tool"]


def test_the_system_message_holds_the_task_and_stays_the_same(fake_ollama: Fake) -> None:
    fake = fake_ollama(replies=[calls(READ), calls({"name": "list_files", "arguments": {}}), calls(FIX, RUN)])
    drive(policy(fake), steps=3, plan=Plan("add subtracts", ("src/calc.py",), "line 2"))
    systems = {chat["messages"][0]["content"] for chat in fake.chats}
    [system] = systems
    assert "make test_add pass" in system and "add subtracts" in system
    first, second = (json.dumps(chat["messages"]) for chat in fake.chats[:2])
    assert second.startswith(first[:-1]), "the prompt only grows, so that the server's cache works"


def test_a_new_plan_begins_a_new_conversation_and_a_rollback_is_told(fake_ollama: Fake) -> None:
    fake = fake_ollama(replies=[calls(FIX, RUN), calls(READ), calls(READ)])
    made = policy(fake)
    first = view(plan=Plan("one"))
    made.edit(first)
    second = view(first.memory, {}, plan=Plan("one"), nudge="It broke test_z.")
    made.edit(second)
    told = fake.chats[1]["messages"][-1]["content"]
    assert "taken back" in told and "It broke test_z." in told
    made.edit(view(second.memory, {}, plan=Plan("two")))
    assert [m["role"] for m in fake.chats[2]["messages"]] == ["system", "user"]


# a model that behaves badly


def test_edits_to_tests_are_refused_with_words(fake_ollama: Fake) -> None:
    bad = {"name": "edit_file", "arguments": {"path": "tests/test_calc.py", "search": "== 3", "replace": "== -1"}}
    escape = {"name": "create_file", "arguments": {"path": "../../home/x", "content": "x"}}
    fake = fake_ollama(replies=[calls(bad, escape, RUN), calls(READ)])
    edits = drive(policy(fake), steps=2)
    assert edits[0].changes is None and edits[0].wants == "more"
    assert [event.ok for event in edits[0].tool_events] == [False, False, True]
    answers = [m["content"] for m in fake.chats[1]["messages"] if m["role"] == "tool"]
    assert "it is a test" in answers[0] and "leads out" in answers[1] and "Nothing has changed" in answers[2]


def test_a_loop_is_answered_from_what_is_known(fake_ollama: Fake) -> None:
    fake = fake_ollama(replies=[calls(*[READ] * 9)], after="repeat")
    edits = drive(policy(fake), steps=4)
    assert [sum(not e.repeated for e in edit.tool_events) for edit in edits] == [1, 0, 0, 0]
    assert "You already have this" in json.dumps(fake.chats[-1]["messages"])


def test_replies_without_a_call_are_told_so_and_end_in_a_new_plan(fake_ollama: Fake) -> None:
    fake = fake_ollama(replies=[{"content": "I would change line 2."}, {"content": ""}, {"content": "Done?"}])
    edits = drive(policy(fake))
    assert [edit.wants for edit in edits] == ["more", "more", "plan"]
    assert "You called no tool" in fake.chats[1]["messages"][-1]["content"]


CUT = '<tool_call>\n{"name": "create_file", "arguments": {"path": "src/calc.py", "content": "' + "x = 1\\n" * 4000


@pytest.mark.parametrize(
    "reply",
    [
        {"content": CUT, "done_reason": "length", "chunk": 4096},
        calls({"name": "create_file", "arguments": {"path": "src/calc.py"}}, done_reason="length"),
    ],
)
def test_a_reply_that_was_too_long_is_told_so_and_not_kept_whole(fake_ollama: Fake, reply: dict[str, Any]) -> None:
    """A model that is told that it called no tool writes the same once more."""
    fake = fake_ollama(replies=[reply, calls(FIX, RUN)])
    edits = drive(policy(fake), lambda _: PASSED)
    assert [edit.wants for edit in edits] == ["more", "test"] and "src/calc.py" in (edits[1].changes or {})
    messages = fake.chats[1]["messages"]
    assert "was cut off, so it was not carried out" in messages[-1]["content"]
    assert "called no tool" not in messages[-1]["content"] and len(messages[2].get("content", "")) < 6200


def test_half_a_call_is_not_carried_out_and_a_whole_one_before_it_is(fake_openai: Fake) -> None:
    new = {"path": "src/new.py", "content": "def one():\n    return 1\n\n\ndef two():\n    return 2\n"}
    cut = {"name": "create_file", "arguments": json.dumps(new)[:-30]}
    fake = fake_openai(replies=[calls(FIX, cut, finish_reason="length")])
    now = view()
    edit = ModelPolicy(OpenAIModel("some/model", fake.url)).edit(now)
    assert edit.changes == {"src/calc.py": b"def add(a, b):\n    return a + b\n"}
    assert "was cut off" in now.memory["messages"][-1]["content"]


def test_half_a_diff_in_a_text_is_not_carried_out(fake_ollama: Fake) -> None:
    half = "--- a/src/calc.py\n+++ b/src/calc.py\n@@ -1,2 +1,3 @@\n def add(a, b):\n-    return a - b\n+    total = a"
    now = view()
    edit = policy(fake_ollama(replies=[{"content": half, "done_reason": "length"}])).edit(now)
    assert edit.changes is None and "was cut off" in now.memory["messages"][-1]["content"]


def test_words_after_an_edit_count_as_asking_for_the_tests(fake_ollama: Fake) -> None:
    fake = fake_ollama(replies=[calls(FIX), {"content": "I have fixed it."}])
    assert [edit.wants for edit in drive(policy(fake), lambda _: PASSED)] == ["more", "test"]


FINISH = {"name": "finish", "arguments": {"summary": "cannot be done"}}


def test_finishing_with_nothing_changed_is_answered_once_and_then_an_end(fake_ollama: Fake) -> None:
    fake = fake_ollama(replies=[calls(FINISH), calls(FINISH)])
    edits = drive(policy(fake))
    assert [(edit.wants, edit.changes, edit.note) for edit in edits] == [
        ("more", None, "cannot be done"),
        ("stop", None, "the model has given up; its words: cannot be done"),
    ]
    told = fake.chats[1]["messages"][-1]
    assert told["role"] == "tool" and "tests of the goal still fail" in told["content"]


def test_a_model_that_finished_too_early_can_still_mend_it(fake_ollama: Fake) -> None:
    fake = fake_ollama(replies=[calls(FINISH), calls(FIX, FINISH)])
    edits = drive(policy(fake), lambda _: PASSED)
    assert [edit.wants for edit in edits] == ["more", "test"]
    assert edits[-1].changes is not None


def test_endless_thinking_is_turned_off(fake_ollama: Fake) -> None:
    fake = fake_ollama(replies=[{"thinking": "hm " * 50, "done_reason": "length"}, calls(FIX, RUN)])
    drive(policy(fake), lambda _: PASSED)
    assert [chat["think"] for chat in fake.chats] == [True, False]


def test_thinking_turned_off_by_the_supervisor_is_not_asked_for(fake_ollama: Fake) -> None:
    fake = fake_ollama(replies=[calls(FIX, RUN)])
    drive(policy(fake), lambda _: PASSED, think=False)
    assert fake.chats[0]["think"] is False


def test_calls_written_as_text_are_taken(fake_ollama: Fake) -> None:
    fake = fake_ollama(replies=[{"content": "```json\n" + json.dumps(FIX) + "\n```"}, {"content": json.dumps(RUN)}])
    edits = drive(policy(fake), lambda w: PASSED if w.changes else FAILED)
    assert [edit.wants for edit in edits] == ["more", "test"]


def test_a_call_that_failed_is_made_again_in_the_next_step(fake_ollama: Fake) -> None:
    fake = fake_ollama(replies=[calls(READ), {"fault": "cut"}, {"fault": "html"}, calls(FIX, RUN)])
    waited: list[float] = []
    made = ModelPolicy(OllamaModel("gemma4:e4b", fake.url), wait=waited.append)
    edits = drive(made, lambda _: PASSED)
    assert [edit.wants for edit in edits] == ["more", "more", "more", "test"]
    assert all(edit.spent.prompt_tokens > 100 for edit in edits), "what failed is paid for too"
    assert [edit.spent.model_calls for edit in edits] == [1, 1, 1, 1] and "broke in the middle" in edits[1].note
    assert waited == [2.0, 4.0]
    assert [m["role"] for m in fake.chats[3]["messages"]] == ["system", "user", "assistant", "tool"]


def test_a_call_that_the_run_had_no_time_for_is_no_fault_of_the_server(fake_ollama: Fake) -> None:
    fake = fake_ollama(replies=[{"fault": "silent", "seconds": 3}, {"fault": "html"}])
    made = ModelPolicy(OllamaModel("gemma4:e4b", fake.url), wait=lambda seconds: None)
    edit = made.edit(view(left=Left(1, 50, 100_000)))
    assert edit.fault == "" and "did not finish its answer within 1 seconds" in edit.slow
    assert "web page" in made.edit(view()).fault


def test_a_model_that_is_slow_for_the_time_left_stops_thinking(fake_ollama: Fake) -> None:
    slow = calls(READ, thinking="round and round", chunk=3, delay=0.2)
    fake = fake_ollama(replies=[slow, calls(FIX, RUN)])
    drive(policy(fake), lambda _: PASSED, left=Left(4, 50, 100_000))
    assert [chat["think"] for chat in fake.chats] == [True, False]


def test_a_pause_that_the_run_has_no_time_for_ends_it_at_once(fake_ollama: Fake) -> None:
    busy = {"fault": "status", "status": 429, "error": "too many requests"}
    fake = fake_ollama(replies=[busy | {"retry_after": 7}, busy | {"retry_after": 3600}])
    waited: list[float] = []
    made = ModelPolicy(OllamaModel("gemma4:e4b", fake.url), wait=waited.append)
    assert made.edit(view()).fault
    with pytest.raises(ModelError, match="too many requests"):
        made.edit(view())
    assert waited == [7.0]


def test_a_server_that_keeps_failing_or_refuses_ends_it(fake_ollama: Fake) -> None:
    fake = fake_ollama(replies=[{"fault": "cut"}], after="repeat")
    waited: list[float] = []
    with pytest.raises(ModelError, match="broke in the middle"):
        drive(ModelPolicy(OllamaModel("gemma4:e4b", fake.url), wait=waited.append))
    assert len(fake.chats) == 3 and len(waited) == 2
    fake = fake_ollama(replies=[{"fault": "status", "status": 400, "error": "no"}])
    with pytest.raises(ModelError, match="no"):
        policy(fake).plan(view())


@pytest.mark.parametrize("reply", [{"fault": "cut"}, {"content": ""}])
def test_a_model_is_not_told_that_it_had_no_hypothesis(fake_ollama: Fake, reply: dict[str, Any]) -> None:
    fake = fake_ollama(replies=[reply, calls(FIX, RUN)])
    made = ModelPolicy(OllamaModel("gemma4:e4b", fake.url), wait=lambda seconds: None)
    now = view()
    plan = made.plan(now)
    assert plan.text == "" and plan.note and plan.files == ("src/calc.py",)
    assert made.edit(view(now.memory, plan=plan)).wants == "test"
    assert "ypothesis" not in json.dumps(fake.chats[1]["messages"])


def test_whoever_resumes_a_run_has_seen_to_the_server(fake_ollama: Fake) -> None:
    """The calls that failed before are no reason to give up at the first that fails again."""
    fake = fake_ollama(replies=[{"fault": "cut"}] * 5, after="error")
    memory: dict[str, Any] = {}
    for calls_made in (3, 5):
        made = ModelPolicy(OllamaModel("gemma4:e4b", fake.url), wait=lambda seconds: None)
        while len(fake.chats) < calls_made:
            now = view(memory)
            try:
                made.edit(now)
            except ModelError as error:
                assert len(fake.chats) == 3 and error.calls == 1 and error.prompt_tokens > 300
            else:
                memory = now.memory


def test_a_server_with_less_context_than_asked_for_gets_shorter_prompts(fake_ollama: Fake) -> None:
    long = {"name": "read_file", "arguments": {"path": "src/big.py"}}
    more = {"name": "read_file", "arguments": {"path": "src/big.py", "start": 1000}}
    fake = fake_ollama(context=4096, replies=[calls(long, more), calls(READ), calls(FIX, RUN)])
    edits = drive(policy(fake), lambda _: PASSED)
    assert [edit.wants for edit in edits] == ["more", "more", "test"]
    assert all(edit.spent.prompt_tokens + 1365 <= 4096 for edit in edits)
    assert len(fake.chats[1]["messages"]) == 5, "nothing was lost but the middle of long texts"


@pytest.mark.parametrize(
    ("flavor", "words"),
    [
        ("lmstudio", "Trying to keep the first tokens when context the overflows. However, the model is loaded with "
         "context length of only {context} tokens, which is not enough."),
        ("lmstudio", "The number of tokens to keep from the initial prompt is greater than the context length."),
        ("llama-server", "request (9000 tokens) exceeds the available context size ({context} tokens)"),
        ("vllm", "This model's maximum context length is {context} tokens. However, you requested 9000 tokens."),
        ("", "The prompt is too long."),
    ],
)  # fmt: skip
def test_a_context_that_turns_out_smaller_gets_shorter_prompts(fake_openai: Fake, flavor: str, words: str) -> None:
    """LM Studio tells the context only once the model is loaded, which the first question does."""
    reads = [{"name": "read_file", "arguments": {"path": "src/big.py", "start": n * 99}} for n in range(20)]
    replies = [calls(read) for read in reads]
    fake = fake_openai(flavor=flavor, loaded=False, context=4096, refuses=words, replies=replies)
    model = OpenAIModel("some/model", fake.url)
    model.context = 8192  # as if the server had told so, or nothing
    made = ModelPolicy(model, wait=lambda _: None)
    edits = drive(made, steps=12)
    assert len(edits) == 12 and model.context <= 6144
    assert sum(bool(edit.fault) for edit in edits) <= 2, "what is learnt is kept"


@pytest.mark.parametrize("context", [4096, 8192])
def test_a_long_conversation_stays_inside_a_small_context_and_keeps_the_task(fake_ollama: Fake, context: int) -> None:
    model = {"name": "gemma4:e4b", "context_length": context, "capabilities": ["tools", "thinking"]}
    reads = [
        calls({"name": "read_file", "arguments": {"path": "src/big.py", "start": 1 + 100 * n}}, thinking="hm " * 300)
        for n in range(20)
    ]
    fake = fake_ollama(models=[model], replies=[*reads, calls(FIX, RUN)])
    edits = drive(policy(fake), lambda _: PASSED, steps=25)
    assert edits[-1].wants == "test"
    for edit, chat in zip(edits, fake.chats, strict=True):
        assert edit.spent.prompt_tokens + chat["options"]["num_predict"] <= context
        assert "make test_add pass" in chat["messages"][0]["content"]
    assert "left out to save space" in json.dumps(fake.chats[-1]["messages"])


OVERLONG = {
    "a file": [{"name": "create_file", "arguments": {"path": "new.py", "content": "x = 1\n" * 40_000}}],
    "an argument that no tool has": [READ | {"arguments": {"path": "src/calc.py", "why": "y" * 100_000}}],
    "a thousand arguments": [READ | {"arguments": {"path": "src/calc.py"} | {f"k{n}": "y" * 300 for n in range(1000)}}],
    "a name": [{"name": "n" * 100_000, "arguments": {}}],
    "a path": [{"name": "create_file", "arguments": {"path": "d/" * 3000 + "x.py", "content": "x = 1"}}],
    "five hundred calls": [{"name": "read_file", "arguments": {"path": f"f{n}.py"}} for n in range(500)],
    "sixty identical calls": [READ] * 60,
}


@pytest.mark.parametrize("what", OVERLONG)
def test_what_a_call_was_given_is_cut_where_it_does_not_fit(fake_ollama: Fake, what: str) -> None:
    """A server that does not hold a model to its limits."""
    model = {"name": "gemma4:e4b", "context_length": 4096, "capabilities": ["tools", "thinking"]}
    fake = fake_ollama(models=[model], replies=[calls(*OVERLONG[what], thinking="hm " * 900), calls(FIX, RUN)])
    edits = drive(policy(fake), lambda _: PASSED)
    assert [edit.wants for edit in edits] == ["more", "test"]
    assert edits[1].spent.prompt_tokens + fake.chats[1]["options"]["num_predict"] <= 4096
    assert len(fake.chats[1]["messages"]) <= 3 + 12 and len(edits[0].tool_events) <= 12
    left_out = json.dumps(fake.chats[1]["messages"])
    assert ("more calls of that message were left out" in left_out) == (len(OVERLONG[what]) > 12)


def test_the_longest_ids_tasks_and_refusals_fit_the_smallest_window(fake_ollama: Fake) -> None:
    model = {"name": "gemma4:e4b", "context_length": 4096, "capabilities": ["tools"]}
    goal = tuple(f"tests/test_calc.py::test_add[{'p' * 3000}-{n}]" for n in range(8))
    failed = finding([TestResult(test, "failed", message="AssertionError: assert -1 == 3") for test in goal], goal)
    long = {
        "finding": failed,
        "goal": goal,
        "task": "x" * 20_000,
        "refused": ("-1\n+2\n" * 2000,) * 4,
        "nudge": "n " * 4000,
    }
    fake = fake_ollama(models=[model], replies=[{"content": "HYPOTHESIS: add subtracts"}, calls(READ), calls(FIX, RUN)])
    made = policy(fake)
    seen = view(**long)
    plan = made.plan(seen)
    steps = [made.edit(seen := view(seen.memory, plan=plan, **long)) for _ in range(2)]
    for spent in (plan.spent, *(step.spent for step in steps)):
        [sent] = spent.prompts
        assert spent.prompt_tokens + sent["max_tokens"] <= 4096
        system, opening = (message["content"] for message in sent["messages"][:2])
        assert len(system) < 5000 and "characters left out ..." in system and "-0]" in system and len(opening) > 600


def test_many_tests_of_a_small_window_are_counted(fake_ollama: Fake) -> None:
    model = {"name": "gemma4:e4b", "context_length": 4096, "capabilities": ["tools"]}
    fake = fake_ollama(models=[model], replies=[{"content": "HYPOTHESIS: x"}])
    policy(fake).plan(view(goal=tuple(f"tests/test_calc.py::test_{n}" for n in range(50))))
    assert "test_7\nand 42 more" in fake.chats[0]["messages"][0]["content"]


def test_what_was_digested_may_be_asked_for_again(fake_ollama: Fake) -> None:
    model = {"name": "gemma4:e4b", "context_length": 4096, "capabilities": ["tools"]}
    ask = [
        calls({"name": "read_file", "arguments": {"path": "src/big.py", "start": n}})
        for n in (1, 500, 1000, 1500, 2000, 2500)
    ]
    edits = drive(policy(fake_ollama(models=[model], replies=[*ask, ask[0]])), steps=7)
    assert [edit.tool_events[0].repeated for edit in edits] == [False] * 7


def test_secrets_are_masked_in_what_is_sent(fake_ollama: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPLOY_TOKEN", "hunter2hunter2")
    fake = fake_ollama(replies=[{"content": "HYPOTHESIS: x"}])
    policy(fake).plan(view(facts=("the token is hunter2hunter2",)))
    assert "hunter2" not in json.dumps(fake.chats) and "[masked:DEPLOY_TOKEN]" in json.dumps(fake.chats)


def test_no_step_asks_for_more_than_the_budget_holds(fake_ollama: Fake) -> None:
    fake = fake_ollama(replies=[calls(FIX, RUN)])
    drive(policy(fake), lambda _: PASSED, left=Left(60, 5, 700))
    assert fake.chats[0]["options"]["num_predict"] == 700


def test_a_scripted_policy_plays_its_steps_and_goes_on_after_a_resume(scripted_policy: Callable[..., Any]) -> None:
    steps = [{"write": {"src/calc.py": b"x = 1\n"}}, ModelError("down"), lambda v: Edit(wants="plan", note=v.task)]
    first = view()
    made: Policy = scripted_policy(steps)
    assert made.edit(first).changes == {"src/calc.py": b"x = 1\n"}
    resumed = view(first.memory)
    with pytest.raises(ModelError):
        scripted_policy(steps).edit(resumed)
    assert scripted_policy(steps).edit(resumed) == Edit(wants="plan", note="make test_add pass")
    assert scripted_policy(steps).edit(resumed).wants == "stop"


# reading replies


@pytest.mark.parametrize(
    "text",
    [
        '{"hypothesis": "add subtracts", "files": ["src/calc.py"], "evidence": "line 2"}',
        'Sure!\n```json\n{"Hypothesis": "add subtracts", "Files": "calc.py", "Evidence": "line 2"}\n```',
        "HYPOTHESIS: add subtracts\nFILES: src/calc.py\nEVIDENCE: line 2",
        "1. thinking\n## Hypothesis: add subtracts\n- Files: `./src/calc.py`\n- **Evidence**: line 2",
    ],
)
def test_plans_are_read_in_whatever_form(text: str) -> None:
    plan = plan_of(text, list(FILES), Plan("").spent)
    assert (plan.text, plan.files, plan.evidence) == ("add subtracts", ("src/calc.py",), "line 2")


def test_a_plan_in_prose_is_taken_whole() -> None:
    plan = plan_of("The bug is in src/calc.py, I think.", list(FILES), Plan("").spent)
    assert (plan.text, plan.files) == ("The bug is in src/calc.py, I think.", ("src/calc.py",))


READ_A = ("read_file", {"path": "a.py"})
BEGIN, SEP, END = (
    f"<\uff5ctool\u2581{part}\uff5c>" for part in ("call\u2581begin", "sep", "call\u2581end")
)  # DeepSeek's


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("<function=read_file>\n<parameter=path>\na.py\n</parameter>\n</function>", [READ_A]),
        (
            "<tool_call>\n<function=create_file>\n<parameter=path>\na.py\n</parameter>\n<parameter=content>\n  x\n\ny\n"
            "</parameter>\n</function>\n</tool_call>",
            [("create_file", {"path": "a.py", "content": "  x\n\ny"})],
        ),
        (
            '{"name": "read_file", "arguments": {"path": "a.py"}}\n{"name": "run_tests", "arguments": {}}',
            [READ_A, ("run_tests", {})],
        ),
        ('```tool_code\nprint(read_file(path="a.py"))\n```', [READ_A]),
        ('{"action": "read_file", "action_input": {"path": "a.py"}}', [READ_A]),
        ('{"name": "run_tests"}', [("run_tests", {})]),
        (
            '{"tool_calls": [{"type": "function", "function": {"name": "read_file", "arguments": {"path": "a.py"}}}]}',
            [READ_A],
        ),
        ('[TOOL_CALLS]read_file{"path": "a.py"}', [READ_A]),
        ('<function=read_file>{"path": "a.py"}</function>', [READ_A]),
        ('<invoke name="read_file"><parameter name="path">a.py</parameter></invoke>', [READ_A]),
        (
            '<function_calls>\n<invoke name="read_file">\n<parameter name="path">a.py</parameter>\n</invoke>\n'
            '<invoke name="run_tests">\n</invoke>\n</function_calls>',
            [READ_A, ("run_tests", {})],
        ),
        ("<tool_call>read_file\n<arg_key>path</arg_key>\n<arg_value>a.py</arg_value>\n</tool_call>", [READ_A]),
        (
            '<|channel|>commentary to=functions.read_file <|constrain|>json<|message|>{"path": "a.py"}<|call|>',
            [READ_A],
        ),
        (f'{BEGIN}function{SEP}read_file\n```json\n{{"path": "a.py"}}\n```{END}', [READ_A]),
        (f'{BEGIN}read_file{SEP}{{"path": "a.py"}}{END}\n{BEGIN}run_tests{SEP}{{}}{END}', [READ_A, ("run_tests", {})]),
        ('<|tool_call>call:read_file{path:<|"|>a.py<|"|>}', [READ_A]),
        (
            '<|tool_call>call:read_file{path:<|"|>a.py<|"|>}<tool_call|>\n<|tool_call>call:run_tests{}',
            [READ_A, ("run_tests", {})],
        ),
        ('<|tool_call>call:create_file{path:<|"|>a.py<|"|>,content:<|"|>x = {}', []),
        ("<function=create_file><parameter=path>a</parameter><parameter=content>x", [("create_file", {"path": "a"})]),
        ('to=functions.create_file<|message|>{"path": "a", "content": "x', []),
        (
            "a.py\n<<<<<<< SEARCH\nx = '<function=f>'\n=======\nx = 1\n>>>>>>> REPLACE\n",
            [("edit_file", {"path": "a.py", "search": "x = '<function=f>'\n", "replace": "x = 1\n"})],
        ),
        ('[TOOL_CALLS]read_file[ARGS]{"path": "a.py"}[TOOL_CALLS]run_tests{}', [READ_A, ("run_tests", {})]),
        (
            '[TOOL_CALLS][{"name": "read_file", "arguments": {"path": "a.py"}}, {"name": "run_tests", "args": {}}]',
            [READ_A, ("run_tests", {})],
        ),
    ],
)
def test_calls_are_read_in_the_forms_of_other_families(text: str, meant: list[tuple[str, Any]]) -> None:
    assert calls_in(text) == meant


@pytest.mark.parametrize("text", ['{"name": "read_file"}', '{"name": "Alice"}', '{"name": "run_tests", "age": 3}'])
def test_a_name_alone_is_a_call_only_of_what_needs_no_more(text: str) -> None:
    assert calls_in(text) == []


@pytest.mark.parametrize("text", ["", "plain words", '{"a": 1}', "[1, 2]", "{broken", "```\ncode\n```", "null"])
def test_text_that_is_no_call_is_none(text: str) -> None:
    assert calls_in(text) == []


# pictures, logs, forms


def test_what_was_sent_is_handed_over_for_the_record(fake_ollama: Fake) -> None:
    fake = fake_ollama(replies=[calls(READ), {"content": "HYPOTHESIS: x"}])
    made = policy(fake)
    [sent] = made.edit(view()).spent.prompts
    assert [m["content"] for m in sent["messages"]] == [m["content"] for m in fake.chats[0]["messages"]]
    assert sent["tools"] == fake.chats[0]["tools"] and sent["think"] is True
    [plan] = made.plan(view()).spent.prompts
    assert plan["tools"] == []


@pytest.mark.parametrize("wire", ["ollama", "openai"])
def test_every_request_is_handed_over_as_it_went_to_the_server(fake_ollama: Fake, fake_openai: Fake, wire: str) -> None:
    """Tools as text, a thought that was cut short and asked again, and a call that failed."""
    long = {"content": "<think>" + "round and round " * 4000, "chunk": 4096}
    replies = [{"content": json.dumps(READ)}, long, {"content": json.dumps(FIX)}, {"fault": "cut"}]
    if wire == "ollama":
        model = {"name": "gemma4:e4b", "size": 1, "capabilities": ["completion", "thinking"]}
        fake = fake_ollama(models=[model], replies=replies)
        made = ModelPolicy(OllamaModel("gemma4:e4b", fake.url), wait=lambda _: None)
    else:
        fake = fake_openai(flavor="llama-server", template="{{ messages }}", replies=replies)
        made = ModelPolicy(OpenAIModel("some/model", fake.url), wait=lambda _: None)
    edits = drive(made, steps=3)
    sent = [request for edit in edits for request in edit.spent.prompts]
    assert [len(edit.spent.prompts) for edit in edits] == [1, 2, 1] and edits[2].fault
    told = [[(m["role"], m["content"]) for m in chat["messages"]] for chat in fake.chats]
    assert [[(m["role"], m["content"]) for m in request["messages"]] for request in sent] == told
    assert not any(request["tools"] for request in sent) and "- run_tests(): " in sent[0]["messages"][0]["content"]


def test_pictures_belong_to_the_opening(fake_ollama: Fake) -> None:
    models = [{"name": "gemma4:e4b", "capabilities": ["tools", "vision"]}]
    fake = fake_ollama(models=models, replies=[calls(READ), calls(FIX)])
    first = view(images=("data:image/png;base64,aGk=",))
    made = policy(fake)
    made.edit(first)
    made.edit(view(first.memory, images=("data:image/png;base64,aGk=",)))
    assert [m.get("images") for m in fake.chats[1]["messages"]] == [None, ["aGk="], None, None]


def test_the_log_of_the_last_run_can_be_read(fake_ollama: Fake) -> None:
    fake = fake_ollama(replies=[calls({"name": "read_log", "arguments": {}}), calls(FIX)])
    first = view(logs={GOAL: "E   assert -1 == 3"})
    made = policy(fake)
    made.edit(first)
    made.edit(view(first.memory))
    assert "E   assert -1 == 3" in fake.chats[1]["messages"][-1]["content"]


def test_a_form_that_keeps_failing_is_replaced_in_the_same_conversation(fake_ollama: Fake) -> None:
    models = [{"name": "gemma4:e4b", "capabilities": ["tools"], "parameter_size": "31B"}]
    bad = [
        calls({"name": "edit_file", "arguments": {"path": "src/calc.py", "search": f"n{n}", "replace": "x"}})
        for n in "ab"
    ]
    fake = fake_ollama(models=models, replies=[*bad, calls(FIX)])
    made = policy(fake)
    memory: dict[str, Any] = {}
    for _ in range(3):
        now = view(memory)
        made.edit(now)
        memory = now.memory
    assert "`search` (the lines" in fake.chats[1]["messages"][0]["content"]
    system, *_, last = fake.chats[2]["messages"]
    assert "`function` (its name)" in system["content"] and len(fake.chats[2]["messages"]) == 6
    assert "keep being refused. To change code, call edit_file with `function`" in last["content"]


def test_a_text_with_an_edit_block_is_an_edit(fake_ollama: Fake) -> None:
    block = "src/calc.py\n<<<<<<< SEARCH\n    return a - b\n=======\n    return a + b\n>>>>>>> REPLACE\n"
    fake = fake_ollama(replies=[{"content": f"Here:\n\n{block}"}])
    [edit] = drive(policy(fake), steps=1)
    assert edit.changes == {"src/calc.py": b"def add(a, b):\n    return a + b\n"}
