"""The modules that an import loads in a fresh interpreter, which lint contracts cannot prove."""

import importlib.util
import subprocess
import sys

import pytest

from tests.support.imports import loaded_by

SERVER_SIDE = {"predmarket.server", "predmarket.tui", "predmarket.bots", "sqlalchemy", "litestar"}
PURE = {"msgspec", "typing_extensions"}
"""Third parties that the engine may use (the second is the first's own): no clock, no I/O."""


_FIRST_WITHOUT_KALSHI = """
import sys
from predmarket.server.gateway import app
for on in (False, True):
    app.litestar(kalshi=on, faults=False)
    print(*sys.modules)
"""


@pytest.mark.parametrize("name", ["predmarket.cli", "predmarket.client"])
def test_the_client_side_starts_without_the_server(name: str) -> None:
    """The client loads no server, screen, bots, SQLAlchemy or Litestar."""
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not there yet")
    assert loaded_by(name) & SERVER_SIDE == set()


@pytest.mark.parametrize(
    ("use", "not_loaded"),
    [
        ("", {"httpx", "websockets", "msgspec", "asyncio", "rich"}),
        # the HTTP library's own command line loads rich
        ("Client", {"websockets", "msgspec", "asyncio"}),
        ("AsyncClient", {"websockets", "msgspec"}),
        ("Feed", {"httpx", "rich"}),
        ("LocalBook", {"httpx", "websockets", "msgspec", "asyncio", "rich"}),
    ],
)
def test_a_name_of_the_client_loads_what_it_needs(use: str, not_loaded: set[str]) -> None:
    """Every name of the client loads without the server and the screen."""
    script = f"import sys, predmarket.client; predmarket.client.{use or '__name__'}"
    run = subprocess.run(
        [sys.executable, "-c", f"{script}; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(run.stdout.split()) & (not_loaded | SERVER_SIDE | {"textual"}) == set()


def test_an_embedded_exchange_starts_without_the_driver_of_postgresql() -> None:
    """SQLite needs no PostgreSQL driver, which takes a tenth of a start."""
    assert loaded_by("predmarket.server.process.start") & {"psycopg", "psycopg_binary"} == set()


def test_the_kalshi_shaped_api_is_not_loaded_where_it_is_off() -> None:
    """When off, neither the API's signature check nor faults on demand are loaded."""
    run = subprocess.run(
        [sys.executable, "-c", _FIRST_WITHOUT_KALSHI],
        capture_output=True,
        text=True,
        check=True,
    )
    for on, said in zip((False, True), run.stdout.splitlines(), strict=True):
        names = said.split()
        assert "predmarket.server.gateway.faults" not in names
        loaded = {name for name in names if "kalshi" in name or "signatures" in name}
        own = {name for name in loaded if name.startswith("predmarket.server.gateway")}
        assert bool(own - {"predmarket.server.gateway.routes.order_signatures"}) is on, own


def test_what_tends_a_database_starts_without_what_serves() -> None:
    """`predmarket audit`, `db` and `config` load no HTTP, Redis or demo."""
    assert (
        loaded_by("predmarket.server.process.maintenance") & {"litestar", "uvicorn", "redis"}
        == set()
    )


def test_every_run_of_pytest_loads_the_plugin_without_the_exchange() -> None:
    """The plugin, which every run of pytest loads, does not load the exchange."""
    assert (
        loaded_by("predmarket.testing.pytest_plugin") & (SERVER_SIDE | {"httpx", "uvloop"}) == set()
    )


def test_the_engine_pulls_in_nothing_but_units_and_terms() -> None:
    """The engine loads only units and terms, the standard library and pure libraries."""
    loaded = loaded_by("predmarket.engine", deep=True)
    ours = {name for name in loaded if name.split(".")[0] == "predmarket"}
    engine = {name for name in ours if name.split(".")[:2] == ["predmarket", "engine"]}
    others = {name.split(".")[0] for name in loaded - ours} - set(sys.stdlib_module_names)
    assert ours - engine <= {"predmarket", "predmarket.units", "predmarket.enums"}
    assert {name for name in others if not name.startswith("_")} <= PURE


def test_the_desk_needs_no_terminal() -> None:
    """The desk loads neither Textual nor Rich."""
    assert loaded_by("predmarket.tui.state", deep=True) & {"textual", "rich"} == set()
