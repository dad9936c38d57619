"""A whole exchange in this process: embedded database, core, HTTP and sockets on a free port."""

import shutil
import tempfile
import threading
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Self

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from predmarket.client import AsyncClient, Client, Feed, NewMarket
from predmarket.client.calls import Number
from predmarket.client.response_types import Book, Event, Market, Transfer
from predmarket.contracts.faults import NONE, FaultSpec
from predmarket.enums import Role, Scope
from predmarket.recorded_orders import Row, read_rows
from predmarket.replay.client_pool import ClientPool
from predmarket.server.core import audit
from predmarket.server.core.stores.factory import open_snapshot
from predmarket.server.process.accounts import find_or_add_account, replace_key
from predmarket.server.process.runtime import Node
from predmarket.server.settings import Settings
from predmarket.server.storage import migrations
from predmarket.testing.clock import ExchangeClock, micros
from predmarket.testing.replay import Replay
from predmarket.testing.server_thread import ServerThread

_ADMIN = "admin"
_LIMITS = ("auth_rate_limit", "auth_window_limit", "order_rate_limit", "read_rate_limit")


class AuditFailed(AssertionError):
    """Money or shares were not conserved, or a replay gave another state: a defect."""


class Exchange:
    """An exchange until ``close``; also a context manager, which audits at its end.

    Accounts exist from when they are first named: "ann" is ann@example.com, with an API key and
    without money. No limit counts requests. ``settings`` are those of the server by their names in
    lower case; the environment and .env do not matter. ``clock`` is stepped, scaled=60 or wall;
    with stepped,tokens sessions and access tokens end by it, too.
    """

    def __init__(
        self,
        *,
        clock: str = "stepped",
        settings: Mapping[str, object] | None = None,
        folder: Path | None = None,
    ) -> None:
        """Start; ``folder`` holds an exchange, such as a fork, which is kept.

        Raises ValidationError for settings that cannot be used.
        """
        self._kept = folder is not None
        self._folder = folder or Path(tempfile.mkdtemp(prefix="predmarket-"))
        given = {"port": 0, "data_dir": self._folder, "clock": clock, "signup_credit": "0"}
        given["fault"] = NONE
        given |= dict.fromkeys(_LIMITS, "off")
        try:
            self._settings = _Given.model_validate({**given, **(settings or {})})
            if self._settings.embedded is not None and not self._kept:
                shutil.copyfile(_empty_database(), self._settings.embedded)
            self._server = ServerThread(self._settings)
            self._server.start()
        except BaseException:
            self._remove()
            raise
        self._keys: dict[str, str] = {}
        self._naming = threading.Lock()
        self._clients: dict[str, Client] = {}
        self._pools: list[ClientPool] = []
        self.url = self._server.url
        self.database_url = self._settings.database
        self.clock = ExchangeClock(self._server)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *exc: object) -> None:
        try:
            if kind is None:
                self.audit()
        finally:
            self.close()

    def close(self) -> None:
        """Stop, and remove the database unless its folder was given."""
        for client in self._clients.values():
            client.close()
        for pool in self._pools:
            pool.close()
        self._server.stop()
        self._remove()

    def _remove(self) -> None:
        if not self._kept:
            shutil.rmtree(self._folder, ignore_errors=True)

    # accounts

    @property
    def admin(self) -> Client:
        """Return the client of the exchange's admin."""
        return self.client(_ADMIN)

    def client(self, name: str) -> Client:
        """Return the client of an account; the exchange closes it."""
        key = self.api_key(name)
        if name not in self._clients:
            self._clients[name] = Client(self.url, api_key=key)
        return self._clients[name]

    def async_client(self, name: str) -> AsyncClient:
        """Return a new AsyncClient of an account, to be closed in its event loop."""
        return AsyncClient(self.url, api_key=self.api_key(name))

    def feed(self, name: str, *topics: str) -> Feed:
        """Return a new Feed of an account, to be closed in its event loop."""
        return Feed(self.url, api_key=self.api_key(name), topics=topics)

    def api_key(self, name: str) -> str:
        """Return an account's API key, for clients in other processes."""
        with self._naming:
            if name not in self._keys:
                opening = _open_account(
                    self._server.node, self.email(name), is_admin=name == _ADMIN
                )
                self._keys[name] = self._server.do(opening)
            return self._keys[name]

    @staticmethod
    def email(name: str) -> str:
        """Return the e-mail of an account."""
        return name if "@" in name else f"{name}@example.com"

    def deposit(self, name: str, amount: Number) -> Transfer:
        """Give an account money."""
        self.api_key(name)
        return self.admin.transfer(self.email(name), amount, "deposit")

    # markets

    def market(
        self,
        slug: str,
        question: str | None = None,
        *,
        closes_at: str | timedelta | datetime | None = None,
        description: str | None = None,
        tick_size: Number | None = None,
        maker_fee_rate: Number | None = None,
        taker_fee_rate: Number | None = None,
        status: str | None = None,
        group: str | None = None,
    ) -> Market:
        """Make a market; ``closes_at`` is a time, or a span from the exchange's time on ("2h")."""
        return self.admin.create_market(
            slug,
            question or f"{slug}?",
            closes_at=self._moment(closes_at),
            description=description,
            tick_size=tick_size,
            maker_fee_rate=maker_fee_rate,
            taker_fee_rate=taker_fee_rate,
            status=status,
            group=group,
        )

    def event(
        self,
        slug: str,
        outcomes: Sequence[str | NewMarket],
        title: str | None = None,
        *,
        exhaustive: bool = False,
        closes_at: str | timedelta | datetime | None = None,
        tick_size: Number | None = None,
        maker_fee_rate: Number | None = None,
        taker_fee_rate: Number | None = None,
        status: str | None = None,
        group: str | None = None,
        series: str | None = None,
    ) -> Event:
        """Make an event; an outcome is a market's slug, or a NewMarket."""
        markets = [NewMarket(one, f"{one}?") if isinstance(one, str) else one for one in outcomes]
        return self.admin.create_event(
            slug,
            title or f"{slug}?",
            markets,
            exhaustive=exhaustive,
            closes_at=self._moment(closes_at),
            tick_size=tick_size,
            maker_fee_rate=maker_fee_rate,
            taker_fee_rate=taker_fee_rate,
            status=status,
            group=group,
            series=series,
        )

    def group(self, name: str, *members: str) -> None:
        """Make a group of accounts, for whom alone a market can be."""
        self.admin.create_group(name)
        for member in members:
            self.admin.add_member(name, self.client(member).me()["id"])

    def replay(
        self,
        recording: str | Path | Iterable[Row],
        *,
        step: str | timedelta = "1m",
        label: str = "replay",
        funds: Number = 1_000_000,
    ) -> Replay:
        """Return a replay of recorded orders (docs/recorded-orders.md): iterate over it.

        Each account of the recording becomes one named ``label-account``, with ``funds``. Markets
        that are missing are made, without fees.
        """
        rows = read_rows(Path(recording)) if isinstance(recording, str | Path) else recording

        def open_client(account: str) -> Client:
            name = f"{label}-{account}"
            if name not in self._keys:
                self.deposit(name, funds)
            return Client(self.url, api_key=self.api_key(name))

        pool = ClientPool(open_client)
        self._pools.append(pool)

        def make_market(slug: str, tick: str) -> None:
            self.market(slug, tick_size=tick)

        return Replay(rows, self.clock, self.admin, pool, make_market, step=step, label=label)

    def book(self, market: str) -> Book:
        """Return a market's order book."""
        return self.admin.book(market)

    def faults(self, faults: str) -> None:
        """Have faults from now on, as latency=50ms±20ms,loss=0.01,cut=30s,seed=7; none ends them.

        They strike every client, ``admin`` too. Raises FaultSyntaxError.
        """
        spec = FaultSpec.read(faults)

        async def change() -> None:
            control = self._server.app.context.faults
            assert control is not None  # the settings have faults
            control.change(spec)

        self._server.do(change())

    def audit(self) -> None:
        """Check that money and shares are conserved and that the journal replays to the same.

        Raises AuditFailed.
        """
        with open_snapshot(self.database_url) as store:
            checks = [*audit.sums(store), *audit.replay(store, lambda *_: None)]
        if wrong := [f"{check.name}: {check.detail}" for check in checks if not check.ok]:
            raise AuditFailed("\n".join(wrong))

    def state_hash(self) -> str:
        """Return the SHA-256 of all accounts, markets, orders and positions.

        Two runs of the same commands at the same times give the same.
        """
        with open_snapshot(self.database_url) as store:
            return audit.state_hash(store)

    def _moment(self, when: str | timedelta | datetime | None) -> datetime | None:
        if when is None or isinstance(when, datetime):
            return when
        return self.clock.now + timedelta(microseconds=micros(when))


class _Given(Settings):
    """Settings from nowhere else."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        *others: PydanticBaseSettingsSource,
        **more: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return only what is given."""
        del settings_cls, others, more
        return (init_settings,)


async def _open_account(node: Node, email: str, *, is_admin: bool) -> str:
    """Make an account and return its API key."""
    role = Role.ADMIN if is_admin else Role.USER
    scopes = list(Scope) if is_admin else [Scope.READ, Scope.TRADE]
    credit = node.settings.signup_credit
    user_id = await find_or_add_account(node.db, node.core, email, role=role, signup_credit=credit)
    async with node.db.write() as connection:
        return await replace_key(connection, user_id, "test", scopes)


@cache
def _empty_database() -> Path:
    """Return an embedded database with the newest schema, made once in this process."""
    folder = tempfile.TemporaryDirectory(prefix="predmarket-schema-")
    _FOLDERS.append(folder)
    path = Path(folder.name) / "predmarket.db"
    migrations.upgrade(f"sqlite:///{path}")
    return path


_FOLDERS: list[tempfile.TemporaryDirectory[str]] = []
"""Removed when the process ends."""
