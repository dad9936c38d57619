"""Mistakes with events outside the engine: in rows, recovery, audit, API and topics."""

from tests.support.sabotage import Sabotage

ADMIN_ACTS = "predmarket/server/core/admin_acts.py"
AUDIT_QUERIES = "predmarket/server/core/audit_queries.py"
BATCH = "predmarket/server/core/batch.py"
FEED = "predmarket/server/core/change_feed.py"
HOLDINGS = "predmarket/server/read_model/queries/holdings.py"
LOAD_CHECKS = "predmarket/server/core/load_checks.py"
PRESENTERS = "predmarket/server/gateway/event_presenters.py"
PREVIEW = "predmarket/server/gateway/order_preview.py"
RECORDS = "predmarket/server/read_model/records.py"
STATE_LOADER = "predmarket/server/core/state_loader.py"
ROUTES = "predmarket/server/gateway/routes/events.py"
HISTORY_ROWS = "predmarket/server/core/stores/history_rows.py"
SIGHT = "predmarket/server/gateway/sight.py"
STATE_ROWS = "predmarket/server/core/stores/state_rows.py"
SNAPSHOTS = "predmarket/server/gateway/realtime/snapshots.py"
VIEW = "predmarket/server/read_model/market_view.py"


def _test(module: str, name: str) -> str:
    return f"tests/server/{module}.py::test_{name}"


def _found(tampering: str) -> str:
    return _test("core/test_events", f"tampering_is_found[sqlite-{tampering}]")


def _not_served(tampering: str) -> str:
    return _test(
        "core/test_events", f"a_load_refuses_events_that_do_not_add_up[sqlite-{tampering}]"
    )


EVERY_COMMAND = _test("core/test_events", "every_command_is_kept[sqlite-WINNER-]")
EXAMPLES = _test("gateway/routes/test_events", "examples_6_to_9[sqlite]")
EXAMPLE_10 = _test("gateway/routes/test_events", "example_10[sqlite]")
EXAMPLE_11 = _test("gateway/routes/test_events", "example_11[sqlite]")
REFUSALS = _test("gateway/routes/test_events", "refusals[sqlite]")
TOPICS = _test("gateway/realtime/test_topics", "topics_of_an_event[sqlite]")
BETWEEN_STEPS = _test(
    "core/test_events", "the_next_core_goes_on_between_the_steps[sqlite-3-winner]"
)


