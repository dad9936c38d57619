"""Client order ids and idempotency keys: a repeat gets the original's reply, for ever.

This module holds the keys of decided, uncommitted commands. Other keys are looked up in the
database, with one indexed query for a whole group. Memory holds no history.

Invariant: no other command is decided between a look-up and the decision that relies on it, so a
key that neither place knows is new. Source: API, clientOrderId.
"""

from collections.abc import Iterable
from typing import TypeAlias

import msgspec

from predmarket.engine.commands import Command, PlaceOrder, Transfer
from predmarket.engine.replies import OrderDone, Refused, TransferDone
from predmarket.enums import ErrorCode
from predmarket.server.core.bus import BusReply, RepeatedOrder, RepeatedTransfer
from predmarket.server.core.pending_command import PendingCommand
from predmarket.server.core.stores.base import (
    KnownOrder,
    KnownTransfer,
    OrderKey,
    Store,
    TransferKey,
)

Keys: TypeAlias = tuple[list[OrderKey], list[TransferKey]]
Content: TypeAlias = str | tuple[int, int, str] | None
Known: TypeAlias = tuple[Content, BusReply, str]
"""The content and the reply that go with a key, and the id of the command it came with."""
Found: TypeAlias = dict[tuple[str, int, str], Known]


class IdempotencyIndex:
    """The known keys, decided or committed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._orders: dict[OrderKey, Known] = {}
        self._transfers: dict[TransferKey, Known] = {}
        self._found: Found = {}

    def unknown_keys(self, group: Iterable[PendingCommand]) -> Keys:
        """Return the keys of a group that need a look-up.

        The others are remembered for ``answer`` at once: during the look-up their batch may be
        committed and the key forgotten.
        """
        self._found = {}
        orders: dict[OrderKey, None] = {}
        transfers: dict[TransferKey, None] = {}
        for pending in group:
            command = pending.command
            if isinstance(command, PlaceOrder) and command.client_order_id is not None:
                key = (command.user_id, command.client_order_id)
                if key in self._orders:
                    self._found["order", *key] = self._orders[key]
                else:
                    orders[key] = None
            elif isinstance(command, Transfer) and command.key is not None:
                key = (command.actor_id, command.key)
                if key in self._transfers:
                    self._found["transfer", *key] = self._transfers[key]
                else:
                    transfers[key] = None
        return list(orders), list(transfers)

    async def look_up(self, keys: Keys) -> None:
        """Look up which keys are committed. Raises StoreError, IntegrityViolation."""
        found: Found = {}
        orders, transfers = keys
        if orders:
            for key, order in (await self._store.known_orders(orders)).items():
                found["order", *key] = order.request, _order_reply(order), ""
        if transfers:
            for key, known in (await self._store.known_transfers(transfers)).items():
                found["transfer", *key] = (
                    _transfer_content(known),
                    RepeatedTransfer(known.transfer_id),
                    "",
                )
        self._found.update(found)

    def answer(self, command: Command) -> BusReply | None:
        """Return a repeat's reply, or None when the command is new. Call it after ``look_up``."""
        content: Content
        if isinstance(command, PlaceOrder) and command.client_order_id is not None:
            order_key = (command.user_id, command.client_order_id)
            known = self._orders.get(order_key) or self._found.get(("order", *order_key))
            content = command.request
            code = ErrorCode.DUPLICATE_CLIENT_ORDER_ID
        elif isinstance(command, Transfer) and command.key is not None:
            key = (command.actor_id, command.key)
            known = self._transfers.get(key) or self._found.get(("transfer", *key))
            content = (command.user_id, command.amount, command.reason)
            code = ErrorCode.IDEMPOTENCY_KEY_REUSED
        else:
            return None
        if known is None:
            return None
        if not same_content(known[0], content):
            return Refused(code, "the same key was used before with other content")
        return known[1]

    def decided(self, pending: PendingCommand, reply: BusReply) -> None:
        """Remember a keyed command's reply until its commit."""
        command = pending.command
        if isinstance(command, PlaceOrder) and command.client_order_id is not None:
            if isinstance(reply, OrderDone):
                reply = RepeatedOrder(reply.order.id)
            elif not (isinstance(reply, Refused) and reply.order_id is not None):
                return  # refused without a record, so a repeat is decided anew
            key = (command.user_id, command.client_order_id)
            self._orders[key] = command.request, reply, pending.id
        elif (
            isinstance(command, Transfer)
            and command.key is not None
            and isinstance(reply, TransferDone)
        ):
            content = (command.user_id, command.amount, command.reason)
            self._transfers[command.actor_id, command.key] = (
                content,
                RepeatedTransfer(reply.transfer_id),
                pending.id,
            )

    def committed(self, decided: Iterable[PendingCommand]) -> None:
        """Forget the keys of a committed batch: the database knows them now.

        If a command was refused without a record, its key may belong to a later command by now. So
        each command forgets only its own entry.
        """
        for pending in decided:
            command = pending.command
            if isinstance(command, PlaceOrder) and command.client_order_id is not None:
                _drop_own(self._orders, (command.user_id, command.client_order_id), pending.id)
            elif isinstance(command, Transfer) and command.key is not None:
                _drop_own(self._transfers, (command.actor_id, command.key), pending.id)

    def forget(self) -> None:
        """Forget all keys: the repair reads the committed ones from the database."""
        self._orders.clear()
        self._transfers.clear()
        self._found = {}


def same_content(known: Content, given: Content) -> bool:
    """Tell whether a repeat has the original's content.

    An order's content begins with the market's id and its name in the request, ``7~rain|…``. The id
    decides; if there was no market by that name (id 0), the name decides.
    """
    if not (isinstance(known, str) and isinstance(given, str)):
        return known == given
    (market, _, order), (given_market, _, given_order) = known.partition("|"), given.partition("|")
    id, _, name = market.partition("~")
    given_id, _, given_name = given_market.partition("~")
    same_market = name == given_name if id == "0" else id == given_id
    return same_market and order == given_order


def _drop_own(known: dict[tuple[int, str], Known], key: tuple[int, str], owner: str) -> None:
    entry = known.get(key)
    if entry is not None and entry[2] == owner:
        del known[key]


def _transfer_content(known: KnownTransfer) -> Content:
    return known.user_id, known.amount, known.reason


def _order_reply(known: KnownOrder) -> BusReply:
    if known.rejection is None:
        return RepeatedOrder(known.order_id)
    code, message, details = msgspec.json.decode(
        known.rejection, type=tuple[ErrorCode, str, dict[str, str | int] | None]
    )
    return Refused(code, message, details, known.order_id)
