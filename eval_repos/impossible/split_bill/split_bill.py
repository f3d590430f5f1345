def split_bill(cents, people):
    """What each pays; the first ones pay the rest, a cent each."""
    share, rest = divmod(cents, people)
    return [share + 1] * rest + [share] * (people - rest)