SABOTAGES = (
    Sabotage(
        "what an event pays is recorded twice",
        HISTORY_ROWS,
        '            ("PAYOUT", "COLLATERAL", paid.cash),\n',
        '            ("PAYOUT", "COLLATERAL", paid.cash),\n'
        '            ("PAYOUT", "COLLATERAL", paid.cash),\n',
        EVERY_COMMAND,
    ),
    Sabotage(
        "what an event pays does not name it",
        HISTORY_ROWS,
        "                event_id=paid.event_id,\n",
        "",
        EVERY_COMMAND,
    ),
    Sabotage(
        "a holding loses its base",
        STATE_ROWS,
        "    return h.user_id, h.event_id, h.base, h.net_paid, version\n",
        "    return h.user_id, h.event_id, 0, h.net_paid, version\n",
        EVERY_COMMAND,
    ),
    Sabotage(
        "a strike is not in the admin log",
        ADMIN_ACTS,
        "if isinstance(command, ResolveMarket):",
        "if isinstance(command, ResolveMarket) and False:",
        _test("core/test_events", "a_strike_answers_and_merges[sqlite]"),
    ),
    Sabotage(
        "an added market is not in the admin log",
        ADMIN_ACTS,
        "    if isinstance(command, AddMarket):\n",
        "    if False:\n",
        EVERY_COMMAND,
    ),
    Sabotage(
        "recovery pays what the steps have paid",
        STATE_LOADER,
        "    return 0 if under_way is None else under_way.after\n",
        "    return 0\n",
        BETWEEN_STEPS,
    ),
    Sabotage(
        "recovery forgets a resolution under way",
        STATE_LOADER,
        '        event.ending = EventOutcome(r["ending"]) if r["ending"] else None\n',
        "        event.ending = None\n",
        BETWEEN_STEPS,
    ),
    Sabotage(
        "recovery forgets the positions in struck markets",
        STATE_LOADER,
        '    "UNION ALL SELECT m.id FROM markets m JOIN events e ON e.id = m.event_id "\n'
        '    "WHERE e.outcome IS NULL)"\n',
        '    "UNION ALL SELECT m.id FROM markets m JOIN events e ON e.id = m.event_id "\n'
        '    "WHERE e.outcome IS NULL AND m.outcome IS NULL)"\n',
        _test("core/test_events", "a_strike_answers_and_merges[sqlite]"),
    ),
    Sabotage(
        "recovery forgets the label of a market",
        STATE_LOADER,
        ' label=r["label"],\n',
        "\n",
        EVERY_COMMAND,
    ),
    Sabotage(
        "outcomes that are not there are served",
        LOAD_CHECKS,
        "        if event.outcomes != live + (not event.exhaustive) - struck:\n",
        "        if False:\n",
        _not_served("UPDATE events SET outcomes = outcomes - 1"),
    ),
    Sabotage(
        "the audit does not sum sets",
        AUDIT_QUERIES,
        '            "HAVING SUM(base) <> 0 OR SUM(collateral)',
        '            "HAVING SUM(collateral)',
        _found("UPDATE holdings SET base = base + 1 WHERE user_id = 1-events: bases = sets"),
    ),
    Sabotage(
        "the audit does not look at who owes",
        AUDIT_QUERIES,
        '            "AND (h.base + p.net < 0 OR (NOT e.exhaustive AND h.base < 0))"\n',
        '            "AND h.base + p.net < -1000000"\n',
        _found("UPDATE holdings SET base = base - 1000 WHERE user_id = 1-events: nobody owes"),
    ),
    Sabotage(
        "a topic of event positions skips a number",
        FEED,
        "            seqs.holdings += 1\n",
        "            seqs.holdings += 2\n",
        TOPICS,
    ),
    Sabotage(
        "the topic of an event skips a number",
        FEED,
        "            seqs[event.id] += 1\n",
        "            seqs[event.id] += 2\n",
        TOPICS,
    ),
    Sabotage(
        "the news of an event is not told",
        BATCH,
        "                self.announced_events.add(event.event_id)\n",
        "                pass\n",
        TOPICS,
    ),
    Sabotage(
        "a topic of event positions leaves the short ones out",
        FEED,
        "if p is not None and p.yes != p.no]",
        "if p is not None and p.yes > p.no]",
        TOPICS,
    ),
    Sabotage(
        "an event's snapshot stands for a change more",
        SNAPSHOTS,
        "            seq = view.event_ticker_seq(topic.id)\n",
        "            seq = view.event_ticker_seq(topic.id) + 1\n",
        TOPICS,
    ),
    Sabotage(
        "a draft event shows",
        SIGHT,
        "    draft = view.event_status(event.id) is MarketStatus.DRAFT\n",
        "    draft = False\n",
        _test("gateway/routes/test_events", "lists_and_changes[sqlite]"),
    ),
    Sabotage(
        "a draft event is listed",
        SIGHT,
        "        and (is_admin or status is not MarketStatus.DRAFT)\n",
        "        and True\n",
        _test("gateway/routes/test_events", "lists_and_changes[sqlite]"),
    ),
    Sabotage(
        "a market that is not there is resolved as NONE",
        ROUTES,
        "_NO_MARKET = -1\n",
        "_NO_MARKET = 0\n",
        REFUSALS,
    ),
    Sabotage(
        "what merging has paid ahead is counted with the positions",
        RECORDS,
        "        return (short - self.base) * PRICE_ONE\n",
        "        return short * PRICE_ONE\n",
        EXAMPLES,
    ),
    Sabotage(
        "an exhaustive event pays for NONE",
        PRESENTERS,
        "        None if event.exhaustive else format_money(record.none),\n",
        "        format_money(record.none),\n",
        EXAMPLE_10,
    ),
    Sabotage(
        "a struck outcome still pays",
        PRESENTERS,
        "            if one.outcome is None\n",
        "",
        EXAMPLE_11,
    ),
    Sabotage(
        "what is held without a position is not shown",
        HOLDINGS,
        "    return [record for record in records if record.base or record.nets]\n",
        "    return [record for record in records if record.base]\n",
        _test("core/test_events", "holdings_of_a_user[sqlite]"),
    ),
    Sabotage(
        "a preview does not know of baskets",
        PREVIEW,
        "        if event is not None:\n            await _hold(",
        "        if False:\n            await _hold(",
        EXAMPLES,
    ),
    Sabotage(
        "a market of an event is not found with it",
        VIEW,
        "                insort(self._market_ids[record.event_id], record.id)\n",
        "                pass\n",
        EXAMPLE_11,
    ),
)
