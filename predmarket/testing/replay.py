"""A recording that is played into a test's exchange while the test's clock goes on."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

from predmarket.client import Client
from predmarket.recorded_orders import Row
from predmarket.replay import Played, Player
from predmarket.replay.client_pool import ClientPool
from predmarket.replay.markets import MissingMarkets
from predmarket.testing.clock import ExchangeClock, micros
from predmarket.units import Micros


class Replay:
    """Plays a recording, step by step or at once, as accounts of its own.

    The recorded times are mapped to the exchange's: the first one is the exchange's time of the
    first step. ``played`` counts what was played. Errors: RecordedOrdersError, NotMovable.
    """

    def __init__(
        self,
        rows: Iterable[Row],
        clock: ExchangeClock,
        admin: Client,
        pool: ClientPool,
        make_market: Callable[[str, str], None],
        *,
        step: str | timedelta,
        label: str,
    ) -> None:
        self._clock = clock
        self._step = micros(step)
        if self._step <= 0:
            raise ValueError("a step takes some time, such as 1m")
        self._player = Player(
            rows, pool.client, MissingMarkets(admin, make_market).require, label=label, at=self._at
        )
        self._begin: tuple[Micros, datetime] | None = None

    @property
    def played(self) -> Played:
        """What was played so far."""
        return self._player.played

    def __iter__(self) -> Iterator[datetime]:
        """Play a step of time after the other; yield the exchange's time after each."""
        first = self._player.next_time()
        if first is None:
            return
        self._begin = first, self._clock.now
        until = first
        while self._player.next_time() is not None:
            until += self._step
            self._player.play(until)
            self._at(until)
            yield self._clock.now

    def play(self) -> Played:
        """Play all that is left, and return what was played."""
        if self._begin is None:
            self._begin = self._player.next_time() or 0, self._clock.now
        self._player.play()
        return self.played

    def _at(self, moment: Micros) -> None:
        assert self._begin is not None  # set before anything is played
        recorded, here = self._begin
        there = here + timedelta(microseconds=moment - recorded)
        if there > self._clock.now:
            self._clock.set(there)
