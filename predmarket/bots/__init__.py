"""House bots: a market maker with a bounded loss, noise traders, trend traders.

They stand on the client library alone, as anybody's bot would. What they decide is kept apart from
what they send: quoting.py and strategies.py do no I/O and are the same for the same seed.
"""
