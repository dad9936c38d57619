"""Committed changes on their way to subscribers: topics, messages, buffers."""
