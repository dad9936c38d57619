"""The wire: what a request may hold and what an answer looks like, as msgspec Structs.

Shared by everything that speaks the API. A request's amounts arrive as units (amounts.py), an
answer's leave as the decimal strings that people read. Source: API.md.
"""
