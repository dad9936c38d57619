"""Processes: starting, running, stopping and maintaining an exchange."""
