"""The tests mirror the package. Fixtures are in conftest.py, shared helpers in support/."""
