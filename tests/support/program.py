"""The program with quick password hashes, and with small steps if it is asked for them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from predmarket.engine import steps

STEP = 3
_VARIABLE = "STEP"


def run() -> None:
    """Run it, as its command line and its variables say."""
    from predmarket.cli import main
    from predmarket.server.gateway.auth import passwords

    passwords.ROUNDS = 4
    steps.STEP = int(os.environ.get(_VARIABLE, steps.STEP))
    main()


@contextmanager
def small_steps() -> Iterator[None]:
    """Let what few traders do take many steps: in programs that are made meanwhile, and here, where
    a replay has to take the steps that they took."""
    with patch.dict(os.environ, {_VARIABLE: str(STEP)}), patch.object(steps, "STEP", STEP):
        yield
