"""The Kalshi-shaped API: a translation of Kalshi's trade API at the gateway (docs/kalshi.md).

No rule of the market lives here. It reads by the queries of the read model, and submits the same
commands in the same way as /v1. ``facade.py`` is the way in; without the setting KALSHI nothing of
this package is imported.
"""
