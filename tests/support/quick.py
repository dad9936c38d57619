"""The program with quick password hashes, for tests that are not about passwords."""

from predmarket.cli import main
from predmarket.server.gateway.auth import passwords

if __name__ == "__main__":
    passwords.ROUNDS = 4
    main()
