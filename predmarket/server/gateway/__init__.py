"""The gateway: everything between a client's bytes and the core."""
