"""Bounds of the bus's streams in Redis."""

MAX_BATCHES = 1_000
"""Committed batches and announcements kept; a gateway further behind reads the outbox."""

MAX_COMMANDS = 10_000
"""Entries of the command stream; when it is full, gateways take no more commands."""

MAX_REPLIES = 10_000
"""Entries kept in a gateway's stream of replies: at least as many as the gateway can wait for."""

REPLIES_KEPT_MS = 60_000
"""The replies to a gateway that is gone are kept for this time."""

PARCEL = 100
"""The most commands in one entry of the command stream."""
