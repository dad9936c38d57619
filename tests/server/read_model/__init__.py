"""The state that readers see.

Modules that no test imports, and the tests that cover them:
- queries.positions, queries.trades: ../gateway/routes/test_history.py
- queries.traded: ../../kalshi/test_trading.py
- queries.topics: ../gateway/realtime/test_resume.py
"""
