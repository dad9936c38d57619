"""The process: start, stop, maintenance, roles, and `serve --demo`.

Modules that no test imports, and the tests that cover them:
- accounts: test_demo.py, ../../testing/test_exchange.py
- data_export.file_formats, data_export.resolutions: test_data_export.py
- demo.catalog, demo.clock, demo.history: test_demo.py
- listening: test_listening.py
- roles.admin_port: ../redis_bus/test_fleet.py
- roles.workers: test_workers.py
- schema_check: test_maintenance.py, test_unsafe.py
- shutdown: test_shutdown.py
- told_audit: ../../failover/test_lost_orders.py
"""
