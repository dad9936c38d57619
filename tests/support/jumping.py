"""The program as ``quick``, on a machine whose clock jumps: SIGUSR1 reads by how many seconds from
the file ``clock`` in its folder."""

import signal
import time
from pathlib import Path

FILE = "clock"

if __name__ == "__main__":
    seconds, nanoseconds = time.time, time.time_ns
    ahead_s = 0.0

    def jump(_signal: int, _frame: object) -> None:
        """Jump to where the file says."""
        global ahead_s  # noqa: PLW0603 -- the clock of this process
        ahead_s = float(Path(FILE).read_text())

    signal.signal(signal.SIGUSR1, jump)
    time.time = lambda: seconds() + ahead_s
    time.time_ns = lambda: nanoseconds() + int(ahead_s * 1_000_000_000)

    from tests.support.program import run

    run()
