"""The program as ``quick``, on a machine whose clock is ten minutes fast."""

import time

AHEAD_S = 600

if __name__ == "__main__":
    seconds, nanoseconds = time.time, time.time_ns
    time.time = lambda: seconds() + AHEAD_S
    time.time_ns = lambda: nanoseconds() + AHEAD_S * 1_000_000_000

    from predmarket.cli import main
    from predmarket.server.gateway.auth import passwords

    passwords.ROUNDS = 4
    main()
