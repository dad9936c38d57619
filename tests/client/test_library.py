"""The library's public interface: signatures, settings, units, errors."""

import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from time import monotonic

import pytest

import predmarket
from predmarket.client import (
    ApiError,
    AsyncClient,
    Client,
    ConfigurationError,
    Feed,
    NewOrder,
    Retry,
    Unreachable,
    calls,
    response_types,
)
from predmarket.client.connection import opened
from predmarket.client.errors import refusal
from predmarket.client.numbers import exact, to_pandas
from predmarket.server.gateway.openapi.examples import EXAMPLES
from tests.support.scripted_exchange import ScriptedExchange
from tests.support.stub_exchange import Answer, Stub

_EXACT = re.compile(r"-?\d+\.\d{2,}|\d{4}-\d\d-\d\dT.*")
"""A decimal or a time as the exchange writes it."""
ORDER = NewOrder(market="rain", side="buy", qty="10", price=Decimal("0.60"), type="limit")


def test_the_package_says_that_it_is_typed() -> None:
    """The package contains py.typed."""
    assert (Path(predmarket.__file__).parent / "py.typed").exists()


@pytest.mark.parametrize("client", [Client, AsyncClient])
def test_a_method_shows_what_it_takes_and_what_it_answers(client: type) -> None:
    """A method's signature has its parameters and its result, not the request."""
    shown = inspect.signature(client.place_order)  # type: ignore[attr-defined]
    assert list(shown.parameters) == ["self", "order"]
    assert shown.return_annotation is response_types.Order


def test_words_are_taken_in_either_case_and_times_as_datetimes() -> None:
    """Enumerations are accepted in any case, and times as datetimes.

    Inexact numbers and times without a zone are refused before a request.
    """
    noon = datetime(2030, 1, 31, 14, tzinfo=timezone(timedelta(hours=2)))
    body = NewOrder(
        market=1, side="sell", qty=1, price="0.6", time_in_force="gtd", expires_at=noon
    ).body()
    assert (body["side"], body["timeInForce"]) == ("SELL", "GTD")
    assert body["expiresAt"] == "2030-01-31T12:00:00.000000Z"
    with pytest.raises(ValueError, match="no zone"):
        NewOrder(market=1, side="BUY", qty=1, deadline=datetime(2030, 1, 31)).body()  # noqa: DTZ001
    with pytest.raises(TypeError, match="not exact"):
        NewOrder(market=1, side="BUY", qty=1, price=0.6).body()  # type: ignore[arg-type]


def test_a_batch_takes_orders_and_bodies() -> None:
    """A batch of orders or bodies is repeatable when each has a client order id."""
    both = calls.place_batch([ORDER, {"marketId": 1, "clientOrderId": "a"}])
    assert both.body == {"orders": [ORDER.body(), {"marketId": 1, "clientOrderId": "a"}]}
    assert not both.repeatable


def test_a_refusal_names_the_field() -> None:
    """An error names the first invalid field and the number of others."""
    details = [{"path": "price", "message": "must be below 1"}, {"path": "qty", "message": "x"}]
    error = refusal(
        400, {"error": {"code": "VALIDATION_FAILED", "message": "no", "details": details}}, ""
    )
    assert str(error) == "VALIDATION_FAILED: no: price: must be below 1 (and 1 more)"
    assert str(ApiError(409, "SLUG_TAKEN", "taken")) == "SLUG_TAKEN: taken"


@pytest.mark.parametrize("url", ["localhost:22000", "ftp://x", "http://", "127.0.0.1"])
def test_what_is_no_address_is_said_at_once(url: str) -> None:
    """An invalid address raises at once, because a bot would retry for ever."""
    with pytest.raises(ConfigurationError, match="is not an address"):
        Client(url)


