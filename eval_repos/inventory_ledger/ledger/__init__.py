"""Stock as a list of movements."""

from .book import Ledger
from .errors import InsufficientStock, LedgerError, UnknownItem
from .movements import Kind, Movement

__all__ = ["InsufficientStock", "Kind", "Ledger", "LedgerError", "Movement", "UnknownItem"]
