"""The modules that an import loads in a new interpreter."""

import subprocess
import sys

_LOADED = """
import importlib, pkgutil, sys
before = set(sys.modules)
module = importlib.import_module({name!r})
if {deep}:
    for info in pkgutil.walk_packages(module.__path__, {name!r} + "."):
        importlib.import_module(info.name)
print(*sorted(set(sys.modules) - before))
"""


def loaded_by(name: str, *, deep: bool = False) -> set[str]:
    """Return the modules that importing ``name`` (and, if deep, all below it) loads."""
    script = _LOADED.format(name=name, deep=deep)
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(run.stdout.split())
