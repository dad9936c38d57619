"""The command that exports a journal, on a real database."""

import json
from pathlib import Path

from predmarket.client import NewOrder
from predmarket.testing import Exchange
from tests.support.command_line import Run


def test_a_journal_is_exported(run: Run, exchange: Exchange, tmp_path: Path) -> None:
    """The journal goes to a file, with a report on stdout, or to stdout itself."""
    exchange.market("rain")
    exchange.deposit("ann", 100)
    ann = exchange.client("ann")
    ann.place_order(NewOrder(market="rain", side="BUY", qty=1, price="0.25"))
    exchange.clock.advance("1h")
    ann.cancel_all()
    path, database = tmp_path / "day.csv", ("--database-url", exchange.database_url)
    ran = run("journal", "export", str(path), *database, "--json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out) == {"file": str(path), "rows": 2, "trades": 0}
    lines = path.read_text().splitlines()
    assert [line.split(",")[2] for line in lines] == ["action", "PLACE", "CANCEL"]
    assert run("journal", "export", "-", *database).out == path.read_text()
    # spans count backwards from the exchange's last command
    late = run("journal", "export", "-", "--from", "30m", "--market", "rain", *database)
    assert [line.split(",")[2] for line in late.out.splitlines()[1:]] == ["RESTING", "CANCEL"]
    for code, says, words in (
        (2, "exists already", [str(path)]),
        (5, "no market nope", ["-", "--market", "nope"]),
        (2, "--to takes a time", ["-", "--to", "soon"]),
        (5, "there is no exchange", ["-", "--data-dir", str(tmp_path)]),
    ):
        failed = run("journal", "export", *words, *(() if "--data-dir" in words else database))
        assert (failed.code, failed.out) == (code, "")
        assert says in failed.err
