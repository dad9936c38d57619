"""Proposed resolutions over HTTP: public, changed, confirmed, withdrawn; by two admins."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.support.http_exchange import ON_ONE_DATABASE, Exchange, Json, User
from tests.support.http_orders import cash, order
from tests.support.http_users import change, refused
from tests.support.sockets import opened

RAIN, SNOW, VOTE = "/v1/markets/rain", "/v1/markets/snow", "/v1/events/vote"
WHY = {"note": "11 mm\nin Oslo", "source": "https://example.com/oslo"}


def ok(answer: httpx.Response) -> Json:
    """Return the body of a successful answer."""
    assert answer.status_code == 200, answer.text
    body: Json = answer.json()
    return body


async def resolve(by: User, path: str, **body: object) -> Json:
    """Resolve, or propose a resolution."""
    return ok(await by.client.post(f"{path}/resolve", json=body))


async def make_event(exchange: Exchange) -> None:
    """Create an event of two markets."""
    markets = [{"slug": slug, "question": "?"} for slug in ("ann", "bob")]
    body = {"slug": "vote", "title": "Who wins?", "markets": markets}
    assert (await exchange.admin.client.post("/v1/events", json=body)).status_code == 201


async def test_a_market(exchange: Exchange) -> None:
    """A proposal for a market is public, in lists and on its topic.

    Its confirmation moves money.
    """
    await exchange.market("rain")
    ann, ben = await exchange.trader("ann"), await exchange.trader("ben")
    await order(ann, "BUY", 10, "0.60", "rain")
    await order(ben, "SELL", 10, "0.60", "rain")
    async with opened(exchange.url) as socket:
        await socket.subscribe("markets")
        before = datetime.now(UTC)
        done = await resolve(exchange.admin, RAIN, outcome="YES", after="24h", **WHY)
        told = (await socket.of("market"))["data"]
    proposal = done["market"]["proposal"]
    at = datetime.fromisoformat(proposal.pop("effectiveAt"))
    assert abs(at - before - timedelta(days=1)) < timedelta(minutes=2)
    expected = {"outcome": "YES", "settlementPrice": None, "actorId": exchange.admin.id, **WHY}
    assert proposal == expected
    assert (done["payouts"], told["status"]) == (None, "CLOSED")
    assert told["proposal"].items() >= expected.items()
    (listed,) = ok(await ann.client.get("/v1/markets"))["items"]
    assert listed["proposal"] == told["proposal"]
    assert await cash(ann) == ("94.000000", "0.000000")
    assert refused(await exchange.admin.client.patch(RAIN, json={"status": "OPEN"})) == (
        409,
        "INVALID_TRANSITION",
    )
    when = "2100-01-01T00:00:00Z"
    changed = await resolve(
        exchange.admin, RAIN, outcome="SCALAR", settlementPrice="0.25", effectiveAt=when
    )
    assert changed["market"]["proposal"] == {
        "outcome": "SCALAR",
        "settlementPrice": "0.2500",
        "note": None,
        "source": None,
        "actorId": exchange.admin.id,
        "effectiveAt": "2100-01-01T00:00:00.000000Z",
    }
    for path in ("proposal/confirm", "resolve"):
        answer = await ann.client.post(f"{RAIN}/{path}", json={"outcome": "YES"})
        assert answer.status_code in (400, 403)
    stale = {"proposal": told["proposal"]}
    answer = await exchange.admin.client.post(f"{RAIN}/proposal/confirm", json=stale)
    assert refused(answer) == (409, "PROPOSAL_CHANGED")
    seen = {"proposal": changed["market"]["proposal"]}
    made = ok(await exchange.admin.client.post(f"{RAIN}/proposal/confirm", json=seen))
    assert made["payouts"] == {"accounts": 2, "total": "10.000000"}
    assert (made["market"]["outcome"], made["market"]["proposal"]) == ("SCALAR", None)
    assert await cash(ann) == ("96.500000", "0.000000")
    for call in (
        exchange.admin.client.post(f"{RAIN}/proposal/confirm"),
        exchange.admin.client.delete(f"{RAIN}/proposal"),
    ):
        assert refused(await call) == (404, "PROPOSAL_NOT_FOUND")


async def test_an_event(exchange: Exchange) -> None:
    """A proposal for an event shows its meaning on each market; a withdrawal removes it."""
    await make_event(exchange)
    admin = exchange.admin
    shown = (await resolve(admin, VOTE, weights={"ann": "0.3", "NONE": "0.7"}, after="1h"))["event"]
    proposal = shown["proposal"]
    assert (proposal["outcome"], proposal["weights"]) == (
        "WEIGHTS",
        {"ann": "0.3000", "NONE": "0.7000"},
    )
    assert [one["proposal"]["settlementPrice"] for one in shown["markets"]] == ["0.3000", "0.0000"]
    (listed,) = ok(await exchange.anonymous.get("/v1/events"))["items"]
    assert listed["proposal"] == proposal
    await resolve(admin, VOTE, outcome="bob", after="2h", note="Counted.")
    event = ok(await exchange.anonymous.get(VOTE))
    assert (event["status"], event["proposal"]["outcome"]) == ("CLOSED", "bob")
    assert [one["proposal"]["outcome"] for one in event["markets"]] == ["NO", "YES"]
    assert {one["proposal"]["note"] for one in event["markets"]} == {"Counted."}
    answer = await admin.client.delete("/v1/markets/ann/proposal")
    assert refused(answer) == (409, "EVENT_DECIDES")
    withdrawn = ok(await admin.client.delete(f"{VOTE}/proposal"))
    assert (withdrawn["status"], withdrawn["proposal"]) == ("CLOSED", None)
    assert [one["proposal"] for one in withdrawn["markets"]] == [None, None]
    await resolve(admin, VOTE, outcome="NONE", after="1w")
    stale = {"proposal": event["proposal"]}
    answer = await admin.client.post(f"{VOTE}/proposal/confirm", json=stale)
    assert refused(answer) == (409, "PROPOSAL_CHANGED")
    seen = {"proposal": ok(await exchange.anonymous.get(VOTE))["proposal"]}
    made = ok(await admin.client.post(f"{VOTE}/proposal/confirm", json=seen))
    assert (made["event"]["outcome"], made["payouts"]["accounts"]) == ("NONE", 0)


@ON_ONE_DATABASE
async def test_what_cannot_be_is_refused(exchange: Exchange) -> None:
    """An impossible proposal is refused with its field, and nothing is resolved."""
    await exchange.market("rain")
    await make_event(exchange)
    cases: list[tuple[Json, str]] = [
        ({"after": "soon"}, "after"),
        ({"after": ""}, "after"),
        ({"after": "0h"}, "after"),
        ({"after": "999999999w"}, "after"),
        ({"effectiveAt": "2001-01-01T00:00:00Z"}, "effectiveAt"),
        ({"after": "1h", "effectiveAt": "2100-01-01T00:00:00Z"}, "effectiveAt"),
        ({"note": ""}, "note"),
        ({"note": "\u202e"}, "note"),
        ({"source": "a\nb"}, "source"),
        ({"source": " "}, "source"),
    ]
    for where, outcome in ((RAIN, "YES"), (VOTE, "ann")):
        for body, path in cases:
            answer = await exchange.admin.client.post(
                f"{where}/resolve", json={"outcome": outcome, **body}
            )
            assert refused(answer) == (400, "VALIDATION_FAILED")
            assert [one["path"] for one in answer.json()["error"]["details"]] == [path]
        assert ok(await exchange.anonymous.get(where))["status"] == "OPEN"


class TestByTwo:
    """An exchange where another admin must confirm."""

    @pytest.fixture
    def more_settings(self) -> dict[str, str]:
        """Return settings that require two admins."""
        return {"resolve_by_two": "on"}

    @ON_ONE_DATABASE
    async def test_it(self, exchange: Exchange) -> None:
        """An immediate resolution waits for another admin; its proposer cannot confirm it."""
        await exchange.market("rain")
        await make_event(exchange)
        boss = exchange.admin
        other = await exchange.register("other@example.com")
        done = await resolve(boss, RAIN, outcome="YES", note="Seen.")
        alone = await boss.client.post(f"{RAIN}/proposal/confirm")
        assert refused(alone) == (403, "ANOTHER_ADMIN_NEEDED")
        assert "there are not two admins" in alone.json()["error"]["message"]
        await change(exchange, other, role="ADMIN")
        other = await exchange.again(other)
        assert (done["payouts"], done["market"]["proposal"]["effectiveAt"]) == (None, None)
        done = await resolve(boss, VOTE, outcome="VOID", after="1h")
        assert done["event"]["proposal"]["effectiveAt"] is not None
        for path in (RAIN, VOTE):
            answer = await boss.client.post(f"{path}/proposal/confirm")
            assert refused(answer) == (403, "ANOTHER_ADMIN_NEEDED")
            assert "there are not two" not in answer.json()["error"]["message"]
            assert ok(await exchange.anonymous.get(path))["status"] == "CLOSED"
            ok(await other.client.post(f"{path}/proposal/confirm"))
        acts = ok(await boss.client.get("/v1/admin/log", params={"limit": "5"}))["items"]
        assert [(act["action"], act["actorId"]) for act in reversed(acts)] == [
            ("MARKET_PROPOSE", boss.id),
            ("USER_ROLE", boss.id),
            ("EVENT_PROPOSE", boss.id),
            ("MARKET_RESOLVE", other.id),
            ("EVENT_VOID", other.id),
        ]
        assert acts[1]["details"] == {"outcome": "YES", "note": "Seen.", "proposedBy": boss.id}
