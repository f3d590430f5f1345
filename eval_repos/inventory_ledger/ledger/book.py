"""The ledger itself: movements in, stock out."""

from datetime import date

from .errors import InsufficientStock, UnknownItem
from .movements import Kind, Movement


class Ledger:
    """All movements of a store, in the order they were recorded."""

    def __init__(self):
        self._movements = []
        self._reserved = {}

    def receive(self, item, quantity, day=None, note=""):
        """Stock comes in."""
        return self._record(Movement(item, Kind.RECEIPT, quantity, day or date.today(), note))

    def withdraw(self, item, quantity, day=None, note=""):
        """Stock goes out. All the free stock may go, but no more."""
        self._require(item, quantity)
        return self._record(Movement(item, Kind.WITHDRAWAL, quantity, day or date.today(), note))

    def correct(self, item, counted, day=None):
        """After a stock-take: set the stock to what was counted. Returns None if it was right."""
        difference = counted - self.stock(item)
        if difference == 0:
            return None
        return self._record(Movement(item, Kind.CORRECTION, difference, day or date.today(), "stock-take"))

    def reserve(self, item, quantity):
        """Promise stock to an order; it stays in the store but is no longer free."""
        if quantity > self.free(item):
            raise InsufficientStock(item, quantity, self.free(item))
        self._reserved[item] = self._reserved.get(item, 0) + quantity

    def release(self, item, quantity):
        """Take back a promise, at most what was promised."""
        held = self._reserved.get(item, 0)
        self._reserved[item] = max(0, held - quantity)

    def stock(self, item):
        """What is in the store, promised or not. Raises UnknownItem."""
        effects = [movement.effect for movement in self._movements if movement.item == item]
        if not effects:
            raise UnknownItem(item)
        return sum(effects)

    def free(self, item):
        """What may still be withdrawn or reserved."""
        return self.stock(item) - self._reserved.get(item, 0)

    def items(self):
        """Every item that ever moved, sorted."""
        return sorted({movement.item for movement in self._movements})

    def history(self, item, since=None):
        """The movements of one item, oldest first."""
        found = [movement for movement in self._movements if movement.item == item]
        if since is not None:
            found = [movement for movement in found if movement.day >= since]
        return sorted(found, key=lambda movement: movement.day)

    def _require(self, item, quantity):
        free = self.free(item)
        if quantity >= free:
            raise InsufficientStock(item, quantity, free)

    def _record(self, movement):
        self._movements.append(movement)
        return movement
