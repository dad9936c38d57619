"""A real `predmarket serve` in a process of its own: start, kill, stop, start again."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

from tests.support.forked import Forked, run_program

ROOT = Path(__file__).resolve().parents[2]
START_S = 120.0
ANSWER_S = 60.0
"""How long a client waits for an answer: on a busy machine a login takes seconds."""
QUICK = "tests.support.quick"
"""The program with quick password hashes and a start without imports."""
SKEWED = "tests.support.skewed"
"""The program as QUICK, on a machine whose clock is ten minutes fast."""
JUMPING = "tests.support.jumping"
"""The program as QUICK, on a machine whose clock jumps when it is told to."""
HASTY = "tests.abuse.hasty"
"""The program as an operator starts it, with its patience a twentieth, and without imports."""
SAMPLED = "tests.soak.sampled"
"""The program as QUICK, which tells how many tasks it has."""
FORKED = (QUICK, SKEWED, JUMPING, HASTY, SAMPLED)
SECRET = "a secret for tests, long enough by far"


def free_port() -> int:
    """Return a free port of loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class ExchangeProcess:
    """One daemon on one database; its log is ``folder/log``."""

    def __init__(
        self,
        folder: Path,
        database_url: str,
        *flags: str,
        settings: dict[str, str] | None = None,
        program: str = "predmarket.cli",
        start_s: float = START_S,
    ) -> None:
        """Prepare a daemon; ``settings`` are environment variables without their prefix.

        ``start_s`` is the time limit of a start, including the load of the state.
        """
        self.folder = folder
        self._start_s = start_s
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.database_url = database_url
        self._program = program
        self._words = [
            "serve", "--port", str(self.port), "--data-dir", str(folder),
            "--database-url", database_url, *flags,
        ]  # fmt: skip
        given = {"JWT_SECRET": SECRET, "ORDER_RATE_LIMIT": "off", "AUTH_RATE_LIMIT": "off"}
        given |= {"AUTH_WINDOW_LIMIT": "off", "READ_RATE_LIMIT": "off", **(settings or {})}
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("PREDMARKET_")}
        inherited["PYTHONPATH"] = str(ROOT)  # it runs in a folder of its own
        self._environment = inherited | {f"PREDMARKET_{k}": v for k, v in given.items()}
        self._process: subprocess.Popen[bytes] | Forked | None = None

    def start(self) -> None:
        """Start the daemon and return once /healthz answers 200.

        Raises RuntimeError with its log.
        """
        process = self.launch()
        deadline = time.monotonic() + self._start_s
        # no TLS: to load the certificates for it takes as long as much of the start
        with httpx.Client(base_url=self.url, timeout=2, verify=False) as client:
            while time.monotonic() < deadline and process.poll() is None:
                try:
                    if client.get("/healthz").status_code == 200:
                        return
                except httpx.TransportError:
                    time.sleep(0.02)
        self.kill()
        raise RuntimeError((self.folder / "log").read_text()[-4000:])

    def launch(self) -> "subprocess.Popen[bytes] | Forked":
        """Start the daemon without waiting."""
        log = self.folder / "log"
        if self._program in FORKED:
            self._process = Forked(
                run_program, self._program, self._words, self._environment, self.folder, log
            )
            return self._process
        command = [sys.executable, "-m", self._program, *self._words]
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command, env=self._environment, cwd=self.folder, stdout=output, stderr=output
            )
        return self._process

    @property
    def running(self) -> bool:
        """Tell whether the daemon runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Return the daemon's process id."""
        assert self._process is not None, "it is not running"
        return self._process.pid

    def kill(self) -> None:
        """Kill the daemon with SIGKILL: no handler runs, and nothing is flushed."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send the daemon a signal; return the exit code."""
        assert self._process is not None, "it is not running"
        self._process.send_signal(number)
        return self.ended()

    def ended(self) -> int:
        """Wait for the daemon's end; return the exit code."""
        assert self._process is not None, "it is not running"
        code = self._process.wait(30)
        self._process = None
        return code
