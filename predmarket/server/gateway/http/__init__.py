"""HTTP parts that routes and sockets share: errors, headers, CORS, methods, queries."""
