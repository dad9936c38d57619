"""The REST API: a route decodes, asks the core or the database, and shows what came back."""
