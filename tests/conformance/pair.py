"""The exchange over HTTP and the reference exchange, given the same commands and compared.

Each answer is compared whole: status, code, order, fills. ``look`` compares everything that the API
shows. The accepted differences are:

- a command that the gateway refuses by itself (400, a missing or draft market) never reaches the
core, so the reference only learns the time;

- a draft opened after its closing time closes at once, so the answer may show it closed already;

- for a user who may not see a draft, its market does not exist.
"""

from fractions import Fraction

from tests.conformance.expected import STATUS, Expected, Json, show_time, slug
from tests.conformance.world import ADMIN, ADMINS, SIGNUP_CREDIT, START, World
from tests.reference.audit import audit
from tests.reference.exchange import ReferenceExchange
from tests.reference.records import CLOSES, FINAL, Command, Notice
from tests.reference.units import ONE_DOLLAR_PRICE, show_money, show_price

NO_ORDER = 999_999_999
PREVIEW_EVERY = 5
CHANGES_OF_GROUPS = {
    "set_group_limit": ("PATCH", ""),
    "reset_group": ("POST", "/reset"),
    "trigger_group": ("POST", "/trigger"),
    "delete_group": ("DELETE", ""),
}
SETTLED = {"YES": "1.0000", "NO": "0.0000", "VOID": None}


