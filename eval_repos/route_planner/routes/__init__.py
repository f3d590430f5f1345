"""Shortest routes over a road network."""

from .network import Network, Road
from .search import NoRoute, Route, shortest

__all__ = ["Network", "NoRoute", "Road", "Route", "shortest"]
