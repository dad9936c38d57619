"""The demo: markets with a past and accounts for house bots, so that a newcomer finds activity."""

from predmarket.server.process.demo.clock import DemoClock
from predmarket.server.process.demo.prepare import House, Prepared, prepare

__all__ = ["DemoClock", "House", "Prepared", "prepare"]
