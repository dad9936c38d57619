"""An export holds exact data of one moment: read with pandas, its sums equal the audit's."""

import hashlib
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from predmarket.client import NewOrder
from predmarket.engine.commands import (
    Command,
    ConfirmProposal,
    CreateEvent,
    CreateMarket,
    EventMarket,
    ProposeResolution,
    ResolveEvent,
    ResolveMarket,
    WithdrawProposal,
)
from predmarket.enums import EventOutcome, MarketStatus, Outcome
from predmarket.server.core import audit
from predmarket.server.core.stores.factory import open_snapshot
from predmarket.server.process import start
from predmarket.server.process.data_export.codebook import ALL_FILES
from predmarket.server.process.data_export.export import Options, export
from predmarket.server.process.operator_errors import OperateError
from predmarket.testing import Exchange
from tests.support.core_exchange import Exchange as CoreExchange
from tests.support.core_exchange import exchange

__all__ = ["exchange"]  # this import is a fixture

Traded = tuple[dict[str, str], dict[str, Decimal]]
"""The settings of an exchange, and its audit's sums."""
NAMES = [file.name for file in ALL_FILES]


def quiet(_what: str, _done: int, _of: int) -> None:
    """Show no progress."""


def read(folder: Path, name: str) -> pd.DataFrame:
    """Return a file as a data frame with exact amounts."""
    if (folder / f"{name}.parquet").exists():
        return pd.read_parquet(folder / f"{name}.parquet")
    return pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False)


def total(frame: pd.DataFrame, column: str) -> Decimal:
    """Return the exact sum of a column of amounts."""
    return sum((Decimal(value) for value in frame[column]), Decimal(0))


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traded]:
    """Return settings of an exchange with trades in a market and an event, and its audit's sums."""
    folder = tmp_path_factory.mktemp("exchange")
    with Exchange() as exchange:
        exchange.market("rain", question="=Will it rain?", taker_fee_rate="0.07")
        exchange.event("cup", ["france", "brazil"], exhaustive=True)
        for name in ("ann", "bob"):
            exchange.deposit(name, 100)
        for market in ("rain", "france", "brazil"):
            exchange.client("ann").place_order(
                NewOrder(
                    market=market, side="BUY", qty="3", price="0.45", client_order_id=f"c-{market}"
                )
            )
            exchange.client("bob").place_order(
                NewOrder(market=market, side="SELL", qty="2", price="0.45")
            )
            exchange.clock.advance("90s")
        exchange.admin.resolve_event("cup", "france")
        settings = {"data_dir": str(folder), "database_url": exchange.database_url}
        with open_snapshot(exchange.database_url) as store:
            sums = {c.name: c.detail for c in audit.sums(store) if c.detail.isdecimal()}
        yield settings, {name: Decimal(value) / 10**6 for name, value in sums.items()}


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_it_adds_up(traded: Traded, tmp_path: Path, format: str) -> None:
    """The ledger by counterpart has the audit's sums; trades, candles and orders agree."""
    settings, sums = traded
    rows = export(settings, tmp_path / "out", Options(format), quiet)
    found = {name: read(tmp_path / "out", name) for name in NAMES}
    assert rows == {name: len(frame) for name, frame in found.items()}
    ledger = found["ledger"]
    outside = total(ledger[ledger.counterpart == "OUTSIDE"], "amount")
    fees = -total(ledger[ledger.counterpart == "FEES"], "amount")
    assert outside == sums["ledger: transfers add up to the net deposits"] == 200
    assert fees == sums["ledger: fees add up to the fees collected"] > 0
    assert total(found["trades"], "qty") == total(found["candles"], "volume") == 6
    assert total(found["orders"], "filled") == 2 * total(found["trades"], "qty")
    assert len(found["candles"]) == 3
    assert set(found["users"].email) >= {"ann@example.com", "bob@example.com"}
    book = pd.read_csv(tmp_path / "out" / "codebook.csv", dtype=str)
    assert [
        list(frame.columns) == list(book[book.file == name].column) for name, frame in found.items()
    ] == [True] * len(NAMES)
    assert not book.isna().any().any()


def test_checksums_and_facts_of_an_export(traded: Traded, tmp_path: Path) -> None:
    """Checksums are correct, the journal's hash is the database's, and no text is a formula."""
    settings, _ = traded
    rows = export(settings, tmp_path, Options(), quiet)
    for line in (tmp_path / "SHA256SUMS").read_text().splitlines():
        checksum, name = line.split("  ")
        assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == checksum
    facts = json.loads((tmp_path / "export.json").read_text())
    with open_snapshot(settings["database_url"]) as store:
        assert facts["journalHash"] == store.hash_at(facts["lastCommand"]).hex()
    assert facts["rows"] == rows
    assert "'=Will it rain?" in (tmp_path / "markets.csv").read_text()


