"""The core's stores: one transaction a batch, on SQLite or PostgreSQL."""
