"""Attacks on a running exchange, each beside a client that only trades."""
