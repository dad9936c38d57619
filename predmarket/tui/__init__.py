"""The trading screen.

`state` is the trader's state and needs no terminal. `widgets` draw it, line by line. `screens`
combine widgets. `actions` defines the call and the equivalent command of each action. `app`
combines them. Importing this package loads none of them.
"""
