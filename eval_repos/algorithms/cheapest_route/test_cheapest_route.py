from cheapest_route import cheapest_route


def test_direct():
    assert cheapest_route({"a": {"b": 4}}, "a", "b") == 4


def test_same_place():
    assert cheapest_route({}, "a", "a") == 0


def test_no_way():
    assert cheapest_route({"a": {"b": 1}}, "b", "a") is None


def test_detour_is_cheaper():
    assert cheapest_route({"a": {"b": 10, "c": 1}, "c": {"b": 2}}, "a", "b") == 3


def test_long_detour_is_cheaper():
    roads = {"a": {"b": 20, "c": 1}, "c": {"d": 1}, "d": {"e": 1}, "e": {"b": 1}}
    assert cheapest_route(roads, "a", "b") == 4


def test_direct_is_cheaper():
    assert cheapest_route({"a": {"b": 2, "c": 2}, "c": {"b": 2}}, "a", "b") == 2
