"""The read model: records, committed changes, the market view, and queries."""
