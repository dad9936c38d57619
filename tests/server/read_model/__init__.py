"""The state that readers see.

Modules that no test imports, and the tests that cover them:
- announcements: ../gateway/realtime/test_sight.py
- queries.unsettled: ../gateway/routes/test_sight.py
- queries.order_groups: ../gateway/routes/test_order_groups.py
- queries.seasons: ../gateway/routes/test_seasons.py
- queries.user_groups: ../gateway/routes/test_user_groups.py
- queries.positions, queries.trades: ../gateway/routes/test_history.py
- queries.traded: ../../kalshi/test_trading.py
- queries.topics: ../gateway/realtime/test_resume.py
- queries.quotes: ../gateway/test_quote_history.py
"""
