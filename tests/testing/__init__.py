"""predmarket.testing: an exchange inside a test, and the clock that a test moves.

Modules that no test imports, and the tests that cover them:
- every other module: test_exchange.py
"""
