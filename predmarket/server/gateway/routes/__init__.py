"""The REST API: a route decodes a request, asks the core or the database, and answers."""
