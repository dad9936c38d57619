"""A server ends with the process that started it."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import psutil
import pytest

_OWNER = """
    import os, signal
    from tests.support.{module} import {name}
    server = {name}()
    server.start()
    print(server.pid, server.folder, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(
    ("module", "name"), [("postgres", "PostgresServer"), ("redis", "RedisServer")]
)
def test_a_killed_test_run_leaves_nothing_behind(module: str, name: str) -> None:
    """A killed test run leaves neither a process nor a folder behind."""
    script = textwrap.dedent(_OWNER.format(module=module, name=name))
    command = [sys.executable, "-c", script]
    owner = subprocess.run(command, check=False, capture_output=True, text=True)
    assert owner.returncode == -signal.SIGKILL
    pid, folder = owner.stdout.split()
    while os.path.exists(folder) or psutil.pid_exists(int(pid)):
        time.sleep(0.01)
