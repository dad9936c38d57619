"""Decoding and limits of requests, and the table of errors.

Modules that no test imports, and the tests that cover them:
- administration: ../server/gateway/routes/test_admin_log.py
- calibration: ../server/gateway/test_calibration.py
- imports: ../server/gateway/routes/test_imports.py
- operations: ../server/gateway/test_health.py
"""
