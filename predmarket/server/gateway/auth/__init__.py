"""Authentication: passwords, tokens, sessions, API keys, and their permissions."""
