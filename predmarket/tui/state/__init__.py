"""The trader's state: what the exchange said, in the integers of units.py, ready to be drawn.

Nothing here knows of a terminal, a socket or a clock: messages and answers come in, and the time
comes in with them. So a script of messages is a whole test.
"""
