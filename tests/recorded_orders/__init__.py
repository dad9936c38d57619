"""Files of recorded orders: their rows, CSV and Parquet.

Modules that no test imports, and the tests that cover them:
- files: test_files.py
"""
