"""The core's stores: one settlement transaction on SQLite or PostgreSQL."""
