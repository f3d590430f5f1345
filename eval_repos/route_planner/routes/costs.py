"""What a road costs, by what the traveller wants."""


def distance(road):
    """Kilometres."""
    return road.length


def duration(road):
    """Minutes."""
    return 60 * road.distance / road.speed


def avoiding(places, cost, penalty=1000):
    """Like another cost, but roads into some places cost much more."""
    places = frozenset(places)

    def with_penalty(road):
        extra = penalty if road.end in places else 0
        return cost(road) + extra

    return with_penalty
