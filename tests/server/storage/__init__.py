"""The database, its tables and its migrations.

Modules that no test imports, and the tests that cover them:
- every other module: test_migrations.py, test_database.py
"""