def test_an_anonymised_export_names_nobody(traded: Traded, tmp_path: Path) -> None:
    """An anonymised export has no e-mails, names or client order ids.

    A user has the same number in all files.
    """
    settings, _ = traded
    export(settings, tmp_path / "open", Options(), quiet)
    export(settings, tmp_path / "closed", Options(anonymise=True), quiet)
    closed = {name: read(tmp_path / "closed", name) for name in NAMES}
    everything = "".join(path.read_text() for path in (tmp_path / "closed").iterdir())
    assert "example.com" not in everything
    assert "c-rain" not in everything
    assert list(closed["users"].columns) == ["id", "role", "disabled"]
    known = set(closed["users"].id)
    assert known == {str(n) for n in range(1, len(known) + 1)}
    assert set(closed["trades"].buyUserId) | set(closed["ledger"].userId) <= known
    opened = read(tmp_path / "open", "positions")
    shares = ["marketId", "yes", "no", "costYes", "costNo"]
    assert sorted(map(tuple, opened[shares].values)) == sorted(
        map(tuple, closed["positions"][shares].values)
    )


LATER = 2_000_000_000_000_000
OPEN = (False, 100, 0, 0, None, MarketStatus.OPEN, 1)
"""The remaining fields of an event or a market: tick, fees, no closing time, creator."""
STEPS: list[Command] = [
    CreateMarket("rain", "?", "", *OPEN[1:]),
    CreateEvent("race", "?", "", *OPEN, tuple(EventMarket(f"race-{a}", "?") for a in "abc")),
    ProposeResolution(ResolveMarket(1, Outcome.YES, actor_id=1, note="=Wet"), LATER),
    ProposeResolution(
        ResolveMarket(1, Outcome.SCALAR, 2_500, 2, "Half\nof it", "met.no"), None, by_two=True
    ),
    ProposeResolution(
        ResolveEvent(1, EventOutcome.WEIGHTS, None, ((2, 4_000), (0, 6_000)), 1), LATER
    ),
    WithdrawProposal(None, 1, 2),
    ProposeResolution(ResolveEvent(1, EventOutcome.WINNER, 3, (), 1), LATER),
    ConfirmProposal(None, 1, 2),
]
RESOLUTIONS = [
    "PROPOSE,false,1,,1,,YES,,,,'=Wet,,2033-05-18T03:33:20.000000Z",
    "PROPOSE,true,1,,2,,SCALAR,0.2500,,,Half\nof it,met.no,",
    'PROPOSE,false,,1,1,,WEIGHTS,,,{"market:2":"0.4000","NONE":"0.6000"},,,2033-05-18T03:33:20.000000Z',
    'WITHDRAW,false,,1,2,1,WEIGHTS,,,{"market:2":"0.4000","NONE":"0.6000"},,,',
    "PROPOSE,false,,1,1,,WINNER,,3,,,,2033-05-18T03:33:20.000000Z",
    "RESOLVE,false,,1,2,1,WINNER,,3,,,,",
]
"""The exported resolutions, without the steps' numbers and times."""


async def test_resolutions_are_exported(exchange: CoreExchange, tmp_path: Path) -> None:
    """The export holds each step of each resolution and the standing proposals.

    With ``since`` it holds the later steps.
    """
    async with exchange.running() as running:
        for step in STEPS:
            await running.do(step)
    settings = {"data_dir": str(tmp_path / "data"), "database_url": exchange.url}
    assert export(settings, tmp_path / "all", Options(), quiet)["resolutions"] == 6
    found = read(tmp_path / "all", "resolutions")
    assert [",".join(row[2:]) for row in found.values.tolist()] == RESOLUTIONS
    since = Options("parquet", since=found["at"][5])
    export(settings, tmp_path / "later", since, quiet)
    typed = read(tmp_path / "later", "resolutions")
    assert (typed.step[0], typed.winnerId[0], len(typed)) == ("RESOLVE", 3, 1)


def test_from_a_time_on(traded: Traded, tmp_path: Path) -> None:
    """An export from a time omits older rows, but holds all users, markets and positions."""
    settings, _ = traded
    whole = export(settings, tmp_path / "whole", Options(), quiet)
    at = read(tmp_path / "whole", "trades").createdAt.max()
    later = export(settings, tmp_path / "later", Options(since=at), quiet)
    assert (later["trades"], later["candles"]) == (1, 1)
    assert later["ledger"] < whole["ledger"]
    assert [later[name] for name in ("users", "markets", "positions")] == [
        whole[name] for name in ("users", "markets", "positions")
    ]


@pytest.mark.parametrize(
    ("folder", "options", "said"),
    [
        (".", Options(), "is not an empty folder"),
        ("new", Options(since="soon"), "--since soon: give a time"),
    ],
)
def test_what_is_refused(
    traded: Traded,
    tmp_path: Path,
    folder: str,
    options: Options,
    said: str,
) -> None:
    """A refused export has a clear message and leaves no file."""
    (tmp_path / "there").touch()
    with pytest.raises(OperateError, match=said):
        export(traded[0], tmp_path / folder, options, quiet)
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_on_postgresql(tmp_path: Path, migrated_postgres_url: str) -> None:
    """An export from PostgreSQL has the same files."""
    settings = {"data_dir": str(tmp_path / "data"), "database_url": migrated_postgres_url}
    start.seed(settings, force=False)
    rows = export(settings, tmp_path / "out", Options(), quiet)
    assert (rows["users"], rows["markets"], rows["ledger"]) == (2, 1, 2)
    assert total(read(tmp_path / "out", "ledger"), "amount") == 11_000
