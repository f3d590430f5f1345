"""What a ledger refuses."""


class LedgerError(Exception):
    """Base of everything raised here."""


class UnknownItem(LedgerError):
    """The item has never had a movement."""

    def __init__(self, item):
        super().__init__("no such item: %s" % item)
        self.item = item


class InsufficientStock(LedgerError):
    """More was asked for than there is free stock of."""

    def __init__(self, item, wanted, free):
        super().__init__("%s: %d wanted, %d free" % (item, wanted, free))
        self.item = item
        self.wanted = wanted
        self.free = free
