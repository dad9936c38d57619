"""Mistakes between a command's arrival at the core and its answer."""

from tests.support.sabotage import Sabotage

AUDIT = "predmarket/server/core/audit.py"
CORE = "predmarket/server/core/core.py"
COMMITTER = "predmarket/server/core/committer.py"
JOURNAL = "predmarket/server/core/journal.py"
LEASE = "predmarket/server/core/stores/lease.py"
PENDING = "predmarket/server/core/pending_command.py"
STATE_LOADER = "predmarket/server/core/state_loader.py"
LOG_QUEUE = "predmarket/server/observability/log_queue.py"
LOAD_CHECKS = "predmarket/server/core/load_checks.py"
COMMIT_REPAIR = "predmarket/server/core/commit_repair.py"
REPEATS = "predmarket/server/core/idempotency.py"
SQLITE = "predmarket/server/core/stores/sqlite.py"
STORE = "predmarket/server/core/stores/base.py"
TAKEOVER = "predmarket/server/core/takeover.py"
TELLING = "predmarket/server/core/change_feed.py"
WORK = "predmarket/server/core/pipeline_state.py"


def _test(module: str, name: str) -> str:
    return f"tests/server/{module}.py::test_{name}"


SABOTAGES = (
    Sabotage(
        "each ledger entry of a command has the balance after the last",
        "predmarket/server/core/stores/history_rows.py",
        "            cash[user_id] -= amount\n",
        "",
        _test("core/test_audit", "a_user_with_several_entries_of_one_command[sqlite]"),
    ),
    Sabotage(
        "a core goes on with a database that lost what it acknowledged",
        TAKEOVER,
        "            require(store, known)\n",
        "            pass\n",
        "tests/failover/test_lost_orders.py::test_acknowledged_orders_that_a_failover_lost",
    ),
    Sabotage(
        "a commit whose wait for the standby was broken off is acknowledged",
        "predmarket/server/core/stores/postgres.py",
        "        if self._unreplicated:\n",
        "        if False:\n",
        "tests/failover/test_failover.py::test_nothing_acknowledged_is_lost",
    ),
    Sabotage(
        "a reply before the commit",
        COMMITTER,
        "            self._commits.append(_Commit(batch, record, returned))\n",
        "            self._commits.append(_Commit(batch, record, returned))\n"
        "            batch.answer()\n",
        _test("core/test_core", "no_reply_and_no_view_before_commit_returns[sqlite]"),
    ),
    Sabotage(
        "the market view before the commit",
        COMMITTER,
        "            self._commits.append(_Commit(batch, record, returned))\n",
        "            self._commits.append(_Commit(batch, record, returned))\n"
        "            batch.publish(pipeline.view)\n",
        _test("core/test_core", "no_reply_and_no_view_before_commit_returns[sqlite]"),
    ),
    Sabotage(
        "the outlet before the answers",
        COMMITTER,
        "            batch.answer()\n            if batch.changes is not None:\n"
        "                pipeline.outlet.committed(batch.changes, batch.encoded)\n",
        "            if batch.changes is not None:\n"
        "                pipeline.outlet.committed(batch.changes, batch.encoded)\n"
        "            batch.answer()\n",
        _test("core/test_outlet", "view_then_answers_then_outlet[sqlite]"),
    ),
    Sabotage(
        "the fence lets an old epoch through",
        STORE,
        "AND epoch = {m} AND",
        "AND (epoch = {m} OR id = 1) AND",
        _test("core/stores/test_stores", "an_old_epoch_is_fenced_off[sqlite]"),
    ),
    Sabotage(
        "the fence lets a batch through twice",
        STORE,
        "AND last_batch = {m}",
        "AND (last_batch = {m} OR id = 1)",
        _test("core/stores/test_stores", "a_batch_is_written_once[sqlite]"),
    ),
    Sabotage(
        "a row at another version is overwritten",
        SQLITE,
        " AND version = {mark['version']} - 1",
        "",
        _test("core/stores/test_stores", "a_row_at_another_version_fails_the_batch[sqlite]"),
    ),
    Sabotage(
        "a lost outbox entry",
        SQLITE,
        "            db.execute(self._insert_outbox(), (batch, changes))\n",
        "",
        _test("core/test_outlet", "numbers_survive_restarts[sqlite]"),
    ),
    Sabotage(
        "an outbox entry told twice",
        TAKEOVER,
        "one.batch > (known_batch or 0)",
        "one.batch >= (known_batch or 0)",
        _test("core/test_outlet", "an_unknown_outcome_is_announced_once[sqlite-committed]"),
    ),
    Sabotage(
        "quotes that are not written at a restart",
        "predmarket/server/core/pipeline_state.py",
        "QuoteRows(loaded.outbox)",
        "QuoteRows()",
        _test(
            "gateway/test_quote_history",
            "quotes_are_the_same_after_restarts_and_on_every_gateway[sqlite]",
        ),
    ),
    Sabotage(
        "the outbox grows for ever",
        STORE,
        "batch - OUTBOX_BATCHES",
        "-1",
        _test("core/test_outlet", "the_outbox_is_bounded[sqlite]"),
    ),
    Sabotage(
        "the journal's hash is not chained",
        JOURNAL,
        "hashlib.sha256(previous + head + entries)",
        "hashlib.sha256(head + entries)",
        _test("core/test_journal", "the_hash_covers_everything"),
    ),
    Sabotage(
        "the journal's hash leaves the entries out",
        JOURNAL,
        "hashlib.sha256(previous + head + entries)",
        "hashlib.sha256(previous + head)",
        _test("core/test_journal", "the_hash_covers_everything"),
    ),
    Sabotage(
        "an idempotency key ignored",
        REPEATS,
        '            known = self._transfers.get(key) or self._found.get(("transfer", *key))\n',
        "            known = None\n",
        _test("core/test_core", "a_transfer_happens_once_for_its_key[sqlite]"),
    ),
    Sabotage(
        "a client order id looked up in memory only",
        REPEATS,
        "        if orders:\n",
        "        if False:\n",
        _test("core/test_core", "repeats_find_the_original[sqlite]"),
    ),
    Sabotage(
        "a client order id looked up in the database only",
        REPEATS,
        "self._orders.get(order_key) or self._found",
        "self._found",
        _test("core/test_core", "repeats_find_the_original[sqlite]"),
    ),
    Sabotage(
        "a key used again with other content is a repeat",
        REPEATS,
        "        if not same_content(known[0], content):\n",
        "        if False:\n",
        _test("core/test_core", "repeats_find_the_original[sqlite]"),
    ),
    Sabotage(
        "a repair runs again what was committed",
        COMMIT_REPAIR,
        "pending.recover(loaded.committed_ids)",
        "pending.recover(frozenset())",
        _test("core/test_commit_repair", "an_unknown_outcome_is_found_out[sqlite-committed]"),
    ),
    Sabotage(
        "a repair forgets what was not committed",
        COMMIT_REPAIR,
        "        pipeline.requeue()\n",
        "",
        _test("core/test_commit_repair", "an_unknown_outcome_is_found_out[sqlite-lost]"),
    ),
    Sabotage(
        "a repair runs again in the wrong order",
        WORK,
        "sorted(again, key=lambda pending: pending.number)",
        "sorted(again, key=lambda pending: -pending.number)",
        _test("core/test_commit_repair", "an_unknown_outcome_is_found_out[sqlite-lost]"),
    ),
    Sabotage(
        "what nobody waits for any more is begun",
        PENDING,
        "        if self.reply.done() or self.expires_at <= now:\n",
        "        if False:\n",
        _test("core/test_core", "an_expired_command_is_not_begun[sqlite]"),
    ),
    Sabotage(
        "a full queue takes more",
        CORE,
        "pipeline.waiting >= self.max_queue",
        "False",
        _test("core/test_core", "a_full_queue_refuses_and_takes_nothing[sqlite]"),
    ),
    Sabotage(
        "the end leaves what was accepted",
        CORE,
        "            pipeline.until(lambda: pipeline.idle ",
        "            pipeline.until(lambda: True ",
        _test("core/test_core", "stop_settles_what_was_accepted[sqlite]"),
    ),
    Sabotage(
        "sums that do not add up are served",
        LOAD_CHECKS,
        "    if cash + collateral + ledger.fees != ledger.net_deposits:\n",
        "    if False:\n",
        _test("core/test_commit_repair", "a_load_refuses_state_that_does_not_add_up[sqlite]"),
    ),
    Sabotage(
        "a stale lease honoured",
        LEASE,
        "NOT BETWEEN {NOW} AND {NOW} + %(ttl)s",
        "NOT BETWEEN 1 AND {NOW} + %(ttl)s",
        _test("core/test_commit_repair", "a_dead_holders_lease_runs_out"),
    ),
    Sabotage(
        "the lead taken while another has it",
        LEASE,
        '                "OR lease.holder = %(me)s RETURNING',
        '                "OR lease.holder IS DISTINCT FROM %(me)s RETURNING',
        _test("core/test_commit_repair", "a_second_core_is_refused[postgres]"),
    ),
    Sabotage(
        "a lease that was lost is not noticed",
        LEASE,
        '            raise Deposed("the lease is another core\'s")\n',
        "            pass\n",
        _test("core/test_commit_repair", "a_core_that_lost_its_lease_stops"),
    ),
    Sabotage(
        "a sequence that skips",
        TELLING,
        "seqs.fills += 1",
        "seqs.fills += 2",
        _test("core/test_outlet", "a_random_stream_is_announced_without_a_gap[sqlite]"),
    ),
    Sabotage(
        "a draft is announced",
        TELLING,
        "        if status is MarketStatus.DRAFT:\n",
        "        if False:\n",
        _test("core/test_outlet", "markets_are_announced[sqlite]"),
    ),
    Sabotage(
        "a replay compares the words of refusals",
        AUDIT,
        "    if shape is not rows.ORDER_EVENTS or row[_TYPE] != _REJECTED:\n",
        "    if True:\n",
        _test("storage/test_upgrade", "the_version_before[sqlite]"),
    ),
    Sabotage(
        "lines that nobody reads fill the memory",
        LOG_QUEUE,
        "            if self._size + len(line) > self._most:\n",
        "            if False:\n",
        _test("observability/test_log_queue", "lines_beyond_the_bound_are_counted"),
    ),
)
