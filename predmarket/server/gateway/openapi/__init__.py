"""The API's own document: OpenAPI 3.1, read off the routes and the contracts they are made of."""
