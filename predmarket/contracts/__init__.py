"""The messages of the API, as msgspec Structs: requests, answers, errors, realtime messages.

The server, the client library and the command line share them. Amounts of a request are read as
units (amounts.py); amounts of an answer are decimal strings.
"""
