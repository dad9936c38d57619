"""The fast engine against its rules, and against the reference exchange."""
