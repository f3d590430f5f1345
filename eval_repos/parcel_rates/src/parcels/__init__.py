"""What it costs to send a parcel."""

from .limits import Refused
from .parcel import Parcel
from .quote import Quote, quote

__all__ = ["Parcel", "Quote", "Refused", "quote"]
