"""predmarket.testing: an exchange inside a test, and the clock that a test moves."""
