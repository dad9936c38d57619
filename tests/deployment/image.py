"""The Dockerfile's steps, without Docker: build, install with constraints, serve, stop.

    python -m tests.deployment.image

Copies what .dockerignore lets through into an empty folder, installs it as the build stage does,
and runs the final stage's command and health check. The exit code is 0 when all of it works. Not
proved here: the base images, the user, the read-only file system.
"""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.support.exchange import SECRET, free_port

ROOT = Path(__file__).resolve().parents[2]
START_S = 30.0


def copy_context(target: Path) -> None:
    """Copy the files that the build receives."""
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if line.startswith("!"):
            source = ROOT / line[1:]
            if source.is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(source, target / source.name, ignore=ignored)
            else:
                shutil.copy(source, target)


def build_steps(environment: Path) -> list[str]:
    """Return the build stage's commands, with the environment's folder inserted."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    build = text.split("FROM ")[1]
    steps = re.findall(r"^RUN (.*)$", build, re.MULTILINE)
    return [step.replace("/opt/predmarket", shlex.quote(str(environment))) for step in steps]


def health_check() -> str:
    """Return the program of the health check."""
    found = re.search(r'"-c", "(.*)"\]', (ROOT / "Dockerfile").read_text())
    assert found is not None
    return found[1]


def serve(environment: Path, folder: Path) -> int:
    """Start the image's command, wait until it is healthy, stop it; return its exit code."""
    settings = {"HOST": "0.0.0.0", "PORT": str(free_port())}
    settings |= {"DATA_DIR": str(folder), "JWT_SECRET": SECRET}
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("PREDMARKET_")}
    variables = inherited | {f"PREDMARKET_{name}": value for name, value in settings.items()}
    program = environment / "bin" / "predmarket"
    subprocess.run([program, "--version"], env=variables, cwd=folder, check=True)
    daemon = subprocess.Popen([program, "serve"], env=variables, cwd=folder)
    try:
        check: list[str | Path] = [environment / "bin" / "python", "-c", health_check()]
        deadline = time.monotonic() + START_S
        while subprocess.run(check, env=variables, capture_output=True, check=False).returncode:
            if time.monotonic() > deadline or daemon.poll() is not None:
                raise RuntimeError("it never became healthy")
            time.sleep(0.1)
        print("healthy")
        daemon.send_signal(signal.SIGTERM)
        return daemon.wait(10)
    finally:
        daemon.kill()
        daemon.wait()


def main() -> int:
    """Run every step in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="image-") as name:
        folder = Path(name)
        source, environment, data = folder / "src", folder / "env", folder / "data"
        source.mkdir()
        data.mkdir()
        copy_context(source)
        for step in build_steps(environment):
            print(f"$ {step}", flush=True)
            subprocess.run(["/bin/sh", "-euc", step], cwd=source, check=True)
        installer = environment / "bin" / "pip"
        assert not installer.exists(), "the installer is in the image"
        code = serve(environment, data)
        print(f"stopped with exit code {code}")
        return code


if __name__ == "__main__":
    sys.exit(main())
