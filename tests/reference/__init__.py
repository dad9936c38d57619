"""A naive exchange written from MARKET_RULES alone, which the real engine is checked against.

Nothing here imports predmarket: a mistake shared by both sides would be invisible.
"""
