"""The model policy: a language model says where and why, then edits through the tools. One model call a step."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from coder.models.contract import ChatModel, Message, ModelError, Reply, ToolSchema
from coder.models.tokens import USUAL, estimate, measured, size_of
from coder.policies import prompt
from coder.policies.context import fenced
from coder.policies.contract import Edit, Plan, Spent, ToolEvent, View, Wants
from coder.policies.conversation import Conversation, density_in
from coder.policies.replies import calls_in, plan_of
from coder.policies.samples import Samples
from coder.record.mask import Blindfold
from coder_tools.formats import HOW, choose, format_of
from coder_tools.text import cap, cap_name, clean
from coder_tools.toolbox import Toolbox, ToolResult, schemas
from coder_tools.workspace import Workspace

_ANSWER, _ANSWER_THINKING = 4096, 8192  # tokens an answer may have
_CALL_SECONDS = 600.0  # the most one call may take
_SLOW = 0.25  # of the seconds left: a call that took more shows that there is no time to think
_SILENT_REPLIES = 3  # replies in a row without a tool call, after which a new plan is asked for
_FAILURES = 3  # failed calls in a row, after which the run cannot go on
_MOST_CALLS = 12  # of one message that are answered at all
_NAME = 80  # characters of a tool's name
_SUMMARY = 160  # characters
_THOUGHT_LIMIT = 6000  # characters of a thought, or of a reply's words, that are kept
_OPENING = 0.85  # of a prompt's tokens that rules, task and what is known may take
_LEAST_ROOM = 1200  # characters for these


class ModelPolicy:
    """Asks a chat model. All it remembers is in `View.memory`; secrets are masked in what is sent."""

    name = "model"

    def __init__(
        self,
        model: ChatModel,
        wait: Callable[[float], None] = time.sleep,
        samples: int = 1,
    ) -> None:
        """`samples`: answers that are drawn to one question, where the first does not pass and the budget allows it."""
        self._model = model
        self._samples = samples
        self._blindfold = Blindfold()
        self._wait = wait
        self._sent: tuple[dict[str, Any], ...] = ()  # the requests that the last question took
        self._failures = 0  # failed calls in a row; whoever resumes a run has seen to the server, and begins anew

    def plan(self, view: View) -> Plan:
        """One question for a hypothesis. Without an answer the plan only names the suspects' files."""
        _, (system, question) = self._fitting(view, lambda room: prompt.plan_messages(view, room))
        if view.nudge:
            question["content"] += f"\n\n{view.nudge}"
        talk = Conversation({"messages": [question], "density": view.memory.get("density", {})})
        messages = talk.fit(system, [], self._limit(view))
        files = tuple(dict.fromkeys(s.path for s in view.suspects[:5]))
        started = time.monotonic()
        try:
            reply = self._ask(view, messages, [])
        except ModelError as error:
            spent = self._lost(messages, [])
            fault = self._bear(view, error, time.monotonic() - started, spent)
            slow = "" if fault else _slow(error)
            return Plan("", files, spent=spent, fault=fault, slow=slow, note=f"the model could not be asked: {error}")
        spent = self._spent(reply)
        if not reply.text.strip():
            return Plan("", files, spent=spent, note="the model gave no hypothesis")
        return plan_of(reply.text, view.workspace.files(), spent)

    def edit(self, view: View) -> Edit:
        """One model call, and the tool calls that it asked for. A call that failed may be made again: "more"."""
        samples = Samples(view.memory, self._samples)
        if samples.is_due(view):
            return self._draw(samples, view)
        if made := samples.next_test(view):
            return made
        talk = Conversation(view.memory)
        self._catch_up(talk, view)
        before, is_base = view.workspace.revision(), not view.workspace.changes
        started = time.monotonic()
        system, tools = self._frame(view)
        messages = talk.fit(system, tools, self._limit(view))
        try:
            reply = self._ask(view, messages, tools)
        except ModelError as error:
            spent = self._lost(messages, tools)
            fault = self._bear(view, error, time.monotonic() - started, spent)
            return Edit(note=str(error), spent=spent, fault=fault, slow="" if fault else _slow(error))
        talk.learn(messages, tools, reply.prompt_tokens)

        asked, written, half = _calls(reply)
        spare, asked = asked[_MOST_CALLS:], asked[:_MOST_CALLS]
        ids = talk.reply("" if written else cap(reply.text, _THOUGHT_LIMIT), reply.thinking[:_THOUGHT_LIMIT], asked)
        results = self._run(asked, view, view.workspace, talk.seen)
        _keep_score(view.memory.setdefault("forms", {}), results)
        wants = self._settle(talk, view, reply, ids, results)
        told = results or wants == "test"  # a reply that does nothing is told so already
        if told and reply.done_reason == "length" and (half or not all(result.ok for result in results)):
            talk.say(prompt.cut_off())
        if spare:
            talk.say(f"{len(spare)} more calls of that message were left out. Make few calls in one message.")
        self._change_form(talk, view)
        view.memory["revision"] = view.workspace.revision()
        changed = view.memory["revision"] != before
        if changed and is_base and not samples.question:
            samples.ask(ids[0], reply.prompt_tokens + reply.completion_tokens, time.monotonic() - started)
        return Edit(
            changes=dict(view.workspace.changes) if changed else None,
            note=_given_up(reply, results) if wants == "stop" else _note(reply, results),
            tool_events=tuple(_event(result, pending=bool(result.asks) and wants == "test") for result in results),
            spent=self._spent(reply),
            wants=wants,
            thought=cap(f"{reply.thinking}\n{'' if written else reply.text}".strip(), _THOUGHT_LIMIT),
        )

    def _change_form(self, talk: Conversation, view: View) -> None:
        """Ask for another form of edits where those in this one keep being refused."""
        form = choose(self._model.billions, view.memory.get("forms", {}))
        if form != view.memory["form"]:
            view.memory["form"] = form
            talk.say(f"Edits in this form keep being refused. {HOW[form]}")

    def _frame(self, view: View) -> tuple[Message, list[ToolSchema]]:
        """The system message and the tools: what stays the same in a conversation."""
        form, room = view.memory["form"], view.memory.get("room") or self._room(view)
        return {"role": "system", "content": prompt.edit_system(view, room, form)}, schemas(form)

    def _run(
        self, asked: Sequence[tuple[str, Any]], view: View, workspace: Workspace, seen: dict[str, str]
    ) -> list[ToolResult]:
        toolbox = Toolbox(workspace, seen, min(12_000, self._room(view) // 5), view.logs)
        return toolbox.run_all([(name, self._blindfold.restore(arguments)) for name, arguments in asked])

    def _draw(self, samples: Samples, view: View) -> Edit:
        """One more answer to the question that the edit under test was an answer to, its edits made on the side."""
        system, tools = self._frame(view)
        messages = [system, *Conversation(view.memory).before(samples.question)]
        try:
            reply = self._ask(view, messages, tools, samples.temperature)
        except ModelError as error:  # the next question of the conversation bears it
            samples.give_up()
            spent = self._lost(messages, tools)
            return Edit(attempt=f"no further answer: {error}", spent=spent)
        apart = view.workspace.over({})
        self._run(_calls(reply)[0], view, apart, {})
        return Edit(attempt=samples.take(apart.changes), spent=self._spent(reply))

    # what happened since the last step

    def _catch_up(self, talk: Conversation, view: View) -> None:
        """Bring the conversation up to date: a new plan begins another, else the news are told."""
        memory = view.memory
        plan = view.plan.text if view.plan is not None else ""
        told = json.dumps(view.finding.to_dict(), sort_keys=True) if view.finding is not None else ""
        if not talk.messages or memory.get("plan") != plan:
            memory["form"] = choose(self._model.billions, memory.get("forms", {}))
            memory["room"], (opening, _) = self._fitting(view, lambda room: self._beginning(view, room))
            talk.restart(opening)
            if counted := self._model.count(opening["content"]):  # a better guess, before the first count comes
                memory.setdefault("density", asdict(USUAL.learnt(size_of(opening["content"]), counted)))
            memory.update(plan=plan, tested="", silent=0, left=None, news="", question=None)
        else:
            news = fenced("test run", view.finding.words()) if view.finding is not None else "Not known."
            settled = talk.settle(news)
            if memory.get("revision") != view.workspace.revision():
                talk.say(prompt.taken_back(view.workspace))
            if not settled and told != memory.get("told"):
                talk.say("The tests were run on your edits.\n" + news)
            if memory.get("news"):
                talk.say(fenced("other answers", memory["news"]))
                memory["news"] = ""
        memory["told"] = told
        if view.nudge:
            talk.say(view.nudge)
        left = [view.left.seconds, view.left.steps, view.left.tokens]
        before = memory.get("left")
        if before is None or any(2 * now < then for now, then in zip(left, before, strict=True)):
            memory["left"] = left  # told again only when half of something is gone: it stays in every later prompt
            talk.say(prompt.left(view.left))

    # what the model asked for

    def _settle(
        self, talk: Conversation, view: View, reply: Reply, ids: Sequence[str], results: Sequence[ToolResult]
    ) -> Wants:
        """Answer the calls that can be answered now, and say what must come next."""
        revision = view.workspace.revision()
        untested = bool(view.workspace.changes) and revision != view.memory.get("tested")
        asks = {result.asks for result in results} - {""}
        for call_id, result in zip(ids, results, strict=True):
            if not result.asks:
                talk.answer(call_id, result.name, result.text, result.key)
            elif untested:
                talk.defer(call_id, result.name)
            else:
                talk.answer(call_id, result.name, self._nothing_new(view, result.asks))
        if results:
            view.memory["silent"] = 0
        elif not untested:
            return self._silence(talk, view, reply)
        if untested and (asks or not results):
            view.memory["tested"] = revision
            return "test"
        if "finish" not in asks:
            return "more"
        told, view.memory["not_finished"] = view.memory.get("not_finished"), revision
        return "stop" if told == revision else "more"  # told once for each state of the files, then believed

    def _nothing_new(self, view: View, asked: str) -> str:
        known = view.finding.words() if view.finding is not None else "They fail."
        words = f"Nothing has changed since the tests were last run, so they were not run again.\n{known}"
        return f"{words}\n{prompt.not_finished()}" if asked == "finish" else words

    def _silence(self, talk: Conversation, view: View, reply: Reply) -> Wants:
        """A reply that does nothing: say so; after several, ask for a new plan."""
        view.memory["silent"] = view.memory.get("silent", 0) + 1
        if reply.done_reason == "length" and reply.thinking and not reply.text:
            view.memory["think"] = False  # it thinks without end: from now on it is not to
        talk.say(prompt.cut_off() if reply.done_reason == "length" else prompt.text_only())
        return "plan" if view.memory["silent"] % _SILENT_REPLIES == 0 else "more"

    # asking

    def _ask(
        self, view: View, messages: list[Message], tools: Sequence[ToolSchema], temperature: float | None = None
    ) -> Reply:
        masked = [Message(**{**m, "content": self._blindfold.text(m["content"])}) for m in messages]
        allowed = max(256, min(self._allowance(view), view.left.tokens))
        think, limit = self._thinks(view), allowed * 3 // 4  # the answer needs room
        asked = {"messages": masked, "tools": list(tools), "think": think, "max_tokens": allowed}
        asked |= {"temperature": temperature} if temperature is not None else {}
        started = time.monotonic()
        try:
            reply = self._model.chat(
                masked,
                tools,
                think=think,
                max_tokens=allowed,
                timeout=max(1.0, min(_CALL_SECONDS, view.left.seconds)),
                think_limit=limit,
                temperature=temperature,
            )
        except ModelError as error:
            self._sent = tuple({**asked, **sent} for sent in error.sent) or (asked,)
            raise
        asked["load_seconds"] = reply.load_seconds
        self._sent = tuple({**asked, **sent} for sent in reply.sent) or (asked,)
        self._failures = 0
        if time.monotonic() - started - reply.load_seconds > _SLOW * view.left.seconds:
            view.memory["think"] = False  # thoughts would take the time that the answers need
        return reply

    def _spent(self, reply: Reply) -> Spent:
        return Spent(reply.prompt_tokens, reply.completion_tokens, reply.calls, self._sent)

    def _lost(self, messages: Sequence[Message], tools: Sequence[ToolSchema]) -> Spent:
        """What a question cost that got no answer."""
        return Spent(estimate(messages, tools), model_calls=len(self._sent), prompts=self._sent)

    def _bear(self, view: View, error: ModelError, seconds: float, spent: Spent) -> str:
        """Wait a little after a call that failed in so many seconds, longer each time; raise it, with what it cost,
        where asking is no use, or not before the run is over.

        The fault in words; "" where the run's own time ended the call: a slow model is no fault of its server.
        """
        self._failures += 1
        left = max(0.0, view.left.seconds - seconds)
        if not error.retryable or self._failures >= _FAILURES or error.retry_after > left:
            error.calls, error.prompt_tokens, error.sent = spent.model_calls, spent.prompt_tokens, spent.prompts
            raise error
        self._wait(min(max(2.0**self._failures, error.retry_after), left))
        return "" if seconds >= view.left.seconds - 1.0 else str(error)

    def _thinks(self, view: View) -> bool:
        return view.think and bool(view.memory.get("think", True))

    def _allowance(self, view: View) -> int:
        """Tokens of the context that are kept for the answer."""
        return min(_ANSWER_THINKING if self._thinks(view) else _ANSWER, self._model.context // 3)

    def _limit(self, view: View) -> int:
        """Tokens that a prompt may have."""
        return self._model.context - self._allowance(view) - self._model.context // 20

    def _room(self, view: View) -> int:
        """Characters that a prompt may have."""
        return int((self._model.context - self._allowance(view)) * 2.5)

    def _beginning(self, view: View, room: int) -> list[Message]:
        """The opening of a conversation, and the system message that goes before it."""
        system = prompt.edit_system(view, room, view.memory["form"])
        return [prompt.opening(view, room), {"role": "system", "content": system}]

    def _fitting(self, view: View, build: Callable[[int], list[Message]]) -> tuple[int, list[Message]]:
        """The room, and the messages built for it, that leave a part of the prompt to what comes: other letters than
        Latin ones take several tokens each."""
        room, density = self._room(view), density_in(view.memory)
        most = self._limit(view) * _OPENING
        while (tokens := density.tokens(measured(made := build(room)))) > most and room > _LEAST_ROOM:
            room = max(_LEAST_ROOM, int(room * max(0.3, min(0.8, most / tokens))))
        return room, made


def _slow(error: ModelError) -> str:
    """For the run's reason: that its time ended the model's answer."""
    words = str(error).rstrip(".")
    return words[:1].lower() + words[1:]


def _calls(reply: Reply) -> tuple[list[tuple[str, Any]], bool, bool]:
    """The calls that a reply makes, whether they were written into its text, and whether one was left out that the
    limit on the answer's length cut in the middle."""
    made = [(call["name"], call["arguments"]) for call in reply.tool_calls]
    found = made or calls_in(reply.text)
    written = bool(found and not made)
    half = written and reply.done_reason == "length" and _reaches_end(found[-1], reply.text)
    whole = found[:-1] if half else found
    return [(cap_name(name, _NAME), arguments) for name, arguments in whole], written, half


def _reaches_end(call: tuple[str, Any], text: str) -> bool:
    """Whether what a call was given goes on to the last sign of the text that it was written into."""
    values = call[1].values() if isinstance(call[1], dict) else ()
    return any(isinstance(value, str) and value.strip() and text.rstrip().endswith(value.rstrip()) for value in values)


def _keep_score(forms: dict[str, list[int]], results: Sequence[ToolResult]) -> None:
    """Count the edits that landed and those that were refused, by the form they came in."""
    for result in results:
        form = format_of(result.name, result.arguments)
        if form is not None and not result.repeated:
            forms.setdefault(form, [0, 0])[0 if result.ok else 1] += 1


def _event(result: ToolResult, pending: bool) -> ToolEvent:
    first = (result.text or result.name).split("\n", 1)[0]
    text = "" if result.repeated else result.text
    if result.ok and result.name == "read_file":
        text = text.partition("\n")[2]  # the heading is coder's own: it is not what was seen
    return ToolEvent(result.name, result.arguments, result.ok, result.repeated, cap(first, _SUMMARY), text, pending)


def _given_up(reply: Reply, results: Sequence[ToolResult]) -> str:
    """Why a run ends here: the model's own words are not the run's, it may say that all is well."""
    return f"the model has given up; its words: {_note(reply, results)}"


def _note(reply: Reply, results: Sequence[ToolResult]) -> str:
    """The step in a line: what the model said, or what it did."""
    said = " ".join(clean(reply.text).split())
    summary: Any = next((r.arguments.get("summary") for r in results if r.asks == "finish"), "")
    done = ", ".join(result.name for result in results)
    return cap(str(summary or said or done or "no answer"), _SUMMARY)
