"""The gateway: its parts alone, and the whole API over HTTP and sockets.

Modules that no test imports, and the tests that cover them:
- account_views, order_entry: routes/test_trading.py
- auth.sessions: auth/test_sessions.py
- auth.signatures: ../../kalshi/test_signatures.py
- broadcast.creator_names, broadcast.frames, broadcast.hub: realtime/test_topics.py
- broadcast.rendering: realtime/test_topics.py, realtime/test_docs.py
- event_presenters: routes/test_events.py
- metadata: routes/test_metadata.py
- group_presenters, routes.order_groups: routes/test_order_groups.py
- routes.user_groups: routes/test_user_groups.py
- auth.held_markets, sight, sight_watch, market_groups: routes/test_sight.py
- broadcast.group_names: realtime/test_sight.py
- auth.codes, group_making, routes.invites, routes.sign_up: routes/test_codes.py
- http.cors: http/test_browsers.py
- http.headers, http.params, http.query, http.responses: http/test_hostile.py
- http.methods: http/test_methods.py
- identity_presenters: routes/test_users.py, auth/test_sessions.py
- kalshi: ../../kalshi/test_market_data.py, ../../kalshi/test_signatures.py
- limits.rate_limited: limits/test_limits.py
- loop_turns: test_fair_turns.py, routes/test_history.py
- openapi.notes: openapi/test_document.py
- protocol.config, protocol.early_response: protocol/test_connection.py
- protocol.head_cache: protocol/test_order_fast_path.py, protocol/test_fast_path_equality.py
- realtime.endpoint, realtime.subscriptions: realtime/test_endpoint.py, realtime/test_topics.py
- realtime.client, realtime.requests: realtime/test_endpoint.py, realtime/test_topics.py
- realtime.socket_orders: realtime/test_socket_orders.py
- routes.account, routes.user_accounts, routes.market_data: routes/test_trading.py
- routes.admin_log: routes/test_admin_log.py
- routes.api_keys: auth/test_api_keys.py
- routes.auth, routes.sessions: auth/test_auth.py, auth/test_sessions.py
- routes.faults: faults/test_faults.py
- routes.events: routes/test_events.py
- routes.markets, routes.orders, routes.order_signatures: routes/test_trading.py
- routes.operations: test_health.py
- resolutions: routes/test_proposals.py
- routes.users: routes/test_users.py
- services: routes/test_trading.py
"""
