"""The program as ``quick``, on a machine whose clock is ten minutes fast."""

import time

AHEAD_S = 600

if __name__ == "__main__":
    seconds, nanoseconds = time.time, time.time_ns
    time.time = lambda: seconds() + AHEAD_S
    time.time_ns = lambda: nanoseconds() + AHEAD_S * 1_000_000_000

    from tests.support.program import run

    run()
