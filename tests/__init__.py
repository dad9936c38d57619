"""The tests mirror the package. Fixtures are in conftest.py, shared helpers in support/.

Modules that no test imports, and the tests that cover them:
- spans: cli/test_timestamps.py
"""
