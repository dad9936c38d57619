"""The random draws of faults, and the line that delays bytes."""

import asyncio

from predmarket.contracts.faults import FaultSpec
from predmarket.server.gateway.faults.delay_line import FULL_BYTES, MAX_BYTES, DelayLine
from predmarket.server.gateway.faults.injection import Fate, Faults

MANY = "latency=50ms±20ms,loss=0.3,reject=0.2,cut=1s±1s"


def fates(text: str, count: int = 1_000) -> list[Fate]:
    """Return the faults drawn for the first requests."""
    faults = Faults(FaultSpec.read(text))
    return [faults.fate() for _ in range(count)]


def test_a_seed_draws_the_same_faults_again() -> None:
    """A seed draws the same faults again, and each kind of fault draws independently."""
    drawn = fates(f"{MANY},seed=7")
    assert drawn == fates(f"{MANY},seed=7") != fates(f"{MANY},seed=8")
    alone = fates("loss=0.3,seed=7")
    assert [(one.lost_before, one.lost_after) for one in alone] == [
        (one.lost_before, one.lost_after) for one in drawn
    ]


def test_a_missing_seed_is_drawn_and_shown() -> None:
    """A missing seed is drawn and shown, so that a run can be repeated."""
    faults = Faults(FaultSpec.read(MANY))
    assert [faults.fate() for _ in range(100)] == fates(str(faults.spec), 100)
    assert Faults(FaultSpec.read("none")).spec.seed is None


def test_shares_and_delays_are_as_asked() -> None:
    """Shares are as requested within chance, and delays stay within their exact bounds."""
    drawn = fates(f"{MANY},seed=1", 10_000)
    before, after = sum(one.lost_before for one in drawn), sum(one.lost_after for one in drawn)
    assert 2_800 < before + after < 3_200
    assert 1_300 < before < 1_700
    assert 1_800 < sum(one.rejected for one in drawn) < 2_200
    assert all(0.030 <= one.delay_in + one.delay_out <= 0.070 for one in drawn)
    assert not any(one.lost_before and one.lost_after for one in drawn)
    assert fates("loss=1,reject=1", 1)[0].rejected
    assert fates("cut=1s", 1) == [Fate(0.0, 0.0, False, False, False)]


async def test_a_line_keeps_the_order() -> None:
    """A delayed line keeps the order of its pieces, and a change of faults flushes it."""
    arrived: list[bytes] = []
    line = DelayLine(asyncio.get_running_loop(), arrived.append, lambda: None)
    line.put(b"first", 0.02)
    line.put(b"second", 0.0)
    assert not arrived
    while len(arrived) < 2:
        await asyncio.sleep(0.005)
    line.put(b"third", 0.0)
    assert arrived == [b"first", b"second", b"third"]
    line.put(b"fourth", 60.0)
    line.release()
    line.put(b"fifth", 60.0)
    line.drop()
    line.put(b"sixth", 0.0)
    assert arrived[3:] == [b"fourth", b"sixth"]


async def test_a_line_is_slow_and_bounded() -> None:
    """A slow line pauses its writer and holds at most its bound if the writer does not stop."""
    arrived: list[bytes] = []
    said: list[bool] = []
    loop = asyncio.get_running_loop()
    line = DelayLine(loop, arrived.append, lambda: said.append(line.is_full))
    began = loop.time()
    line.put(bytes(100), 0.0, 4_000)
    line.put(bytes(100), 0.0, 4_000)
    while len(arrived) < 2:
        await asyncio.sleep(0.005)
    assert loop.time() - began >= 0.05
    for _ in range(MAX_BYTES // FULL_BYTES + 3):
        line.put(bytes(FULL_BYTES), 60.0)
    assert (len(arrived), said) == (2 + 3, [True])
    line.release()
    assert said == [True, False]