class Pair:
    """Both exchanges, and the requests sent under keys. Raises AssertionError at a difference."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.reference = ReferenceExchange()
        self.expected = Expected(self.reference)
        self.sent: list[tuple[int, Json, int]] = []
        """Orders with a client order id: user, body, order id."""
        self.placements = 0
        self.booked: list[tuple[Json, Json]] = []
        """Transfers with a key: body, answer."""
        self.reference.advance(START)

    def do(self, command: Command) -> None:
        """Carry out one command of the reference on both exchanges."""
        self.world.now = command["ts"]
        match command["op"]:
            case "open_account":
                self._open_account(command)
            case "place":
                self.place(command)
            case "create_market":
                self._create(command)
            case "amend":
                self._amend(command)
            case "cancel":
                self._cancel(command)
            case "cancel_all":
                self._cancel_all(command)
            case "cancel_after":
                self._cancel_after(command)
            case "transfer":
                self.transfer(command)
            case "update_market":
                self._update(command)
            case "resolve":
                self.resolve(command)
            case "create_group":
                self._create_group(command)
            case op:
                self._change_group(command, *CHANGES_OF_GROUPS[op])

    # --- orders ----------------------------------------------------------------------------

    def place(self, command: Command, *, keyed: bool = False) -> None:
        """Place an order, with a client order id or without."""
        self.world.now = command["ts"]
        # over HTTP a setting bounds the open orders of all users, far above the number in a run
        command = {**command, "max_open_orders": None}
        user, body = command["user"], order_body(command)
        if not self.sees(user, command["market"]):
            command = {**command, "market": NO_ORDER}
        preview = self._preview(command, body)
        if keyed:
            body["clientOrderId"] = f"key-{len(self.sent)}"
        answer = self.world.call(user, "POST", "/v1/orders", body)
        self.apply(command)
        id = len(self.reference.ledger.orders)
        if preview is not None:
            self._same_preview(*preview, id)
        self.expected.created[id] = command["ts"]
        if self.reference.groups().get(command.get("group", 0), (0,))[0] == user:
            self.expected.grouped.add(id)
        if keyed:
            self.expected.keys[id] = body["clientOrderId"]
            self.sent.append((user, body, id))
        self._same_order(answer, id, 201)

    def _preview(self, command: Command, body: Json) -> tuple[tuple[int, Json], int] | None:
        """Preview some of the orders; return the answer and the shares that the user could give."""
        self.placements += 1
        if self.placements % PREVIEW_EVERY:
            return None
        self.let_time_pass()  # a preview reads the committed state, without timers that are due
        user, market = command["user"], command["market"]
        free = 0
        known = self.reference.ledger.markets.get(market)
        if known is not None and known.status not in FINAL:
            free = self.reference.ledger.free(user, market, CLOSES[command["side"]])
        return self.world.call(user, "POST", "/v1/orders/preview", body), free

    def _same_preview(self, answer: tuple[int, Json], free: int, id: int) -> None:
        """Check a preview against the order's execution."""
        order = self.reference.ledger.orders[id]
        if order.status == "REJECTED":
            assert order.reason is not None
            _refused(answer, order.reason)
        else:
            same("preview", (200, self.expected.preview(id, free)), answer)

    def repeat(self, index: int, changes: Json) -> None:
        """Send an order again under its client order id, unchanged or with other content."""
        user, body, id = self.sent[index]
        answer = self.world.call(user, "POST", "/v1/orders", {**body, **changes})
        if changes:
            self.at_the_door(answer, "DUPLICATE_CLIENT_ORDER_ID")
        else:
            self.let_time_pass()
            self._same_order(answer, id, 200)

    def _amend(self, command: Command) -> None:
        changes = {name: command[name] for name in ("price", "qty") if command[name] is not None}
        path = f"/v1/orders/{command['order']}"
        answer = self.world.call(command["user"], "PATCH", path, changes)
        if self.done(answer, self.apply(command)):
            same("order", self.expected.order(command["order"]), answer[1])

    def _cancel(self, command: Command) -> None:
        path = f"/v1/orders/{command['order']}/cancel"
        answer = self.world.call(command["user"], "POST", path)
        if self.done(answer, self.apply({**command, "admin": command["user"] in ADMINS})):
            same("order", self.expected.order(command["order"]), answer[1])

    def _cancel_all(self, command: Command) -> None:
        user, market, event = command["user"], command["market"], command["event"]
        body = {"marketId": market, "eventId": event, "side": command["side"]}
        answer = self.world.call(user, "POST", "/v1/orders/cancel-all", body)
        if market is not None and not self.sees(user, market):
            self.at_the_door(answer, "MARKET_NOT_FOUND")
            return
        if event is not None and not self._sees_event(user, event):
            self.at_the_door(answer, "EVENT_NOT_FOUND")
            return
        events = self.apply(command)
        ids = [e[1] for e in events if e[0] == "ORDER_CANCELED" and e[2] == "USER"]
        same("canceled", (200, {"canceled": sorted(ids)}), answer)

    def _cancel_after(self, command: Command) -> None:
        body = {"seconds": command["seconds"]}
        answer = self.world.call(command["user"], "POST", "/v1/orders/cancel-after", body)
        self.apply(command)
        due = self.reference.ledger.deadman.get(command["user"])
        same("switch", (200, {"cancelAt": show_time(due)}), answer)

    def _create_group(self, command: Command) -> None:
        body = {"limit": command["limit"]}
        answer = self.world.call(command["user"], "POST", "/v1/order-groups", body)
        if self.done(answer, self.apply(command), 201):
            same("group", self.expected.groups(command["user"])[-1], answer[1])

    def _change_group(self, command: Command, method: str, more: str) -> None:
        id, deletes = command["group"], method == "DELETE"
        body = {"limit": command["limit"]} if method == "PATCH" else None
        path = f"/v1/order-groups/{id}{more}"
        answer = self.world.call(command["user"], method, path, body)
        if self.done(answer, self.apply(command), 204 if deletes else 200) and not deletes:
            group = next(g for g in self.expected.groups(command["user"]) if g["id"] == id)
            same("group", group, answer[1])

    # --- accounts --------------------------------------------------------------------------

    def _open_account(self, command: Command) -> None:
        """Register a user; the credit of the command is the exchange's sign-up credit."""
        if command["user"] not in self.world.tokens:
            same("user", command["user"], self.world.register())
            self.apply({**command, "credit": SIGNUP_CREDIT})

    def transfer(self, command: Command, *, keyed: bool = False) -> None:
        """Deposit or withdraw, with an idempotency key or without."""
        self.world.now = command["ts"]
        user = command["user"]
        body = {"userId": user, "amount": command["amount"], "reason": "test"}
        headers = {"idempotency-key": f"key-{len(self.booked)}"} if keyed else {}
        answer = self.world.call(ADMIN, "POST", "/v1/user/transfer", body, headers)
        if not self.done(answer, self.apply(command), 201):
            return
        same("balance", self.expected.balance(user), answer[1]["balance"])
        if keyed:
            self.booked.append((body, answer[1]))

    def repeat_transfer(self, index: int, changes: Json) -> None:
        """Send a transfer again under its key, unchanged or with other content."""
        body, original = self.booked[index]
        headers = {"idempotency-key": f"key-{index}"}
        sent = {**body, **changes}
        answer = self.world.call(ADMIN, "POST", "/v1/user/transfer", sent, headers)
        if changes:
            self.at_the_door(answer, "IDEMPOTENCY_KEY_REUSED")
        else:
            same("repeated transfer", (200, original), answer)
            self.let_time_pass()

    # --- markets ---------------------------------------------------------------------------

    def _create(self, command: Command) -> None:
        id = len(self.reference.ledger.markets) + 1
        body = {
            "slug": slug(id),
            "question": "Will it rain?",
            "tickSize": command["tick"],
            "makerFeeRate": command["maker_fee"],
            "takerFeeRate": command["taker_fee"],
            "closesAt": show_time(command["closes_at"]),
            "status": command["status"],
        }
        answer = self.world.call(ADMIN, "POST", "/v1/markets", body)
        if is_past(command):
            self.at_the_door(answer, "VALIDATION_FAILED")
        elif self.done(answer, self.apply(command), 201):
            same("market", self.expected.market(id), answer[1])

    def _update(self, command: Command) -> None:
        id, body = command["market"], {}
        if command["status"] is not None:
            body["status"] = command["status"]
        if "closes_at" in command:
            body["closesAt"] = show_time(command["closes_at"])
        answer = self.world.call(ADMIN, "PATCH", f"/v1/markets/{id}", body)
        if not self.sees(ADMIN, id):
            self.at_the_door(answer, "MARKET_NOT_FOUND")
        elif is_past(command):
            self.at_the_door(answer, "VALIDATION_FAILED")
        elif self.done(answer, self.apply(command)):
            self.expected.read(self.reference.advance(command["ts"]))
            same("market", self.expected.market(id), answer[1])

    def resolve(self, command: Command) -> None:
        """Resolve a market; a market of an event can only be struck."""
        id, outcome = command["market"], command["outcome"]
        body = resolution_body(command)
        answer = self.world.call(ADMIN, "POST", f"/v1/markets/{id}/resolve", body)
        if not self.sees(ADMIN, id):
            self.at_the_door(answer, "MARKET_NOT_FOUND")
            return
        self.expected.read(self.reference.advance(command["ts"]))
        interest = self.reference.markets()[id][1]
        events = self.apply(command)
        if not self.done(answer, events):
            return
        self.expected.outcomes[id] = settled(command)
        same("market", self.expected.market(id), answer[1]["market"])
        if outcome != "VOID" and self.reference.ledger.markets[id].stands_alone:
            merged = sum(Fraction(e[3]) * 100 for e in events if e[0] == "MERGED" and e[2] == id)
            paid = (interest - int(merged)) * ONE_DOLLAR_PRICE
            same("paid", show_money(paid), answer[1]["payouts"]["total"])

    # --- refusals ----------------------------------------------------------------------------

    def refuse(self, user: int, method: str, path: str, body: object, code: str) -> None:
        """Send a request that the gateway must refuse before it reaches the core."""
        self.at_the_door(self.world.call(user, method, path, body), code)

    def let_time_pass(self) -> None:
        """Let the timers of both fire: those of the core by a command that changes nothing."""
        status, _ = self.world.call(ADMIN, "POST", f"/v1/orders/{NO_ORDER}/cancel")
        assert status == STATUS["ORDER_NOT_FOUND"]
        self.expected.read(self.reference.advance(self.world.now))

    def apply(self, command: Command) -> list[Notice]:
        """Carry out a command on the reference alone; return its notices."""
        events = self.reference.apply(command)
        self.expected.read(events)
        audit(self.reference)
        return events

    def sees(self, user: int, market: int) -> bool:
        """Tell whether a user may see a market."""
        known = self.reference.ledger.markets.get(market)
        return known is not None and (known.status != "DRAFT" or user in ADMINS)

    def _sees_event(self, user: int, event: int) -> bool:
        """Tell whether a user may see an event: one of its markets is more than a draft."""
        known = self.reference.ledger.events.get(event)
        return known is not None and any(self.sees(user, market) for market in known.markets)

    def at_the_door(self, answer: tuple[int, Json], code: str) -> None:
        """Check a refusal by the gateway itself."""
        _refused(answer, code)
        self.let_time_pass()

    def done(self, answer: tuple[int, Json], events: list[Notice], status: int = 200) -> bool:
        """Check an answer's status; tell whether the command was executed."""
        refusals = [str(event[1]) for event in events if event[0] == "REFUSED"]
        if refusals:
            _refused(answer, refusals[0])
            return False
        same("status", status, answer[0], answer[1])
        return True

    def _same_order(self, answer: tuple[int, Json], id: int, status: int) -> None:
        """Check the answer to a placement or to its repeat."""
        order = self.reference.ledger.orders[id]
        if order.status == "REJECTED":
            assert order.reason is not None
            error = _refused(answer, order.reason)
            same("id of the refused order", id, error["details"]["orderId"])
        else:
            same("status", status, answer[0], answer[1])
            same("order", self.expected.order(id), answer[1])

    # --- public state -----------------------------------------------------------------------

    def look_at_balances(self) -> None:
        """Compare everybody's cash."""
        for user in self.world.tokens:
            same("balance", self.expected.balance(user), self.world.get(user, "/v1/user/balance"))

    def look(self) -> None:
        """Compare everything that the API shows."""
        self.let_time_pass()
        self.look_at_balances()
        for user in self.world.tokens:
            self._look_at_user(user)
        for id in self.reference.ledger.markets:
            self._look_at_market(id)

    def _look_at_user(self, user: int) -> None:
        world, expected = self.world, self.expected
        same("orders", expected.orders(user), world.pages(user, "/v1/orders", 17))
        same("fills", expected.fills(user), world.pages(user, "/v1/user/fills", 17))
        rows = {row["marketId"]: row for row in world.get(user, "/v1/user/positions")["items"]}
        for row in rows.values():
            mark = row["markPrice"]
            row["markPrice"] = None if mark is None else Fraction(mark)
        flat = {"qtyLong": "0.00", "qtyShort": "0.00", "realizedPnl": "0.000000"}
        held = {id: row for id, row in rows.items() if not flat.items() <= row.items()}
        same("positions", expected.positions(user), held)
        same("portfolio", expected.portfolio(user), world.get(user, "/v1/user/portfolio"))
        live = [order.id for order in self.reference.ledger.live if order.user == user]
        shown = world.get(user, "/v1/orders?status=OPEN,PARTIALLY_FILLED&limit=100")["items"]
        same("groups", expected.groups(user), world.get(user, "/v1/order-groups")["items"])
        same("open orders", sorted(live, reverse=True)[:100], [order["id"] for order in shown])

    def _look_at_market(self, id: int) -> None:
        world, expected = self.world, self.expected
        same("market", expected.market(id), world.get(ADMIN, f"/v1/markets/{id}"))
        same("book", expected.book(id), world.get(ADMIN, f"/v1/orderbook/{slug(id)}"))
        same("trades", expected.trades_of(id), world.pages(ADMIN, f"/v1/trades/{id}", 17))


