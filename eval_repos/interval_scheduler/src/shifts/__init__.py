"""Half-open intervals of minutes, and shifts planned into them."""

from .interval import Interval
from .planner import NoRoom, Planner

__all__ = ["Interval", "NoRoom", "Planner"]
