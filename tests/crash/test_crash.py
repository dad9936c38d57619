"""SIGKILL under HTTP and socket load, six times on each database; `make crash` goes on longer."""

import secrets
from pathlib import Path

import pytest

from predmarket.server.storage import migrations
from tests.crash.campaign import AT_LEAST, WAYS, campaign

KILLS = 6


@pytest.mark.timeout(600)
async def test_killed_at_random_moments_it_keeps_its_word(
    database_url: str, tmp_path: Path
) -> None:
    """Every acknowledged order is there, once; what was tied to a socket ended with it; what was
    killed amid an event's end paid once; money is conserved; the replay agrees."""
    seed = secrets.randbits(32)
    print(f"repeat with: python -m tests.crash --kills {KILLS} --seed {seed}")
    if database_url.startswith("postgresql"):
        migrations.upgrade(database_url)
    tally = await campaign(tmp_path, database_url, KILLS, seed)
    assert tally.kills == KILLS
    assert min(tally.by_way[way] for way in WAYS) >= KILLS * AT_LEAST
    assert tally.disconnected > 0
    assert tally.cut["resolve"] > 0
    assert tally.payouts > 0
    assert tally.covered > 0
