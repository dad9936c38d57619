"""Waits for the end of an order."""

import time
from dataclasses import dataclass
from enum import StrEnum

import predmarket.client as api
from predmarket.cli.context import Line
from predmarket.cli.failure import own
from predmarket.client.response_types import Order
from predmarket.enums import LIVE_STATUSES, OrderStatus

FIRST_PAUSE_S, _LONGEST_S = 0.1, 1.0
"""The pauses between two looks at the order."""


class Awaited(StrEnum):
    """The awaited event: the order has filled, or it has ended in any way."""

    FILLED = "filled"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class OrderWait:
    """A wait for an event, with its limit in seconds."""

    awaited: Awaited
    at_most_s: float

    def until_over(self, line: Line, client: "api.Client", order: Order) -> Order:
        """Return the order when it has ended or the time is over. Raises ClientError."""
        began, pause_s = time.monotonic(), FIRST_PAUSE_S
        while _works(order) and (left := began + self.at_most_s - time.monotonic()) > 0:
            if pause_s == FIRST_PAUSE_S:
                line.output.note(f"waiting for order {order['id']}, {self.at_most_s:g} s at most")
            time.sleep(min(pause_s, left))
            pause_s = min(_LONGEST_S, 1.5 * pause_s)
            order = client.order(order["id"])
        return order

    def require(self, order: Order) -> None:
        """Raise Failure unless the awaited event has occurred."""
        if _works(order):
            raise own(
                "STILL_WORKING",
                f"order {order['id']} is still {order['status']} after {self.at_most_s:g} s",
                hint=f"it goes on; to end it: predmarket order cancel {order['id']}",
            )
        if self.awaited is Awaited.FILLED and order["status"] != OrderStatus.FILLED:
            filled = f"{order['qtyFilled']} of {order['qty']} filled"
            why = f"order {order['id']} has ended {order['status']} with {filled}"
            raise own("NOT_FILLED", why)


def _works(order: Order) -> bool:
    return order["status"] in LIVE_STATUSES
