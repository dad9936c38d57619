"""`python -m predmarket.cli` is the `predmarket` command."""

from predmarket.cli import main

main()
