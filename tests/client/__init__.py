"""The client library, on scripted connections and on real exchanges.

Modules that no test imports, and the tests that cover them:
- async_client, client, call_runner, deadline, http, headers: test_client.py, test_async_client.py
- calls.account_calls, calls.admin_calls, calls.call: test_client.py, test_contract.py
- calls.event_calls, calls.identity_calls, calls.market_calls: test_client.py, test_contract.py
- calls.order_calls, calls.order_group_calls: test_client.py, test_contract.py
- calls.user_group_calls, calls.season_calls: test_contract.py, ../cli/test_reach.py
- credentials, environment, network_variables: test_settings.py, test_session.py
- response_types: test_contract.py
- market_file, rows_file: ../cli/test_market_import.py, ../cli/test_user_import.py
- feed, inbox, subscriptions, topics, retry: test_feed.py, test_feed_connection.py
"""
