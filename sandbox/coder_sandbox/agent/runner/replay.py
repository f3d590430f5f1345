"""How candidates behave on inputs near the tests' own.

In one fork of the warm process the tests run once more on the base, and the calls that reach the changed functions are
recorded. Their arguments are varied; then a fork for the base and for each candidate makes all those calls. What
differs between two forks is a difference in behaviour that no test of the goal decides.
"""

from __future__ import annotations

import copy
import dis
import gc
import inspect
import os
import random
import signal
import sys
import time
from select import POLLIN, poll
from types import CodeType, FrameType, FunctionType
from typing import Any, Dict, Iterator, List, NoReturn, Optional, Sequence, Tuple

from .place import Plan
from .pool import kill_session, leave
from .project import Project
from .recorder import Call, Recorder
from .report import Inbox, Record, Report, hide, new_word, reporter
from .values import Arguments, Picture, can_vary, settled, source, vary

BASE = ""  # the key of the base among the candidates
RECORDED = 60  # calls that are replayed as they were
VARIED = 180  # and varied
TRIES = 4  # at a variation that has not been there yet
RECORDING = 1.0  # seconds of processor time for which the calls of one test are recorded: it may have no end
CALL = 0.1  # seconds of processor time one call may take
HANGS = 3  # calls that do not end, after which no more are made: the rest count as if they did not either
EVENTS = 5000  # executed lines that are watched in one call
MESSAGE = 200

Behaviour = List[str]  # kind ("returns", "raises", "hangs"), words, mark
HANG: Behaviour = ["hangs", "", ""]


class Comparison:
    """One comparison to make."""

    def __init__(self, payload: Record, plans: Dict[str, Plan]) -> None:
        self.key = "comparison"
        self.plans = plans
        self.passing: List[str] = payload["passing"]
        self.failing: List[str] = payload["failing"]
        self.test_files: List[str] = payload["test_files"]
        self.seed = int(payload["seed"])
        self.limit = float(payload["limit"])

    @property
    def ids(self) -> List[str]:
        return [*self.failing, *self.passing]

    @property
    def targets(self) -> List[CodeType]:
        """The code that some candidate changes, as it is at the base."""
        return [function.__code__ for plan in self.plans.values() for function, _ in plan.swaps]


def compare(task: Comparison, tests: Any, project: Project, say: Report) -> None:
    """In a fork of the warm process: record, vary, replay, and say what every candidate did."""
    deadline = time.monotonic() + task.limit
    calls = _vary(_record(task, tests, project, deadline), random.Random(task.seed))
    functions = _functions({call.code for call in calls})
    calls = [call for call in calls if call.code in functions]
    done: Dict[str, List[Behaviour]] = {}
    unreached: Dict[str, int] = {}
    for number, key in enumerate([BASE, *task.plans]):
        share = (deadline - time.monotonic()) / (len(task.plans) + 1 - number)
        done[key], unreached[key] = _in_fork(task, key, calls, functions, max(0.1, share))
    inputs = list(_table(calls, functions, done, project))
    say({"verdict": "compared", "inputs": inputs, "unreached": {key: n for key, n in unreached.items() if n >= 0}})


def _record(task: Comparison, tests: Any, project: Project, deadline: float) -> List[Call]:
    recorder = Recorder(project, task.targets, task.test_files)
    known = [test for test in task.ids if test in tests]
    signal.signal(signal.SIGPROF, _alarm)
    for test in known:
        if time.monotonic() > deadline - task.limit / 2:
            break
        signal.setitimer(signal.ITIMER_PROF, RECORDING)
        recorder.start(test, test in task.passing)
        try:
            tests.run([test], lambda result: True)
        except (Exception, _Hangs):  # the runner's: the test has been watched as far as it went
            pass
        finally:
            recorder.stop()
            signal.setitimer(signal.ITIMER_PROF, 0)
    return recorder.calls


