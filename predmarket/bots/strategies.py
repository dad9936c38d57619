"""The decisions of a noise trader, of a trend trader and of a believer. No I/O.

Neither holds more than its limit in a market: an order beyond it is reversed.
"""

import math
import random
from dataclasses import dataclass
from typing import Protocol

from predmarket.enums import Side
from predmarket.units import PRICE_ONE, QTY_ONE, Price, Qty


@dataclass(frozen=True, slots=True)
class View:
    """One market as a trader sees it. ``held``: YES shares, negative for NO."""

    tick: Price
    best_bid: Price | None
    best_ask: Price | None
    held: Qty = 0

    @property
    def middle(self) -> float | None:
        """Return the midpoint in price units, None without both sides."""
        if self.best_bid is None or self.best_ask is None:
            return None
        return (self.best_bid + self.best_ask) / 2


@dataclass(frozen=True, slots=True)
class Take:
    """Take resting orders up to a price, immediately."""

    side: Side
    price: Price
    qty: Qty


@dataclass(frozen=True, slots=True)
class Rest:
    """Leave an order in the book for some seconds."""

    side: Side
    price: Price
    qty: Qty
    seconds: int


class Mind(Protocol):
    """Decides for one market at a time."""

    def decide(self, market: str, view: View) -> Take | Rest | None:
        """Return what to do in a market, or None."""


class Noise:
    """Buys and sells at random, mostly at once, sometimes with a resting order.

    A larger position makes the other side more likely, so that its flow goes both ways.
    """

    def __init__(self, rng: random.Random, limit: Qty = 400 * QTY_ONE) -> None:
        self._rng = rng
        self._limit = limit

    def decide(self, market: str, view: View) -> Take | Rest | None:
        """Return what to do in a market, or None."""
        del market
        rng = self._rng
        lean = max(-1.0, min(1.0, view.held / self._limit))
        side = Side.BUY if rng.random() < 0.5 - 0.5 * lean else Side.SELL
        qty = _size(rng)
        if rng.random() < 0.3:
            return self._rest(side, view, qty)
        touch = view.best_ask if side is Side.BUY else view.best_bid
        if touch is None:
            return None
        return Take(side, _beyond(touch, view.tick, side, rng.randint(0, 2)), qty)

    def _rest(self, side: Side, view: View, qty: Qty) -> Rest | None:
        touch = view.best_bid if side is Side.BUY else view.best_ask
        if touch is None:
            return None
        price = _beyond(touch, view.tick, side, -self._rng.randint(0, 3))
        return Rest(side, price, qty, self._rng.randint(45, 400))


class Believer:
    """Is sure now and then that a market is far from its price: takes what there is up to a price
    of its own, and rests there with what it did not get.

    Like a noise trader it leans against its position.
    """

    def __init__(self, rng: random.Random, limit: Qty = 400 * QTY_ONE) -> None:
        self._rng = rng
        self._limit = limit

    def decide(self, market: str, view: View) -> Rest | None:
        """Return what to do in a market, or None."""
        del market
        rng = self._rng
        lean = max(-1.0, min(1.0, view.held / self._limit))
        side = Side.BUY if rng.random() < 0.5 - 0.5 * lean else Side.SELL
        touch = view.best_ask if side is Side.BUY else view.best_bid
        if touch is None:
            return None
        odds = touch / (PRICE_ONE - touch)
        odds *= math.exp(rng.uniform(0.35, 0.8) * (1 if side is Side.BUY else -1))
        ticks = abs(round((PRICE_ONE * odds / (1 + odds) - touch) / view.tick))
        price = _beyond(touch, view.tick, side, max(1, ticks))
        return Rest(side, price, rng.randint(4, 16) * 10 * QTY_ONE, rng.randint(30, 90))


class Trend:
    """Buys after rises and sells after falls: compares a fast average with a slow one."""

    def __init__(self, rng: random.Random, limit: Qty = 300 * QTY_ONE) -> None:
        self._rng = rng
        self._limit = limit
        self._averages: dict[str, tuple[float, float]] = {}

    def decide(self, market: str, view: View) -> Take | None:
        """Return what to do in a market, or None."""
        middle = view.middle
        if middle is None or view.best_ask is None or view.best_bid is None:
            return None
        quick, slow = self._averages.get(market, (middle, middle))
        quick, slow = quick + (middle - quick) * 0.5, slow + (middle - slow) * 0.1
        self._averages[market] = quick, slow
        if abs(quick - slow) < max(view.tick, PRICE_ONE // 200):
            return None
        side = Side.BUY if quick > slow else Side.SELL
        if (view.held if side is Side.BUY else -view.held) >= self._limit:
            return None
        touch = view.best_ask if side is Side.BUY else view.best_bid
        return Take(side, _beyond(touch, view.tick, side, 1), _size(self._rng))


def _size(rng: random.Random) -> Qty:
    """Return a human-like size: mostly small, sometimes large, often round."""
    size = math.ceil(min(80.0, rng.lognormvariate(1.8, 0.9)))
    return (round(size / 5) * 5 if size > 7 else size) * QTY_ONE


def _beyond(touch: Price, tick: Price, side: Side, ticks: int) -> Price:
    """Return a price some ticks past the touch as ``side`` sees it, within the valid prices."""
    moved = touch // tick + (ticks if side is Side.BUY else -ticks)
    return max(1, min(PRICE_ONE // tick - 1, moved)) * tick
