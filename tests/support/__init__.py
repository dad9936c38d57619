"""Helpers of several parts of the tests: real servers, exchanges, clients, and their fixtures.

A conftest.py imports the fixtures for the tests of its folder.
"""
