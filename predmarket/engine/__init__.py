"""The rules of the exchange, pure: commands in, replies and events out. Begin at exchange.py."""

from predmarket.engine.exchange import Exchange
from predmarket.engine.ledger import InvariantError

__all__ = ["Exchange", "InvariantError"]