def _vary(recorded: Sequence[Call], rng: random.Random) -> List[Call]:
    """The recorded calls, and their neighbours: one argument is varied, or taken from another call."""
    kept = sorted(recorded, key=lambda call: not call.entry)[:RECORDED]
    seen = {(call.code, call.mark) for call in kept}
    pools: Dict[Tuple[CodeType, str], List[Any]] = {}
    for call in kept:
        for name, value in call.arguments.items():
            pools.setdefault((call.code, name), []).append(value)
    calls = list(kept)
    for number in range(VARIED * 2 if kept else 0):
        call = kept[number % len(kept)]
        for _ in range(TRIES):
            varied = _neighbour(call, pools, rng)
            if varied is not None and (varied.code, varied.mark) not in seen:
                seen.add((varied.code, varied.mark))
                calls.append(varied)
                break
        if len(calls) >= len(kept) + VARIED:
            break
    return calls


def _neighbour(call: Call, pools: Dict[Tuple[CodeType, str], List[Any]], rng: random.Random) -> Optional[Call]:
    names = [name for name, value in call.arguments.items() if can_vary(value) or len(pools[call.code, name]) > 1]
    if not names:
        return None
    name = rng.choice(names)
    try:
        arguments = copy.deepcopy(call.arguments)
        if can_vary(arguments[name]) and rng.random() < 0.7:
            arguments[name] = vary(arguments[name], rng)
        else:
            arguments[name] = copy.deepcopy(rng.choice(pools[call.code, name]))
    except Exception:
        return None
    return call._replace(arguments=arguments, varied=True)


def _functions(codes: Any) -> Dict[CodeType, FunctionType]:
    """A function that runs each code. One that closes over variables has several, of which none is the right one."""
    found: Dict[CodeType, FunctionType] = {}
    gc.unfreeze()  # what is frozen is not listed
    for thing in gc.get_objects():
        if type(thing) is FunctionType and thing.__code__ in codes and not thing.__code__.co_freevars:
            found.setdefault(thing.__code__, thing)
    for code in codes:
        if "__class__" in code.co_freevars and len(code.co_freevars) == 1:  # it calls super(), and is one of a kind
            for thing in gc.get_referrers(code):
                if type(thing) is FunctionType:
                    found.setdefault(code, thing)
    return found


def _in_fork(
    task: Comparison, key: str, calls: Sequence[Call], functions: Dict[CodeType, FunctionType], limit: float
) -> Tuple[List[Behaviour], int]:
    """What a fork in which the candidate is in place does with these calls; those it does not get to are left out.
    With it: how many lines of the functions that some candidate changes were not reached (-1: not known)."""
    word, ends = new_word(), os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(ends[0])
        os.setsid()
        _make_calls(task, key, calls, functions, reporter(hide(ends[1]), word))
    os.close(ends[1])
    inbox = Inbox(ends[0], word)
    try:
        answers = list(_answers(inbox, time.monotonic() + limit))
        counted = [int(answer["unreached"]) for answer in answers if "unreached" in answer]
        return [answer["did"] for answer in answers if "did" in answer], counted[0] if counted else -1
    finally:
        kill_session(pid, alive=True)
        os.waitpid(pid, 0)
        inbox.close()


def _answers(inbox: Inbox, deadline: float) -> Iterator[Record]:
    waiting = poll()
    waiting.register(inbox.fd, POLLIN)
    while not inbox.closed and time.monotonic() < deadline:
        waiting.poll(max(0.0, deadline - time.monotonic()) * 1000)
        yield from inbox.read()


class _Hangs(BaseException):
    """A call has used up its time."""


def _alarm(number: int, frame: Optional[FrameType]) -> NoReturn:
    raise _Hangs


class _Reach:
    """Which lines of some functions are executed."""

    def __init__(self, codes: Sequence[CodeType]) -> None:
        self._left = {code: {line for _, line in dis.findlinestarts(code) if line} for code in codes}
        self._events = 0

    def start(self) -> None:
        self._events = 0
        sys.settrace(self._enter)

    def stop(self) -> None:
        sys.settrace(None)

    @property
    def unreached(self) -> int:
        return sum(map(len, self._left.values()))

    def _enter(self, frame: FrameType, event: str, argument: Any) -> Any:
        if not self._left.get(frame.f_code):
            return None
        return self._line(frame, event, argument)

    def _line(self, frame: FrameType, event: str, argument: Any) -> Any:
        self._events += 1
        if self._events > EVENTS:
            sys.settrace(None)
            frame.f_trace = None
            return None
        self._left[frame.f_code].discard(frame.f_lineno)
        return self._line


