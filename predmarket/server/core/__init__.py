"""The core, the one writer: numbers, decides and commits commands, and only then answers them."""
