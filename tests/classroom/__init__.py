"""docs/class.md walked as written: one organiser and many terminals behind one address."""
