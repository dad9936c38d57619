"""Apply each deliberate mistake to a copy of the code and see whether its test catches it.

    python -m tools.sabotage            all of them, one line each
    python -m tools.sabotage collar     those whose name or file holds the word

The exit code is 1 when a mistake survives, and when a row does not fit the code any more: its text
must be found exactly once, its test must pass on the code as it is and fail on the sabotaged one.
"""

import compileall
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from py_compile import PycInvalidationMode

from tests.engine.sabotages import SABOTAGES as OF_ENGINE
from tests.server.sabotages import SABOTAGES as OF_SERVER
from tests.support.forked import Forked, enter
from tests.support.postgres import PostgresServer
from tests.support.sabotage import Sabotage

ROOT = Path(__file__).resolve().parent.parent
DATABASE = "PREDMARKET_TEST_DATABASE_URL"
AT_ONCE = os.cpu_count() or 1

OURS = ("predmarket", "tests", "tools", "benchmarks")

PASSED, FAILED = 0, 1
_RAN = 100
"""Added to pytest's exit code, which a process that could not even begin would share."""


@dataclass(frozen=True)
class Part:
    """A part of the code that can be tested by itself.

    ``copied`` are the files and folders that its tests need, ``options`` what pytest is given. A
    mistake may make a loop endless; after ``limit_s`` that counts as caught too.
    """

    copied: tuple[str, ...]
    options: tuple[str, ...]
    limit_s: int


# Native: pytest's own way to show where a test failed looks at the source of every module.
_QUIET = ("-x", "-q", "--tb=native", "-p", "no:cacheprovider")
ENGINE = Part(
    (
        "predmarket/__init__.py", "predmarket/enums.py", "predmarket/units.py",
        "predmarket/engine", "tests/__init__.py", "tests/engine", "tests/reference",
        "tests/support/__init__.py", "tests/support/sabotage.py", "tests/test_units.py",
    ),
    # Neither settings nor plug-ins of the project: faster, and nothing but the copy is tested.
    (*_QUIET, "--noconftest", "-c", os.devnull),
    50,
)  # fmt: skip
SERVER = Part(
    ("predmarket", "tests", "tools", "pyproject.toml", "docs"),
    # What a test leaves open that was caught amid its work is no error of the run.
    (*_QUIET, "-p", "pytest_asyncio.plugin", "-p", "pytest_timeout", "-p", "xdist.plugin",
     "-p", "no:unraisableexception"),
    120,
)  # fmt: skip


@contextmanager
def copy_of(part: Part) -> Iterator[Path]:
    """Yield a folder with a copy of a part and of its tests."""
    with tempfile.TemporaryDirectory(prefix="sabotage-") as folder:
        copy = Path(folder)
        for name in part.copied:
            source, target = ROOT / name, copy / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)
        # By the hash of its source: a mistake of the same second and length is compiled anew.
        mode = PycInvalidationMode.CHECKED_HASH
        compileall.compile_dir(copy, quiet=2, invalidation_mode=mode)
        yield copy


def sabotaged(sabotage: Sabotage, text: str) -> str:
    """Return a file's text with the mistake in it. Raises ValueError unless it fits once."""
    found = text.count(sabotage.old)
    if found != 1:
        raise ValueError(f"{sabotage.name}: its text is {found} times in {sabotage.file}")
    return text.replace(sabotage.old, sabotage.new)


def run_tests(part: Part, copy: Path, tests: Collection[str]) -> int:
    """Run tests against the copy and return pytest's exit code.

    Raises RuntimeError when they could not be run, which proves nothing either way.
    """
    options = [*part.options, f"--rootdir={copy}", *sorted(set(tests))]
    log = copy / "log"
    log.unlink(missing_ok=True)
    process = Forked(_test, copy, options, log)
    try:
        code = process.wait(part.limit_s * len(tests)) - _RAN
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return FAILED
    if code not in (PASSED, FAILED):
        raise RuntimeError(f"the tests did not run:\n{log.read_text(errors='replace')}")
    return code


def _test(copy: Path, options: list[str], log: Path) -> None:
    """Be pytest in a copy, with nothing of ours loaded from anywhere else."""
    import pytest  # noqa: PLC0415 -- here it is loaded already

    enter(copy, log)
    for name in [*sys.modules]:
        if name.partition(".")[0] in OURS:
            del sys.modules[name]
    sys.path[:] = [str(copy), *(path for path in sys.path if Path(path) != ROOT)]
    for name in [name for name in os.environ if name.startswith("PYTEST_")]:
        del os.environ[name]
    os.environ |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(copy)}
    sys.dont_write_bytecode = True
    sys.exit(_RAN + pytest.main(options))


def is_caught(part: Part, sabotage: Sabotage, copy: Path) -> bool:
    """Tell whether the named test fails on the sabotaged copy, which is then as it was."""
    path = copy / sabotage.file
    text = path.read_text(encoding="utf-8")
    path.write_text(sabotaged(sabotage, text), encoding="utf-8")
    try:
        return run_tests(part, copy, [sabotage.test]) == FAILED
    finally:
        path.write_text(text, encoding="utf-8")


def unchanged_passes(part: Part, sabotages: Iterable[Sabotage]) -> bool:
    """Tell whether the named tests pass on the code as it is; if not, say what they said."""
    with copy_of(part) as copy:
        passed = run_tests(part, copy, [sabotage.test for sabotage in sabotages]) == PASSED
        if not passed:
            print((copy / "log").read_text(errors="replace")[-4_000:])
    return passed


def survivors(part: Part, sabotages: list[Sabotage]) -> int:
    """Make each mistake, some at once, say what came of it, and count those that survive."""
    if not unchanged_passes(part, sabotages):
        print("the named tests fail on the code as it is")
        return len(sabotages)
    survived = 0
    with ExitStack() as stack, ThreadPoolExecutor(AT_ONCE) as pool:
        free = [stack.enter_context(copy_of(part)) for _ in range(AT_ONCE)]

        def judge(sabotage: Sabotage) -> bool:
            copy = free.pop()
            try:
                return is_caught(part, sabotage, copy)
            finally:
                free.append(copy)

        for sabotage, caught in zip(sabotages, pool.map(judge, sabotages), strict=True):
            survived += not caught
            print(
                f"{'CAUGHT  ' if caught else 'SURVIVED'}  {sabotage.name}  ({sabotage.test})",
                flush=True,
            )
    return survived


@contextmanager
def database() -> Iterator[None]:
    """Have the tests find a PostgreSQL, so that not each of them starts one."""
    if DATABASE in os.environ:
        yield
        return
    with PostgresServer() as server:
        os.environ[DATABASE] = server.url()
        try:
            yield
        finally:
            del os.environ[DATABASE]


def main(arguments: list[str]) -> int:
    """Report each mistake; the exit code says whether any survived."""
    word = " ".join(arguments)
    of_engine, of_server = (
        [sabotage for sabotage in table if word in sabotage.name or word in sabotage.file]
        for table in (OF_ENGINE, OF_SERVER)
    )
    count = len(of_engine) + len(of_server)
    if not count:
        print(f"no sabotage is named like {word!r}", file=sys.stderr)
        return 2
    survived = survivors(ENGINE, of_engine) if of_engine else 0
    if of_server:
        with database():
            survived += survivors(SERVER, of_server)
    print(f"{count - survived} of {count} caught")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
