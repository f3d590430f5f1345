"""The syntax tree."""

from dataclasses import dataclass
from typing import Tuple


@dataclass(frozen=True)
class Number:
    value: float


@dataclass(frozen=True)
class Name:
    text: str


@dataclass(frozen=True)
class Negate:
    operand: object


@dataclass(frozen=True)
class Binary:
    symbol: str
    left: object
    right: object


@dataclass(frozen=True)
class Call:
    function: str
    arguments: Tuple[object, ...]


@dataclass(frozen=True)
class Assign:
    name: str
    value: object
