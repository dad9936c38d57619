"""Helpers of several parts of the tests: real servers, exchanges, clients, and their fixtures.

A conftest.py hands the fixtures on to the tests of its folder.
"""
