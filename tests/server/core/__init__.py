"""The core on real databases: batches, commits, repair, steps, standby and audit.

Modules that no test imports, and the tests that cover them:
- admin_acts: ../gateway/routes/test_admin_log.py
- audit_queries: test_audit.py
- change_feed: test_outlet.py, test_events.py
- commit_repair, takeover, load_checks: test_commit_repair.py
- committer, decider, pipeline_state: test_batching.py, test_core.py
- fork, journal_reader: ../process/test_fork.py
- known_batch: ../../failover/test_lost_orders.py
- status: test_core.py, test_clock.py
- stores.lease: test_commit_repair.py
"""
