"""Attacks by a user's commands: each is one request and may cost the work of thousands."""

import asyncio
import itertools
import json

from tests.abuse.assault import Assault, Attack, Run
from tests.abuse.wire import frame

Fields = dict[str, object]


def _order(market: str, side: str, price: str, qty: str, **more: object) -> bytes:
    order = {"marketId": market, "side": side, "type": "LIMIT", "price": price, "qty": qty, **more}
    return json.dumps(order).encode()


def places(user: str, order: bytes, rate: int = 1_000) -> Run:
    """Return an attack that places one order repeatedly, as fast as its user's limit permits."""

    async def run(assault: Assault) -> None:
        data = assault.request("POST", "/v1/orders", order, user)
        loop = asyncio.get_running_loop()
        begun, sent = loop.time(), 0
        lines = [line for _ in range(10) if (line := await assault.line()) is not None]

        async def one(line: object) -> None:
            nonlocal sent
            while assault.going and not line.closed:  # type: ignore[attr-defined]
                if sent > (loop.time() - begun) * rate:
                    await asyncio.sleep(0.005)
                    continue
                sent += 5
                await line.push(data * 5, 5, 5)  # type: ignore[attr-defined]
                for _ in range(5):
                    await line.answer(10)  # type: ignore[attr-defined]

        await asyncio.gather(*map(one, lines))

    return run


def once(user: str, path: str, body: bytes) -> Run:
    """Return an attack by a single command; # stands for the number of the attack's turn."""

    async def run(assault: Assault) -> None:
        turn = str(assault.turn)
        line = await assault.line()
        assert line is not None
        data = assault.request(
            "POST",
            path.replace("#", turn),
            body.replace(b"#", turn.encode()),
            user.replace("#", turn),
        )
        status, found = await line.ask(data, 60)
        while status == 429:  # earlier requests have used up the user's budget of this second
            await asyncio.sleep(0.1)
            status, found = await line.ask(data, 60)
        assert status in (200, 201), (status, found[:300])
        await asyncio.sleep(assault.left)

    return run


async def _dead_man(assault: Assault) -> None:
    """Let a dead-man's switch cancel thousands of orders."""
    who = f"dave{assault.turn}"
    line = await assault.line()
    assert line is not None
    status, _ = await line.ask(
        assault.request("POST", "/v1/orders/cancel-after", b'{"seconds":1}', who)
    )
    assert status == 200
    async with asyncio.timeout(60):
        while True:
            await asyncio.sleep(0.2)
            found = await line.ask(
                assault.request("GET", "/v1/orders?status=OPEN&limit=1", user=who)
            )
            if found[0] == 200 and not json.loads(found[1])["items"]:
                return


async def _amends(assault: Assault) -> None:
    """Amend one order without end, on a socket."""
    line = await assault.line()
    assert line is not None
    # earlier attacks have left as many open orders as an account may have
    await line.ask(assault.request("POST", "/v1/orders/cancel-all", b"{}", "mallory"))
    _, body = await line.ask(
        assault.request("POST", "/v1/orders", _order("quiet", "BUY", "0.02", "9"), "mallory")
    )
    id = json.loads(body)["id"]
    socket = await assault.socket("mallory")
    assert socket is not None
    messages = [
        json.dumps(
            {"type": "order.amend", "data": {"orderId": id, "price": f"0.0{n % 7 + 2}"}}
        ).encode()
        for n in range(100)
    ]
    while assault.going and not socket.closed:
        await socket.push(b"".join(map(frame, messages)), 5, 100)
        await socket.drain(0.05)


async def _client_ids(assault: Assault) -> None:
    """Place orders with client order ids, half of which are repeats."""
    numbers = itertools.count()
    line = await assault.line()
    while assault.going and line is not None and not line.closed:
        orders = [
            json.loads(_order("quiet", "BUY", "0.01", "0.01", timeInForce="IOC",
                              clientOrderId=f"{next(numbers) // 2:064d}"))
            for _ in range(100)
        ]  # fmt: skip
        body = json.dumps({"orders": orders}).encode()
        await line.ask(assault.request("POST", "/v1/orders/batch", body, "mallory"))


async def _tiny(assault: Assault) -> None:
    """Rest orders of one hundredth of a contract in batches, up to the limit of open orders."""
    body = b'{"orders":[' + b",".join([_order("own", "SELL", "0.98", "0.01")] * 100) + b"]}"
    await assault.repeat(assault.request("POST", "/v1/orders/batch", body, "mallory"), lines=4)


async def _expiries(assault: Assault) -> None:
    """Let thousands of orders expire at one moment."""
    import datetime

    moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=assault.left / 2)
    order = _order("own", "SELL", "0.97", "0.01", timeInForce="GTD", expiresAt=moment.isoformat())
    body = b'{"orders":[' + b",".join([order] * 100) + b"]}"
    await assault.repeat(assault.request("POST", "/v1/orders/batch", body, "mallory"), lines=4)


_SWEEP = _order("swept#", "BUY", "0.99", "100", timeInForce="IOC")
_FOK_POOR = _order("deep", "BUY", "0.99", "1000000", timeInForce="FOK")
_FOK_OWN = _order("own", "BUY", "0.99", "1000000", timeInForce="FOK", selfTradePrevention="SKIP")
_IOC_OWN = _order("own", "BUY", "0.70", "1", timeInForce="IOC", selfTradePrevention="SKIP")

ATTACKS = [
    Attack(
        "fok-poor",
        "FOK of 1 000 000 at 0.99 without a cent, 1 000 a second",
        places("poor", _FOK_POOR),
        0.4,
    ),
    Attack(
        "fok-own",
        "FOK over thousands of own orders, 1 000 a second",
        places("mallory", _FOK_OWN),
        0.4,
        short=False,
    ),
    Attack(
        "skip-own",
        "SKIP over thousands of own orders, 1 000 a second",
        places("mallory", _IOC_OWN),
        0.4,
    ),
    Attack("amends", "one order amended without end", _amends, short=False),
    Attack("client-ids", "client order ids, half of them repeats", _client_ids, short=False),
    Attack("tiny", "batches of 100 orders of a hundredth", _tiny),
    Attack("expiries", "orders that all run out at one moment", _expiries, 1.2, short=False),
    Attack(
        "sweep",
        "one IOC that sweeps thousands of orders",
        once("mallory", "/v1/orders", _SWEEP),
    ),
    Attack(
        "cancel-all",
        "cancel-all of thousands of orders",
        once("carol#", "/v1/orders/cancel-all", b"{}"),
    ),
    Attack("dead-man", "a dead-man switch over thousands of orders", _dead_man, 1.2),
    Attack(
        "resolve",
        "a market with thousands of positions is resolved",
        once("admin", "/v1/markets/held#/resolve", b'{"outcome":"YES"}'),
    ),
]
