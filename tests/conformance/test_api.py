"""The API behaves as its document says (the short form of `make contract`)."""

from collections.abc import Iterator

import pytest

from predmarket.server.process.seed import ADMIN, USER, SeedUser
from tests.conformance.campaign import campaign, exchange


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the URL of an exchange with the seed data."""
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
def test_the_api_behaves_as_documented(url: str, who: SeedUser, flags: list[str]) -> None:
    """No answer is a 5xx or undocumented, links included; the examples are the same in each run."""
    found = campaign(url, who, "--seed=1", *flags)
    assert found.returncode == 0, found.stdout + found.stderr
