"""Mistakes in the messages and the permissions of sockets."""

from tests.support.sabotage import Sabotage

BEGINNINGS = "predmarket/server/gateway/realtime/snapshots.py"
OUTGOING = "predmarket/server/gateway/broadcast/send_buffer.py"
RECENT = "predmarket/server/gateway/broadcast/replay_buffer.py"
SUBSCRIPTION = "predmarket/server/gateway/broadcast/subscription.py"
SOCKET = "predmarket/server/gateway/protocol/websocket.py"
TOPICS = "predmarket/server/gateway/broadcast/topics.py"


def _test(module: str, name: str) -> str:
    return f"tests/server/{module}.py::test_{name}"


SABOTAGES = (
    Sabotage(
        "a snapshot older than its seq",
        BEGINNINGS,
        "            return Snapshot(shown.seq, ",
        "            return Snapshot(shown.seq + 1, ",
        _test("gateway/realtime/test_resume", "chains_while_orders_arrive[sqlite]"),
    ),
    Sabotage(
        "a resume that drops one",
        BEGINNINGS,
        "in changes[start : start + ITEMS_A_TURN]:",
        "in changes[start + 1 : start + ITEMS_A_TURN]:",
        _test("gateway/realtime/test_resume", "resume[sqlite]"),
    ),
    Sabotage(
        "a resume of the last change alone",
        RECENT,
        "                if last_seq_of(change) == last_seq:\n",
        "                if True:\n",
        _test("gateway/realtime/test_resume", "resume[sqlite]"),
    ),
    Sabotage(
        "what the snapshot stands for already is sent again",
        SUBSCRIPTION,
        "        elif not self.live and message.seq <= self.seen:\n",
        "        elif False:\n",
        _test("gateway/realtime/test_resume", "chains_while_orders_arrive[sqlite]"),
    ),
    Sabotage(
        "what came during the snapshot is lost",
        SUBSCRIPTION,
        "        held, self._held = self._held, []\n",
        "        held, self._held = self._held[:0], []\n",
        _test("gateway/realtime/test_resume", "chains_while_orders_arrive[sqlite]"),
    ),
    Sabotage(
        "merged deltas that leave a gap",
        SUBSCRIPTION,
        "        self.last_seq = last_seq\n",
        "        self.last_seq = last_seq + 1\n",
        _test("gateway/realtime/test_slow", "a_stalled_reader[sqlite]"),
    ),
    Sabotage(
        "a reader that is too slow fills the memory",
        OUTGOING,
        "        if self.size > MAX_WAITING_BYTES:\n",
        "        if False:\n",
        _test("gateway/realtime/test_slow", "a_reader_that_is_too_slow[sqlite]"),
    ),
    Sabotage(
        "a private topic unguarded",
        TOPICS,
        '    if whose != ME and whose.lstrip("0") != str(who.user_id):\n',
        "    if False:\n",
        _test("gateway/realtime/test_limits", "topics_of_others[sqlite]"),
    ),
    Sabotage(
        "a key without leave to read listens",
        TOPICS,
        "    check_scope(who, Scope.READ)\n",
        "",
        _test("gateway/realtime/test_socket_orders", "permissions_of_orders[sqlite]"),
    ),
    Sabotage(
        "a Close overtakes the messages before it",
        SOCKET,
        "            if self._halted and rest[at] & _OPCODE == _CLOSE:\n",
        "            if False:\n",
        _test(
            "gateway/realtime/test_socket_orders",
            "orders_before_a_close_are_executed[sqlite]",
        ),
    ),
)
