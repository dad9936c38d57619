"""What HTTP routes and sockets share: errors, headers, CORS, methods, queries."""
