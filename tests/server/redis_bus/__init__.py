"""The bus between processes: delivery, trust, standby cores and lost gateways.

Modules that no test imports, and the tests that cover them:
- command_numbers: test_trust.py
- told_batches: ../../failover/test_lost_orders.py
- consumer, publisher, sender: test_stream.py, test_contract.py
"""
