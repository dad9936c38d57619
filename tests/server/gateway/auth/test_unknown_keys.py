"""Look-ups of unknown keys are counted, cached, and bounded by address."""

import asyncio

import pytest

from predmarket.server.errors import Refusal
from predmarket.server.gateway.auth import failed_checks, unknown_keys
from predmarket.server.gateway.auth.unknown_keys import REMEMBERED_SECONDS, UnknownKeys
from predmarket.server.setting_types import RateLimit

HERE, THERE = ("198.51.100.1", 4_000), ("198.51.100.2", 4_000)


class Keys:
    """A look-up of keys, of which one exists."""

    def __init__(self) -> None:
        self.now = 0.0
        self.asked: list[str] = []
        self.unknown = UnknownKeys(lambda: self.now)

    async def find(self, key: str, client: tuple[str, int] = HERE) -> bool:
        """Tell whether a key exists."""

        async def look_up() -> str | None:
            self.asked.append(key)
            await asyncio.sleep(0)
            return key if key == "good" else None

        return await self.unknown.find(look_up, key, client) is not None


async def test_a_key_is_not_looked_up_again_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown key is not looked up again until its entry expires or keys have changed.

    Beyond the bound the oldest entry is evicted.
    """
    monkeypatch.setattr(unknown_keys, "REMEMBERED", 2)
    keys = Keys()
    for _ in range(3):
        assert not await keys.find("a")
        assert await keys.find("good")
    assert keys.asked == ["a", "good", "good", "good"]
    keys.now += REMEMBERED_SECONDS
    assert not await keys.find("a")
    keys.unknown.forget()
    assert not await keys.find("a")
    for key in ("b", "c", "b", "c", "a"):
        assert not await keys.find(key)
    assert keys.asked[4:] == ["a", "a", "b", "c", "a"]


async def test_after_too_many_an_address_waits_for_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """After too many unknown keys an address waits for turns, a bounded number at once.

    A valid key gets its turn, and other addresses never wait.
    """
    monkeypatch.setattr(failed_checks, "FAILURES", RateLimit(3, 60))
    monkeypatch.setattr(failed_checks, "FAILED_TURN_S", 0.02)
    keys = Keys()
    for n in range(3):
        assert not await keys.find(f"first {n}")
    async with asyncio.TaskGroup() as tasks:
        flood = [tasks.create_task(_refused(keys, f"then {n}")) for n in range(20)]
        await asyncio.sleep(0.005)
        assert len(keys.asked) == 4  # one look-up has the turn
        assert await keys.find("good", THERE)
        assert await keys.find("good", (HERE[0], 5_000))
    refused = [one.result() for one in flood].count(True)
    assert 20 - refused == failed_checks.WAITING_OF_ONE + 1


async def _refused(keys: Keys, key: str) -> bool:
    """Tell whether a key was refused without a look-up."""
    try:
        await keys.find(key)
    except Refusal:
        return True
    return False
