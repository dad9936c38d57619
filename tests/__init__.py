"""The tests mirror the package; what several of them share is in conftest.py and support/."""
