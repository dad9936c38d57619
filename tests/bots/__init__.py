"""The house bots: their quotes and trades, alone and on an exchange.

Modules that no test imports, and the tests that cover them:
- connection, maker, trader: test_demo.py, test_example.py
"""
