"""Mistakes with markets of groups: their visibility to users, in place and time."""

from tests.support.sabotage import Sabotage

ANNOUNCEMENTS = "predmarket/server/read_model/announcements.py"
ORDER_ENTRY = "predmarket/server/gateway/order_entry.py"
SIGHT = "predmarket/server/gateway/sight.py"
WATCH = "predmarket/server/gateway/sight_watch.py"


def _test(module: str, name: str) -> str:
    return f"tests/server/gateway/{module}.py::test_{name}[sqlite]"


SABOTAGES = (
    Sabotage(
        "everybody sees what belongs to a group",
        SIGHT,
        "    return not draft and (group_id in who.groups or unit in who.held)\n",
        "    return not draft\n",
        _test("routes/test_sight", "a_market_of_a_group_exists_for_its_members_alone"),
    ),
    Sabotage(
        "whoever leaves sees nothing more at once",
        SIGHT,
        " or unit in who.held)\n",
        ")\n",
        _test("routes/test_sight", "whoever_leaves_sees_the_market_until_flat"),
    ),
    Sabotage(
        "whoever is flat sees the market for a while longer",
        WATCH,
        "            for user_id in self._maybe_flat(changes):\n",
        "            for user_id in set[int]():\n",
        _test("routes/test_sight", "whoever_leaves_sees_the_market_until_flat"),
    ),
    Sabotage(
        "an order in a market out of sight is said to be another user's",
        ORDER_ENTRY,
        "    if placed is None or not sees_id(who, placed.market_id, services.view):\n",
        "    if placed is None:\n",
        _test("routes/test_sight", "an_order_of_others_in_a_hidden_market"),
    ),
    Sabotage(
        "announcements reach other groups",
        ANNOUNCEMENTS,
        "        return group_id is None or audience is None or group_id in audience\n",
        "        return True\n",
        _test("realtime/test_sight", "the_topic_of_all_markets_counts_what_its_audience_sees"),
    ),
    Sabotage(
        "others' trades leave gaps in a page of all trades",
        "predmarket/server/read_model/queries/trades.py",
        "            break\n        width = min",
        "            break\n        break\n        width = min",
        _test("test_hidden_group", "an_outsider_cannot_tell"),
    ),
)
