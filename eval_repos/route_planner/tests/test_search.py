import unittest

from routes import NoRoute, Route, costs, directions, shortest
from routes.search import reachable
from tests.test_network import town


class ShortestTest(unittest.TestCase):
    def setUp(self):
        self.network = town()

    def test_by_distance(self):
        route = shortest(self.network, "A", "D")
        self.assertEqual(route.places, ["A", "B", "C", "D"])
        self.assertEqual(route.cost, 7)

    def test_by_duration(self):
        route = shortest(self.network, "A", "D", cost=costs.duration)
        self.assertEqual(route.places, ["A", "D"])
        self.assertAlmostEqual(route.cost, 6)

    def test_avoiding(self):
        route = shortest(self.network, "A", "D", cost=costs.avoiding(["B"], costs.distance))
        self.assertEqual(route.places, ["A", "D"])

    def test_already_there(self):
        self.assertEqual(shortest(self.network, "A", "A").places, ["A"])

    def test_no_route(self):
        with self.assertRaises(NoRoute):
            shortest(self.network, "A", "X")

    def test_against_the_oneway(self):
        with self.assertRaises(NoRoute):
            shortest(self.network, "E", "D")

    def test_unknown_goal(self):
        with self.assertRaises(KeyError):
            shortest(self.network, "A", "Z")

    def test_route_length(self):
        self.assertEqual(shortest(self.network, "A", "D").length, 7)

    def test_route_as_text(self):
        self.assertEqual(str(shortest(self.network, "A", "C")), "A - B - C")

    def test_reachable(self):
        self.assertEqual(reachable(self.network, "A", 5), {"A": 0, "B": 2, "C": 5})

    def test_reachable_nothing(self):
        self.assertEqual(reachable(self.network, "E", 5), {"E": 0})


class DirectionsTest(unittest.TestCase):
    def setUp(self):
        self.network = town()

    def test_describe(self):
        route = shortest(self.network, "C", "E")
        self.assertEqual(
            directions.describe(route),
            ["1. C to D, 2.0 km", "2. D to E, 400 m", "Total: 2.4 km"],
        )

    def test_describe_nothing(self):
        self.assertEqual(directions.describe(Route("A", [], 0)), ["You are there."])

    def test_metres(self):
        self.assertEqual(directions.kilometres(0.25), "250 m")

    def test_slowest(self):
        self.assertEqual(directions.slowest(shortest(self.network, "C", "E")).end, "E")

    def test_slowest_of_nothing(self):
        self.assertIsNone(directions.slowest(Route("A", [], 0)))


if __name__ == "__main__":
    unittest.main()
