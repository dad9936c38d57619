"""Attacks on a running exchange, each beside a client that wants nothing but to trade."""
