"""The program as ``quick``, whose steps are small: what few traders do takes many of them."""

from predmarket.cli import main
from predmarket.engine import steps
from predmarket.server.gateway.auth import passwords

STEP = 3

if __name__ == "__main__":
    steps.STEP = STEP
    passwords.ROUNDS = 4
    main()
