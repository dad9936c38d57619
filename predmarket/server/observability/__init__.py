"""Observability for operators: logs, metrics, the access log."""
