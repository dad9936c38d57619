"""The trading screen: its state, lines, cells and clicks, alone and on an exchange.

Modules that no test imports, and the tests that cover them:
- every other module: test_screen.py, test_pictures.py, test_trading.py, test_admin.py
"""
