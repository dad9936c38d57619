"""The trader's state: the exchange's data in the integers of units.py, ready to draw.

Nothing here uses a terminal, a socket or a clock: messages and answers come in together with the
time. So a script of messages is a complete test.
"""
