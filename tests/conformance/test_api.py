"""The API does what its document says, and nothing else (the short form of `make contract`)."""

from collections.abc import Iterator

import pytest

from predmarket.server.process.seed import ADMIN, USER, SeedUser
from tests.conformance.campaign import campaign, exchange


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An exchange with the seed data."""
    daemon = exchange(tmp_path_factory.mktemp("contract"))
    daemon.start()
    yield daemon.url
    assert daemon.stop() == 0


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("who", "flags"),
    [
        (USER, ["--phases=examples,fuzzing", "--max-examples=1"]),
        (ADMIN, ["--phases=stateful", "--max-examples=3"]),
    ],
    ids=["user", "admin"],
)
def test_the_api_keeps_its_document(url: str, who: SeedUser, flags: list[str]) -> None:
    """No 5xx, no undocumented answer, links included; the same examples each time."""
    found = campaign(url, who, "--seed=1", *flags)
    assert found.returncode == 0, found.stdout + found.stderr
