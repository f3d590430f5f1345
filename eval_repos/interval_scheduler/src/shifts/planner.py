"""Puts shifts into rooms."""

from . import clock, merge
from .interval import Interval


class NoRoom(Exception):
    """Nothing free that is long enough."""


class Planner:
    """Rooms that are open for a part of the day, and what is booked in them."""

    def __init__(self, open_hours):
        """`open_hours` maps a room to text such as "08:00-17:30"."""
        self._open = {room: Interval(*clock.span(hours)) for room, hours in open_hours.items()}
        self._booked = {room: [] for room in open_hours}

    def book(self, room, hours):
        """Book a fixed time. Raises ValueError if it is taken or outside the opening hours."""
        wanted = Interval(*clock.span(hours))
        if not self._open[room].contains(wanted):
            raise ValueError("%s is not open %s" % (room, hours))
        if any(wanted.overlaps(booked) for booked in self._booked[room]):
            raise ValueError("%s is taken %s" % (room, hours))
        self._booked[room].append(wanted)
        return wanted

    def free(self, room):
        return merge.gaps(self._open[room], self._booked[room])

    def place(self, minutes):
        """Book the earliest time of that length in any room; returns (room, interval)."""
        options = []
        for room in sorted(self._open):
            for gap in self.free(room):
                if gap.minutes >= minutes:
                    options.append((gap.start, room))
        if not options:
            raise NoRoom("no %d minutes free" % minutes)
        start, room = min(options)
        chosen = Interval(start, start + minutes)
        self._booked[room].append(chosen)
        return room, chosen

    def slots(self, room, minutes):
        """Start times, as text, of the slots of a fixed length that are still free."""
        starts = []
        for gap in self.free(room):
            starts.extend(clock.show(piece.start) for piece in gap.split(minutes))
        return starts
