"""Apply each deliberate mistake to a copy of the engine and see whether its test catches it.

    python -m tools.sabotage            all of them, one line each
    python -m tools.sabotage collar     those whose name holds the word

The exit code is 1 when a mistake survives, and when a row does not fit the code any more: its text
must be found exactly once, its test must pass on the engine as it is and fail on the sabotaged one.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.engine.sabotages import SABOTAGES, Sabotage

ROOT = Path(__file__).resolve().parent.parent
COPIED = (
    "predmarket/__init__.py",
    "predmarket/terms.py",
    "predmarket/units.py",
    "tests/__init__.py",
)
COPIED_FOLDERS = ("predmarket/engine", "tests/engine", "tests/reference")
COPIED_TESTS = ("tests/test_units.py",)
TIMEOUT_SECONDS = 50
"""A mistake may make a loop endless; that counts as caught too."""

PASSED, FAILED = 0, 1


@contextmanager
def engine_copy() -> Iterator[Path]:
    """Yield a folder with a copy of the engine and of its tests."""
    with tempfile.TemporaryDirectory(prefix="sabotage-") as folder:
        copy = Path(folder)
        for name in COPIED_FOLDERS:
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, copy / name, ignore=ignored)
        for name in (*COPIED, *COPIED_TESTS):
            shutil.copy(ROOT / name, copy / name)
        yield copy


def apply(sabotage: Sabotage, copy: Path) -> None:
    """Change the copy. Raises ValueError unless the old text is there exactly once."""
    path = copy / sabotage.file
    text = path.read_text(encoding="utf-8")
    found = text.count(sabotage.old)
    if found != 1:
        raise ValueError(f"{sabotage.name}: its text is {found} times in {sabotage.file}")
    path.write_text(text.replace(sabotage.old, sabotage.new), encoding="utf-8")


def run_tests(copy: Path, tests: Iterable[str]) -> int:
    """Run tests against the copy and return pytest's exit code.

    Raises RuntimeError when they could not be run, which proves nothing either way.
    """
    # Neither settings nor plug-ins of the project: faster, and nothing but the copy is tested.
    options = ["-x", "-q", "-p", "no:cacheprovider", "--noconftest", "-c", os.devnull]
    command = [sys.executable, "-m", "pytest", *options, f"--rootdir={copy}", *sorted(set(tests))]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(copy),
    }
    try:
        run = subprocess.run(
            command,
            cwd=copy,
            env=environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return FAILED
    if run.returncode not in (PASSED, FAILED):
        raise RuntimeError(f"the tests did not run:\n{run.stdout}{run.stderr}")
    return run.returncode


def is_caught(sabotage: Sabotage) -> bool:
    """Tell whether the named test fails on the sabotaged engine."""
    with engine_copy() as copy:
        apply(sabotage, copy)
        return run_tests(copy, [sabotage.test]) == FAILED


def unchanged_passes(sabotages: Iterable[Sabotage]) -> bool:
    """Tell whether the named tests pass on the engine as it is."""
    with engine_copy() as copy:
        return run_tests(copy, [sabotage.test for sabotage in sabotages]) == PASSED


def main(arguments: list[str]) -> int:
    """Report each mistake; the exit code says whether any survived."""
    word = " ".join(arguments)
    chosen = [sabotage for sabotage in SABOTAGES if word in sabotage.name]
    if not chosen:
        print(f"no sabotage is named like {word!r}", file=sys.stderr)
        return 2
    if not unchanged_passes(chosen):
        print("the named tests fail on the engine as it is: run them first")
        return 1
    survivors = 0
    for sabotage in chosen:
        caught = is_caught(sabotage)
        survivors += not caught
        print(f"{'CAUGHT  ' if caught else 'SURVIVED'}  {sabotage.name}  ({sabotage.test})")
    print(f"{len(chosen) - survivors} of {len(chosen)} caught")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
