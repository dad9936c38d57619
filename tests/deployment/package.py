"""Wheel and sdist as their users get them: built, installed into an empty environment, run.

    python -m tests.deployment.package [FOLDER]

The exit code is 0 when both work, an index would take them, and no link of the description is dead.
FOLDER keeps the two files.
"""

import email
import re
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

from predmarket import __version__

ROOT = Path(__file__).resolve().parents[2]


def build(folder: Path) -> tuple[Path, Path]:
    """Build the sdist, and the wheel from it; return both, the wheel first."""
    command: list[str | Path] = [sys.executable, "-m", "build", "--outdir", folder, ROOT]
    subprocess.run(command, check=True)
    (wheel,) = folder.glob("*.whl")
    (sdist,) = folder.glob("*.tar.gz")
    return wheel, sdist


def description(wheel: Path) -> str:
    """Return a wheel's description, which a package index shows."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return str(email.message_from_bytes(archive.read(name)).get_payload())


def relative_links(text: str) -> list[str]:
    """Return the link and picture targets that work only inside the repository."""
    targets = re.findall(r"\]\(([^)\s]+)", text)
    return [each for each in targets if not each.startswith(("https://", "http://", "#"))]


def version_of(package: Path, folder: Path) -> str:
    """Install a package into a new environment; return the version that its program prints."""
    venv.create(folder, with_pip=True)
    constraints: list[str | Path] = ["-c", ROOT / "constraints.txt"]
    pip = folder / "bin" / "pip"
    subprocess.run([pip, "install", "--quiet", *constraints, package], check=True)
    command: list[str | Path] = [folder / "bin" / "predmarket", "--version"]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def missing(wheel: Path) -> list[str]:
    """Return the data files that users need and the wheel lacks."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    wanted = ("predmarket/py.typed", "licenses/LICENSE", "migrations/script.py.mako")
    return [file for file in wanted if not any(name.endswith(file) for name in names)]


def main() -> int:
    """Run every step in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="package-") as name:
        folder = Path(name)
        dist = Path(sys.argv[1]) if len(sys.argv) > 1 else folder / "dist"
        wheel, sdist = build(dist)
        twine: list[str | Path] = [sys.executable, "-m", "twine", "check", "--strict", wheel, sdist]
        if subprocess.run(twine, check=False).returncode:
            return 1
        if lacking := missing(wheel):
            print("the wheel lacks", *lacking, sep="\n  ")
            return 1
        if links := relative_links(description(wheel)):
            print("the description has links that lead nowhere:", *links, sep="\n  ")
            return 1
        for package in (wheel, sdist):
            said = version_of(package, folder / package.suffix)
            print(f"{package.name}: {said}")
            if __version__ not in said:
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
