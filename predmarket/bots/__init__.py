"""House bots: a market maker with a bounded loss, an arbitrageur, noise traders, trend traders.

They use only the client library, as any user's bot would. Decisions are separate from sending:
quoting.py, arbitrage.py and strategies.py do no I/O and give the same results for the same seed.
"""