@pytest.mark.parametrize(
    ("name", "value", "url"),
    [
        ("ALL_PROXY", "socks://127.0.0.1:1", "http://exchange.test"),
        ("NO_PROXY", "fe80::/10", "http://exchange.test"),
        ("SSL_CERT_FILE", "/nope", "https://exchange.test"),
        ("SSL_CERT_FILE", __file__, "https://exchange.test"),
        ("SSL_CERT_DIR", "/nope", "https://exchange.test"),
        ("https_proxy", "ftp://127.0.0.1:1", "http://exchange.test"),
        ("HTTP_PROXY", "socks5://127.0.0.1:1", "http://exchange.test"),
    ],
)
def test_what_of_the_environment_cannot_be_used_is_named(
    name: str, value: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only invalid variables are named, in one line that says what to do."""
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match="cannot be used") as refused:
        Client(url)
    assert str(refused.value).startswith(f"{name} cannot be used: ")
    Client("http://127.0.0.1:8000").close()


async def test_a_feed_names_what_of_the_environment_cannot_be_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A feed raises for invalid variables in place of retrying for ever."""
    monkeypatch.setenv("ALL_PROXY", "socks://127.0.0.1:1")
    with pytest.raises(ConfigurationError, match="ALL_PROXY cannot be used"):
        async with opened("ws://x.test", None, timeout_s=1, silence_s=1, clock=monotonic):
            pass


def test_an_address_behind_a_proxy_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error behind a proxy names the proxy, which most often is the cause."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with (
        Client("http://exchange.test", retry=Retry(attempts=1)) as client,
        pytest.raises(Unreachable, match="through the proxy that HTTP_PROXY names"),
    ):
        client.status()


async def test_from_the_environment(
    stub: Stub, scripted: ScriptedExchange, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """from_environment() reads the same variables as the command line."""
    monkeypatch.setenv("PREDMARKET_CONFIG_DIR", str(tmp_path))
    monkeypatch.setenv("PREDMARKET_API_KEY", "pmk_1")
    (tmp_path / "config.toml").write_text(
        f'[profiles.practice]\nurl = "{stub.url}"\n[profiles.fed]\nurl = "{scripted.url}"\n'
    )
    stub.on("GET", "/v1/auth/me", Answer(body={"id": 1}))
    with Client.from_env("practice") as client:
        client.me()
    assert [request.token for request in stub.sent("GET", "/v1/auth/me")] == ["pmk_1"]
    async with AsyncClient.from_env() as other:
        assert await other.token() == "pmk_1"
    async with Feed.from_env("fed", topics=["markets"]):
        assert (await scripted.accepted()).token == "pmk_1"


def test_answers_to_calculate_with() -> None:
    """exact() returns exact decimals and zoned times, at any depth of an answer."""
    fill = {"price": "0.6000", "createdAt": "2030-01-31T12:00:00.000000Z", "side": "BUY"}
    turned = exact({"qty": "10.00", "fills": [fill], "reason": None})
    moment = datetime(2030, 1, 31, 12, tzinfo=UTC)
    assert turned == {
        "qty": Decimal(10), "reason": None,
        "fills": [{"price": Decimal("0.6"), "createdAt": moment, "side": "BUY"}],
    }  # fmt: skip


def test_answers_as_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers and times have typed columns; without pandas the error names the extra."""
    items = [{"price": "0.60", "createdAt": "2030-01-31T12:00:00Z"}]
    table = to_pandas(items)
    assert table["price"].sum() == 0.6
    assert str(table["createdAt"].dt.tz) == "UTC"
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ConfigurationError, match=r"predmarket-exchange\[pandas\]"):
        to_pandas(items)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from () if name == "details" else _texts(each)  # the log's: of any kind
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def test_every_number_and_time_of_an_answer_is_converted() -> None:
    """exact() leaves no number and no time of the document's examples as text."""
    for kind, example in EXAMPLES.items():
        if isinstance(example, Mapping) and not kind.__name__.endswith("Request"):
            left = [text for text in _texts(exact(example)) if _EXACT.fullmatch(text)]
            assert left == [], kind
