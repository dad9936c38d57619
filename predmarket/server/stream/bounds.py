"""What the bus keeps in Redis at the most."""

MAX_BATCHES = 1_000
"""Committed batches and announcements that are kept; whoever is further behind reads the outbox."""

MAX_COMMANDS = 10_000
"""Entries of the command stream from which on gateways take no more."""

MAX_REPLIES = 10_000
"""Entries that a gateway's stream of replies keeps: more than it can be waiting for."""

REPLIES_KEPT_MS = 60_000
"""How long the replies to a gateway that is gone are kept."""

PARCEL = 100
"""Commands that one entry of the command stream holds at the most."""
