"""The exchange itself, pure: commands in, replies and events out. Start reading at exchange.py."""

from predmarket.engine.exchange import Exchange
from predmarket.engine.ledger import InvariantError

__all__ = ["Exchange", "InvariantError"]
