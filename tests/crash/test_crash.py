"""The exchange survives SIGKILL under load, six times on each database.

`make crash` runs longer.
"""

import secrets
from pathlib import Path

import pytest

from predmarket.server.storage import migrations
from tests.crash.campaign import AT_LEAST, WAYS, campaign

KILLS = 6


@pytest.mark.timeout(600)
async def test_kills_at_random_moments_lose_nothing(database_url: str, tmp_path: Path) -> None:
    """Every acknowledged order exists once after a kill at a random moment.

    The orders tied to a socket ended with it, an event killed amid its resolution paid once, money
    is conserved, and the replay agrees.
    """
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
