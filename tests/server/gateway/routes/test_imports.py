"""Imports over HTTP are all or nothing, name the place of each error, and can be repeated."""

from typing import Any

from tests.support.http_exchange import ON_ONE_DATABASE, Exchange, Json
from tests.support.http_orders import got
from tests.support.http_users import refused

SNOW: Json = {"slug": "snow", "question": "Snow?", "tags": ["winter"], "status": "DRAFT"}
HAIL: Json = {"slug": "hail", "question": "Hail?", "closesAt": "2100-01-01T00:00:00Z"}
VOTE: Json = {
    "slug": "vote",
    "title": "Who?",
    "category": "politics",
    "markets": [{"slug": f"vote-{one}", "question": f"{one}?"} for one in "ab"],
}


async def imported(exchange: Exchange, **body: object) -> list[tuple[str, str, list[str]]]:
    """Import, and return slug, status and differences of each element."""
    answer = await exchange.admin.client.post("/v1/import", json=body)
    assert answer.status_code == 200, answer.text
    report: Json = answer.json()
    assert report["dryRun"] is bool(body.get("dryRun"))
    return [(one["slug"], one["status"], one["differs"]) for one in report["items"]]


async def there(exchange: Exchange) -> list[Any]:
    """Return the slugs of all markets and events."""
    pages = [await got(exchange.admin, f"/v1/{what}") for what in ("markets", "events")]
    return [one["slug"] for page in pages for one in page["items"]]


async def test_an_import_and_its_repeat(exchange: Exchange) -> None:
    """A dry run changes nothing. A repeated import reports the differences of existing elements."""
    both = {"markets": [SNOW, HAIL], "events": [VOTE]}
    new: list[tuple[str, str, list[str]]] = [(slug, "NEW", []) for slug in ("snow", "hail", "vote")]
    assert await imported(exchange, **both, dryRun=True) == new
    assert await there(exchange) == []
    await exchange.market("snow", tags=["winter"])
    await exchange.admin.client.post("/v1/groups", json={"name": "Club"})
    both["events"] = [{**VOTE, "group": "club"}]
    found = await imported(exchange, **both)
    assert found == [
        ("snow", "EXISTS", ["question"]),
        *[(x, "CREATED", []) for x in ("hail", "vote")],
    ]
    assert await there(exchange) == ["vote-b", "vote-a", "hail", "snow", "vote"]
    changed = {**VOTE, "markets": [VOTE["markets"][0], {"slug": "vote-c", "question": "c?"}]}
    changed |= {"category": "sports", "exhaustive": True}
    again = await imported(exchange, markets=[HAIL], events=[changed])
    assert again == [
        ("hail", "EXISTS", []),
        ("vote", "EXISTS", ["exhaustive", "category", "markets"]),
    ]
    hail = await got(exchange.admin, "/v1/markets/hail")
    assert (hail["closesAt"], hail["creator"]["id"]) == ("2100-01-01T00:00:00.000000Z", 1)
    vote = await got(exchange.admin, "/v1/events/vote")
    assert [vote["group"], *(one["group"] for one in vote["markets"])] == ["Club"] * 3
    assert (await exchange.anonymous.get("/v1/events/vote")).status_code == 404
    log = (await got(exchange.admin, "/v1/admin/log?action=IMPORT"))["items"]
    assert [(act["target"], act["details"]) for act in log] == [
        ("exchange:1", {"markets": ["hail"], "events": ["vote"]})
    ]


@ON_ONE_DATABASE
async def test_an_import_with_problems_changes_nothing(exchange: Exchange) -> None:
    """Every problem is reported by its element's place, in a dry run and in an import.

    Nothing changes.
    """
    admin, ann = exchange.admin.client, await exchange.register("ann@example.com")
    await exchange.market("rain")
    past = {**HAIL, "closesAt": "2020-01-01T00:00:00Z"}
    short = {**VOTE, "markets": VOTE["markets"][:1]}
    cases: list[tuple[Json, str, list[str]]] = [
        (
            {"markets": [{"slug": "NO"}, SNOW, past], "events": [short]},
            "VALIDATION_FAILED",
            ["markets.0.slug", "markets.0.question", "markets.2.closesAt", "events.0.markets"],
        ),
        ({"markets": [SNOW, 5]}, "VALIDATION_FAILED", ["markets.1"]),
        ({"markets": [], "dryRun": True}, "VALIDATION_FAILED", ["markets"]),
        ({"markets": [{**SNOW, "colour": 1}]}, "VALIDATION_FAILED", ["markets.0.colour"]),
        ({"events": [{**VOTE, "group": "none"}]}, "GROUP_NOT_FOUND", ["events.0.group"]),
        (
            {"markets": [SNOW, HAIL, SNOW], "events": [VOTE, VOTE]},
            "SLUG_TAKEN",
            [
                "events.1.slug",
                "markets.2.slug",
                "events.1.markets.0.slug",
                "events.1.markets.1.slug",
            ],
        ),
        (
            {
                "events": [
                    {**VOTE, "markets": [{"slug": "rain", "question": "?"}, VOTE["markets"][1]]}
                ]
            },
            "SLUG_TAKEN",
            ["events.0.markets.0.slug"],
        ),
    ]
    for body, code, paths in cases:
        for dry_run in (True, False):
            answer = await admin.post("/v1/import", json={"dryRun": dry_run, **body})
            assert refused(answer)[1] == code, answer.text
            assert [one["path"] for one in answer.json()["error"]["details"]] == paths
    too_many = [{**SNOW, "slug": f"snow-{n}"} for n in range(501)]
    assert refused(await admin.post("/v1/import", json={"markets": too_many}))[0] == 400
    assert refused(await ann.client.post("/v1/import", json={"markets": [SNOW]}))[0] == 403
    assert await there(exchange) == ["rain"]
