"""Quantities with units, read from text."""

from .convert import convert
from .quantity import Quantity
from .read import read

__all__ = ["Quantity", "convert", "read"]