def order_body(command: Command) -> Json:
    """Return a placement as a request body of the API."""
    body: Json = {
        "marketId": command["market"],
        "side": command["side"],
        "type": command["type"],
        "price": command["price"],
        "qty": command["qty"],
        "timeInForce": command["tif"],
        "expiresAt": show_time(command["expires_at"]),
        "postOnly": command["post_only"],
        "reduceOnly": command["reduce_only"],
        "maxSlippage": command["max_slippage"],
        "selfTradePrevention": command["stp"],
        "deadline": show_time(command["deadline"]),
        "orderGroupId": command.get("group"),
    }
    return {name: value for name, value in body.items() if value is not None}


def resolution_body(command: Command) -> Json:
    """Return the resolution of a market as the API takes it."""
    body = {"outcome": command["outcome"]}
    if command["outcome"] == "SCALAR":
        body["settlementPrice"] = command["price"]
    return body


def settled(command: Command) -> tuple[str, str | None]:
    """Return the outcome and the settlement price of a market that is resolved so."""
    price = int(Fraction(command["price"] or 0) * ONE_DOLLAR_PRICE)
    return command["outcome"], SETTLED.get(command["outcome"], show_price(price))


def is_past(command: Command) -> bool:
    """Tell whether the gateway refuses a closing time as past."""
    closes_at = command.get("closes_at")
    return closes_at is not None and closes_at <= command["ts"]


def _refused(answer: tuple[int, Json], code: str) -> Json:
    """Check a refusal; return its error."""
    status, body = answer
    same("refusal", (STATUS[code], code), (status, body.get("error", body).get("code")))
    error: Json = body["error"]
    return error


def same(what: str, expected: object, actual: object, note: object = "") -> None:
    """Compare two values.

    Of an object only the expected fields count, since an answer may have more.
    """
    shown = _as_expected(expected, actual)
    if expected != shown:
        lines = f"{what}\n  reference {expected}\n  exchange  {shown}"
        raise AssertionError(f"{lines}\n  {note}" if note else lines)


def _as_expected(expected: object, actual: object) -> object:
    if isinstance(expected, dict) and isinstance(actual, dict):
        if not all(isinstance(name, str) for name in expected):
            return {key: _as_expected(expected.get(key), actual[key]) for key in actual}
        known = expected.keys() & actual.keys()
        return {name: _as_expected(expected[name], actual[name]) for name in known}
    if (
        isinstance(expected, list | tuple)
        and isinstance(actual, list | tuple)
        and len(expected) == len(actual)
    ):
        pairs = zip(expected, actual, strict=True)
        return type(expected)(_as_expected(one, other) for one, other in pairs)
    return actual
