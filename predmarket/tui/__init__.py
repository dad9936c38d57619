"""The trading screen.

`desk` is the trader's state and needs no terminal; `widgets` draw it, line by line; `screens` put
widgets together; `actions` says what each action sends and which command does the same; `app` holds
the rest together. Importing this package loads none of them.
"""
