"""Category, tags and source over HTTP: set, shown, inherited, filtered, changed, removed."""

import pytest

from tests.support.http_exchange import ON_ONE_DATABASE, Exchange, Json
from tests.support.http_orders import got
from tests.support.http_users import refused

RAIN: Json = {"category": "Weather", "tags": ["rain", "Oslo"], "source": "https://met.example/oslo"}
NOTHING: Json = {"category": None, "tags": [], "source": None}
OUTCOMES = [{"slug": f"vote-{one}", "question": f"{one}?"} for one in "ab"]


def of(shown: Json) -> Json:
    """Return the metadata in an answer."""
    return {name: shown[name] for name in NOTHING}


async def slugs(exchange: Exchange, query: str, what: str = "markets") -> list[str]:
    """Return the slugs of a list, oldest first."""
    return [one["slug"] for one in (await got(exchange.admin, f"/v1/{what}?{query}"))["items"]][
        ::-1
    ]


async def test_markets_and_events_keep_it(exchange: Exchange) -> None:
    """Metadata is public, filters lists, and each field can be set, kept or removed."""
    admin = exchange.admin.client
    assert of(await exchange.market("rain", **RAIN)) == RAIN
    assert of(await exchange.market("snow", tags=["oslo"])) == {**NOTHING, "tags": ["oslo"]}
    assert of(await exchange.market("plain")) == NOTHING
    body = {"slug": "vote", "title": "Who?", "markets": OUTCOMES, "category": "politics"}
    vote = (await admin.post("/v1/events", json={**body, "tags": ["city"]})).json()
    assert of(vote) == {"category": "politics", "tags": ["city"], "source": None}
    assert [of(one) for one in vote["markets"]] == [of(vote)] * 2

    assert await slugs(exchange, "category=weather") == ["rain"]
    assert await slugs(exchange, "tags=OSLO") == ["rain", "snow"]
    assert await slugs(exchange, "q=Slo") == ["rain", "snow"]
    assert await slugs(exchange, "q=WEATH") == ["rain"]
    assert await slugs(exchange, "q=slo&category=weather") == ["rain"]
    assert await slugs(exchange, "q=polit") == [one["slug"] for one in OUTCOMES]  # their event's
    assert [one["slug"] for one in (await got(exchange.admin, "/v1/events?q=ITY"))["items"]] == [
        "vote"
    ]
    assert (await got(exchange.admin, "/v1/events?q=weather"))["items"] == []
    assert await slugs(exchange, "tags=oslo&tags=rain") == ["rain"]
    assert await slugs(exchange, "tags=oslo,%20rain") == ["rain"]
    assert await slugs(exchange, "source=MET.example&limit=1") == ["rain"]
    assert await slugs(exchange, "category=politics") == ["vote-a", "vote-b"]
    assert await slugs(exchange, "category=politics&tags=city", "events") == ["vote"]
    assert await slugs(exchange, "category=weather", "events") == []

    patched = [
        (await admin.patch(f"/v1/{path}", json=change)).json()
        for path, change in (
            ("markets/rain", {"tags": ["wet"], "source": None}),
            ("markets/rain", {"question": "Rain?"}),
            ("markets/vote-a", {"category": "mayors"}),
            ("events/vote", {"category": None, "source": "The gazette"}),
            ("markets/vote-a", {"category": None, "tags": None}),
        )
    ]
    wet = {"category": "Weather", "tags": ["wet"], "source": None}
    gazette = {"category": None, "tags": ["city"], "source": "The gazette"}
    mayors = {**gazette, "category": "mayors"}
    assert [of(one) for one in patched] == [wet, wet, {**mayors, "source": None}, gazette, gazette]
    assert [of(one) for one in patched[3]["markets"]] == [mayors, gazette]
    log = (await got(exchange.admin, "/v1/admin/log"))["items"][::-1]
    assert [act["details"] for act in log[4:]] == [
        {"tags": ["wet"], "source": ""},
        {"question": "Rain?"},
        {"category": "mayors"},
        {"category": "", "source": "The gazette"},
        {"category": "", "tags": []},
    ]


@ON_ONE_DATABASE
@pytest.mark.parametrize(
    "field",
    [
        {"category": ""},
        {"category": "x" * 65},
        {"category": "wea\u202ether"},
        {"tags": ["a,b"]},
        {"tags": [" "]},
        {"tags": ["x" * 33]},
        {"tags": [f"tag-{n}" for n in range(11)]},
        {"tags": ["rain", "RAIN"]},
        {"tags": "rain"},
        {"source": "a\nb"},
        {"source": "x" * 501},
    ],
    ids=lambda field: str(field)[:30],
)
async def test_what_is_refused(exchange: Exchange, field: Json) -> None:
    """Metadata that is too long, too many, repeated, blank or invisible is refused."""
    admin, kept = exchange.admin.client, await exchange.market("rain", **RAIN)
    event = {"slug": "vote", "title": "Who?", "markets": OUTCOMES, **field}
    for answer in (
        await admin.post("/v1/markets", json={"slug": "snow", "question": "Snow?", **field}),
        await admin.patch("/v1/markets/rain", json=field),
        await admin.post("/v1/events", json=event),
    ):
        assert refused(answer) == (400, "VALIDATION_FAILED")
        assert answer.json()["error"]["details"][0]["path"].startswith(next(iter(field)))
    assert (await got(exchange.admin, "/v1/markets"))["items"] == [kept]
    assert (await got(exchange.admin, "/v1/events"))["items"] == []
