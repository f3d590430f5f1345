import unittest

from routes import Network, costs


def town():
    """A ring A-B-C-D, a fast bypass from A to D, and an island."""
    network = Network()
    network.connect("A", "B", 2)
    network.connect("B", "C", 3)
    network.connect("C", "D", 2)
    network.connect("A", "D", 12, speed=120)
    network.connect("D", "E", 0.4, speed=30, oneway=True)
    network.connect("X", "Y", 1)
    return network


class NetworkTest(unittest.TestCase):
    def setUp(self):
        self.network = town()

    def test_places(self):
        self.assertEqual(self.network.places(), ["A", "B", "C", "D", "E", "X", "Y"])

    def test_roads_both_ways(self):
        self.assertIn("A", [road.end for road in self.network.roads("B")])

    def test_oneway(self):
        self.assertEqual(self.network.roads("E"), [])

    def test_unknown_place(self):
        with self.assertRaises(KeyError):
            self.network.roads("Z")

    def test_contains(self):
        self.assertIn("E", self.network)
        self.assertNotIn("Z", self.network)

    def test_length_must_be_positive(self):
        with self.assertRaises(ValueError):
            self.network.connect("A", "B", 0)

    def test_total_length(self):
        self.assertAlmostEqual(self.network.total_length(), 20.4)


class CostsTest(unittest.TestCase):
    def setUp(self):
        self.road = town().roads("A")[-1]

    def test_distance(self):
        self.assertEqual(costs.distance(self.road), 12)

    def test_avoiding(self):
        self.assertEqual(costs.avoiding(["D"], costs.distance)(self.road), 1012)

    def test_avoiding_others(self):
        self.assertEqual(costs.avoiding(["B"], costs.distance)(self.road), 12)


if __name__ == "__main__":
    unittest.main()
