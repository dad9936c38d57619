"""Plays recorded orders (docs/recorded-orders.md) into an exchange, among everyone else's."""

from predmarket.replay.player import Played, Player

__all__ = ["Played", "Player"]