def _make_calls(
    task: Comparison, key: str, calls: Sequence[Call], functions: Dict[CodeType, FunctionType], say: Report
) -> NoReturn:
    try:
        changed = {function: None for plan in task.plans.values() for function, _ in plan.swaps}
        if key in task.plans:
            task.plans[key].carry_out()
        reach = _Reach([function.__code__ for function in changed])
        signal.signal(signal.SIGPROF, _alarm)
        hangs = 0
        for call in calls:
            did = HANG if hangs == HANGS else _behaviour(functions[call.code], call.code, call.arguments, reach)
            hangs += did == HANG and hangs < HANGS
            say({"did": did})
        say({"unreached": reach.unreached})
    finally:
        leave()


def _behaviour(function: FunctionType, code: CodeType, arguments: Arguments, reach: _Reach) -> Behaviour:
    """What one call does, on a copy of its arguments: the processor's time counts, so that load does not."""
    try:
        own = copy.deepcopy(arguments)
        before = Picture(list(own.items())).mark
        positional, named = spread(code, own)
        signal.setitimer(signal.ITIMER_PROF, CALL)
        reach.start()
        try:
            result = settled(function(*positional, **named))
        finally:
            reach.stop()
            signal.setitimer(signal.ITIMER_PROF, 0)
        after = Picture(list(own.items()))
        returned = Picture(result)
        if after.mark == before:
            return ["returns", returned.text, returned.mark]
        words = (
            f"{returned.text}, and its arguments become {', '.join(f'{k}={Picture(v).text}' for k, v in own.items())}"
        )
        return ["returns", words, returned.mark + after.mark]
    except _Hangs:
        return HANG
    except BaseException as error:
        message = str(error)[:MESSAGE] if isinstance(error, Exception) else ""
        return ["raises", f"{type(error).__name__}: {message}".rstrip(": "), type(error).__name__]


def spread(code: CodeType, arguments: Arguments) -> Tuple[List[Any], Dict[str, Any]]:
    """The arguments of a frame as those of a call."""
    names = code.co_varnames
    first = code.co_argcount
    last = first + code.co_kwonlyargcount
    positional = [arguments[name] for name in names[:first]]
    named = {name: arguments[name] for name in names[first:last]}
    if code.co_flags & inspect.CO_VARARGS:
        positional += arguments[names[last]]
        last += 1
    if code.co_flags & inspect.CO_VARKEYWORDS:
        named.update(arguments[names[last]])
    return positional, named


def _table(
    calls: Sequence[Call], functions: Dict[CodeType, FunctionType], done: Dict[str, List[Behaviour]], project: Project
) -> Iterator[Record]:
    """The calls that every fork got to, with what each did."""
    for number in range(min(map(len, done.values()), default=0)):
        call = calls[number]
        function = functions[call.code]
        receiver, words, is_literal = _written(call)
        yield {
            "function": function.__qualname__,
            "module": str(function.__module__),
            "path": project.relative(call.code.co_filename) or "",
            "receiver": receiver,
            "arguments": words,
            "literal": is_literal,
            "varied": call.varied,
            "passes": call.passes,
            "entry": call.entry,
            "test": call.test,
            "did": {key: answers[number] for key, answers in done.items()},
        }


def _written(call: Call) -> Tuple[str, str, bool]:
    """A method's object, the arguments as one would write them, and whether all can be written so."""
    positional, named = spread(call.code, call.arguments)
    receiver = ""
    if call.code.co_argcount and call.code.co_varnames[0] == "self":
        receiver = Picture(positional.pop(0)).text
    values = [*positional, *named.values()]
    literal = not receiver and all(source(value) is not None for value in values)
    words = [source(value) or Picture(value).text for value in values]
    names = [*[""] * len(positional), *(f"{name}=" for name in named)]
    return receiver, ", ".join(name + word for name, word in zip(names, words)), literal
