"""What readers see: records, committed changes, the market view, and queries."""
