"""A naive exchange, written from docs/market_rules.md alone. Tests compare the engine with it.

Nothing here imports predmarket: a mistake shared by both sides would be invisible.
"""
