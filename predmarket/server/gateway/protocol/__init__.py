"""Bytes to requests: connections, WebSockets, and the fast path of plain orders."""
