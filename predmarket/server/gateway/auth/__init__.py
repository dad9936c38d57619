"""Who is asking: passwords, tokens, sessions, and what a request may do with them."""
