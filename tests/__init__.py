"""The tests mirror the package. Fixtures are in conftest.py, shared helpers in support/.

Modules that no test imports, and the tests that cover them:
- parquet_library: recorded_orders/test_files.py, server/process/test_data_export.py
- spans: cli/test_timestamps.py
"""
