"""Predicate switching (Zhang, Gupta and Gupta 2006): would the failing test pass if one branch had gone the other way?

A probe is no repair. It turns the outcome of one evaluation of one condition round; where the test then passes, that
condition, or what it is computed from, is where to look.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from coder.repair.contract import Suspect
from coder.repair.source import Module, module_at
from coder_tools.contract import CandidateResult, Splice

INSTANCES = 2  # evaluations of each condition that are switched, one by one, from the first
# The process that judges a probe is its own, so that `sys` can hold the count of the evaluations.
_COUNT = '__import__("sys").__dict__.setdefault("_coder_evaluations", __import__("itertools").count()).__next__()'


@dataclass(frozen=True)
class Probe:
    """One condition with one of its evaluations turned round."""

    path: str
    line: int  # of the condition's statement
    instance: int  # which evaluation, from 0
    splice: Splice

    @property
    def key(self) -> str:
        return f"{self.path}:{self.splice.start}:{self.instance}"


def probes(read: Callable[[str], bytes], suspects: Sequence[Suspect], most: int) -> list[Probe]:
    """At most so many probes of the conditions on the most suspicious lines. `read` gives a file's bytes, KeyError if
    there is none."""
    modules: dict[str, Module | None] = {}
    found: dict[str, Probe] = {}
    for suspect in suspects:
        if suspect.path not in modules:
            modules[suspect.path] = module_at(suspect.path, read)
        module = modules[suspect.path]
        statements = module.statements_at(suspect.line)[-1:] if module else []
        for statement in statements:
            for probe in _of(module, statement) if module else ():
                found.setdefault(probe.key, probe)
        if len(found) >= most:
            break
    return list(found.values())[:most]


def conditions(asked: Sequence[Probe], answers: Sequence[CandidateResult]) -> list[tuple[str, int]]:
    """Path and line of each condition one outcome of which, turned round, makes the goal pass."""
    passing = {answer.key for answer in answers if answer.goal_passed}
    return list(dict.fromkeys((probe.path, probe.line) for probe in asked if probe.key in passing))


def _of(module: Module, statement: ast.stmt) -> Iterator[Probe]:
    for condition in _conditions(statement):
        start, end = module.span(condition)
        text = module.text[start:end]
        for instance in range(INSTANCES):
            switched = f"(not ({text}) if {_COUNT} == {instance} else ({text}))"
            splice = Splice(module.path, module.byte_offset(start), module.byte_offset(end), switched)
            yield Probe(module.path, statement.lineno, instance, splice)


def _conditions(statement: ast.stmt) -> Iterator[ast.expr]:
    """The conditions that decide a branch in a statement, its own first; those in f-strings left out: their places are
    not right before Python 3.12."""
    if isinstance(statement, (ast.If, ast.While)):
        yield statement.test
    pending = [child for child in ast.iter_child_nodes(statement) if isinstance(child, ast.expr)]
    while pending:
        node = pending.pop(0)
        if isinstance(node, ast.IfExp):
            yield node.test
        if isinstance(node, ast.JoinedStr):
            continue
        pending += [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
