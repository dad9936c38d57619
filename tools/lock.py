"""Write constraints.txt: resolve the ranges of pyproject.toml in a fresh environment, freeze it.

Names and versions only. An address there would tie every install to one machine's mirror, so a
line that holds one stops the script and the file stays as it was.
"""

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADER = "# Written by `make lock`: the exact versions that the tests ran with.\n"


def freeze() -> str:
    """Return `pip freeze` of a fresh environment that holds every extra."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        pip = Path(folder) / "bin" / "pip"
        subprocess.run([pip, "install", "--quiet", f"{ROOT}[dev,keyring]"], check=True)
        # setuptools comes with the environment itself on Python 3.11; nothing of ours asks for it.
        command: list[str | Path] = [
            pip,
            "freeze",
            "--exclude",
            "predmarket-exchange",
            "--exclude",
            "setuptools",
        ]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def main() -> int:
    """Write the file, or say why not."""
    text = freeze()
    addressed = [line for line in text.splitlines() if "://" in line or " @ " in line]
    if addressed:
        print("not written, these are no plain versions:", *addressed, sep="\n  ", file=sys.stderr)
        return 1
    (ROOT / "constraints.txt").write_text(HEADER + text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
