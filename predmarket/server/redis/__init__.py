"""Redis: its client, the names of keys, and authenticated messages."""
