"""Splits people into two teams so that no two rivals are in one."""


def two_teams(rivals):
    """Person -> 0 or 1, or None if it cannot be done. `rivals`: pairs."""
    against = {}
    for one, other in rivals:
        against.setdefault(one, []).append(other)
        against.setdefault(other, []).append(one)
    team = {}
    for first in against:
        if first in team:
            continue
        team[first] = 0
        waiting = [first]
        while waiting:
            person = waiting.pop()
            for rival in against[person]:
                if rival not in team:
                    team[rival] = 1
                    waiting.append(rival)
                elif team[rival] == team[person]:
                    return None
    return team
