"""The program with quick password hashes, for a daemon of which something else is tested."""

from predmarket.cli import main
from predmarket.server.gateway.auth import passwords

if __name__ == "__main__":
    passwords.ROUNDS = 4
    main()
