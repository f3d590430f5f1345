"""Sorts a hand of cards as players do."""


def insertion_sort(cards):
    """Sort the list in place and return it."""
    for place in range(1, len(cards)):
        card = cards[place]
        hole = place
        while hole > 1 and cards[hole - 1] > card:
            cards[hole] = cards[hole - 1]
            hole -= 1
        cards[hole] = card
    return cards
