"""Mistakes between gateways and the core, through Redis."""

from tests.support.sabotage import Sabotage

BATCH = "predmarket/server/core/batch.py"
CONSUMER = "predmarket/server/redis_bus/consumer.py"
FOLLOWER = "predmarket/server/redis_bus/follower.py"
HEARD = "predmarket/server/redis_bus/core_status.py"
PRESENCE = "predmarket/server/redis_bus/gateway_liveness.py"
PUBLISHER = "predmarket/server/redis_bus/publisher.py"
SENDER = "predmarket/server/redis_bus/sender.py"


def _test(module: str, name: str) -> str:
    return f"tests/server/{module}.py::test_{name}"


SABOTAGES = (
    Sabotage(
        "a reply before the gateway holds its batch",
        FOLLOWER,
        "        if answers.batch <= self.batch:\n",
        "        if True:\n",
        _test("redis_bus/test_follower", "a_lost_batch_is_read_from_the_outbox"),
    ),
    Sabotage(
        "a batch that was missed is not asked for",
        FOLLOWER,
        "        await self._catch_up(number - 1)\n",
        "        self.batch = number - 1\n",
        _test("redis_bus/test_follower", "a_lost_batch_is_found_by_the_next"),
    ),
    Sabotage(
        "a batch told twice is taken twice",
        FOLLOWER,
        "            return  # told of before",
        "            self.batch = number - 1",
        _test("redis_bus/test_follower", "a_repeated_batch_is_ignored"),
    ),
    Sabotage(
        "a deposed core is listened to",
        HEARD,
        "        if not new and (",
        "        if False and (",
        _test("redis_bus/test_follower", "a_deposed_core_is_not_listened_to"),
    ),
    Sabotage(
        "a gateway goes on with a database that lost what it told of",
        FOLLOWER,
        "                self._core.distrust(wrong)\n",
        "                pass\n",
        "tests/failover/test_lost_orders.py::test_acknowledged_orders_that_a_failover_lost",
    ),
    Sabotage(
        "the place in the command stream is not stored",
        BATCH,
        "self.position or before.position",
        "before.position",
        _test("redis_bus/test_stream", "the_stream_is_trimmed_to_the_committed_position"),
    ),
    Sabotage(
        "a lost stream goes unnoticed",
        CONSUMER,
        "        if last is None or last < (at.ms, at.seq):\n",
        "        if False:\n",
        _test("redis_bus/test_stream", "a_stream_that_is_lost_is_replaced[gone]"),
    ),
    Sabotage(
        "a gateway makes the stream anew by itself",
        SENDER,
        "nomkstream=True",
        "nomkstream=False",
        _test("redis_bus/test_stream", "a_stream_that_is_gone_takes_no_command"),
    ),
    Sabotage(
        "the stream is trimmed of what is not committed",
        PUBLISHER,
        "minid=done.entry, approximate=False",
        'minid="9999999999999", approximate=False',
        _test("redis_bus/test_stream", "the_stream_is_trimmed_to_the_committed_position"),
    ),
    Sabotage(
        "the orders of a dead gateway stay",
        PRESENCE,
        "            elif now - heard.at > SILENT_S:\n",
        "            elif False:\n",
        _test("redis_bus/test_gateway_liveness", "the_orders_of_a_gateway_that_died"),
    ),
)
