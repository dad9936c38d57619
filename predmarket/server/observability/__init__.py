"""What the exchange tells those who run it: logs, metrics, health."""
