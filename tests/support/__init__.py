"""Helpers that are not fixtures: real servers to test and to measure against."""
