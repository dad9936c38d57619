"""The command line: parsing, output, errors, and every command on stub and real exchanges.

Modules that no test imports, and the tests that cover them:
- every other module: test_golden.py (the output of every command), test_reach.py, test_process.py
"""
