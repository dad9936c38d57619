"""`python -m benchmarks [ROW…]`: measure the rows named, or all, and print the table."""

import argparse
import importlib
import sys

from benchmarks.rows import ROWS
from benchmarks.table import Line, print_table


def main() -> int:
    """Measure and print; a row that fails ends the run with its traceback."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("row", nargs="*", help=f"of {', '.join(ROWS)}; all when none is given")
    names = parser.parse_args().row or list(ROWS)
    if unknown := [name for name in names if name not in ROWS]:
        parser.error(f"no such row: {', '.join(unknown)}; there are {', '.join(ROWS)}")
    lines: list[Line] = []
    for name in names:
        print(f"measuring {name}: {ROWS[name]}", file=sys.stderr)
        # a row's own imports (a server, a database) are paid only by those who ask for it
        lines += importlib.import_module(f"benchmarks.rows.{name}").measure()
    print_table(lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
