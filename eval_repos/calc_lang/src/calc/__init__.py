"""Arithmetic with variables: text in, number out."""

from .errors import CalcError
from .session import Session, calculate

__all__ = ["CalcError", "Session", "calculate"]
