"""The protocol layer: connections, WebSockets, and the fast path of plain orders."""
