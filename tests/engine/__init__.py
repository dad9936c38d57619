"""The engine: its rules one by one, and random commands against the reference exchange.

Modules that no test imports, and the tests that cover them:
- account, accounts: test_accounts.py
- bulk_creation: test_bulk_creation.py
- cancels, waits: test_steps.py
- event_lifecycle: test_event_lifecycle.py, test_event_steps.py
- exchange: test_exchange.py, test_differential.py
- lifecycle: test_lifecycle.py
- order_group, order_groups, group_registry: test_order_groups.py
- sight: test_sight.py
- orders: test_orders.py, test_event_orders.py
- proposal, resolutions: test_proposals.py, test_differential.py
- own_orders, sweeps, ties: test_matching.py, test_steps.py, test_differential.py
"""
