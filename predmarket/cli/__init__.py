"""The `predmarket` command. This module imports next to nothing, so that starting is cheap."""

import sys


def main() -> None:
    """Run the command line of this process and exit with its code."""
    try:
        if sys.argv[1:] == ["--version"]:
            from predmarket.cli.output import print_version

            code = print_version()
        else:
            from predmarket.cli.app import run

            code = run(sys.argv[1:])
    except KeyboardInterrupt:  # while still importing; later ones are met in run()
        code = 130
    sys.exit(code)
