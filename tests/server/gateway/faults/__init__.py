"""Faults on demand.

Modules that no test imports, and the tests that cover them:
- every other module: test_faults.py
"""
