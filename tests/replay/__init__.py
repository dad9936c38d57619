"""The player of recorded orders, and the accounts as which it plays.

Modules that no test imports, and the tests that cover them:
- every other module: ../testing/test_replay.py
"""
