"""Mistakes with authentication and permissions: sessions, API keys, cookies."""

from tests.support.sabotage import Sabotage

FAMILIES = "predmarket/server/gateway/auth/refresh_tokens.py"
GATE = "predmarket/server/gateway/auth/authenticator.py"
PRINCIPALS = "predmarket/server/gateway/auth/principals.py"
REVOCATIONS = "predmarket/server/gateway/auth/revocations.py"
SESSIONS = "predmarket/server/gateway/auth/sessions.py"
TOKENS = "predmarket/server/gateway/auth/tokens.py"


def _test(module: str, name: str) -> str:
    return f"tests/server/{module}.py::test_{name}"


SABOTAGES = (
    Sabotage(
        "a refresh token accepted twice",
        FAMILIES,
        "    if not used.rowcount:\n        return None\n    ends_at",
        "    ends_at",
        _test("gateway/auth/test_sessions", "a_stolen_refresh_token_ends_the_family[sqlite-later]"),
    ),
    Sabotage(
        "a refresh token repeated for ever",
        SESSIONS,
        "successor if now <= before.used_at + REPEAT_SECONDS * SECOND else None",
        "successor",
        _test("gateway/auth/test_sessions", "a_stolen_refresh_token_ends_the_family[sqlite-later]"),
    ),
    Sabotage(
        "a stolen refresh token leaves its session alone",
        SESSIONS,
        "end_sessions(connection, sessions.c.id == row.session_id, now)",
        "end_sessions(connection, sessions.c.id == 0, now)",
        _test("gateway/auth/test_sessions", "a_stolen_refresh_token_ends_the_family[sqlite-later]"),
    ),
    Sabotage(
        "a new password leaves the other sessions",
        SESSIONS,
        "            await end_sessions(connection, others, await self._time(connection))\n",
        "",
        _test("gateway/auth/test_password", "a_new_password_ends_the_other_sessions[sqlite]"),
    ),
    Sabotage(
        "a revocation is not told to the other gateways",
        REVOCATIONS,
        "redis.publish(self._channel, signed)",
        'redis.publish("nobody", signed)',
        _test("gateway/limits/test_limits", "a_logout_is_effective_everywhere_at_once"),
    ),
    Sabotage(
        "a revoked key is still known",
        PRINCIPALS,
        "            if not ended.concerns(cached.found.principal)\n",
        "",
        _test("gateway/auth/test_api_keys", "a_revoked_key_is_refused_at_once[sqlite]"),
    ),
    Sabotage(
        "a look-up under way outlives a revocation",
        PRINCIPALS,
        "            if revocations == self.revocations:",
        "            if True:",
        _test(
            "gateway/auth/test_api_keys",
            "a_look_up_under_way_does_not_outlive_a_revocation[sqlite]",
        ),
    ),
    Sabotage(
        "a session revoked elsewhere is known for ever",
        PRINCIPALS,
        "min(now + RECHECK_SECONDS, found.expires_at)",
        "found.expires_at",
        _test("gateway/auth/test_auth", "a_session_revoked_elsewhere_ends_soon[sqlite]"),
    ),
    Sabotage(
        "a CSRF check skipped",
        GATE,
        "            self.check_origin(asked)\n",
        "            pass\n",
        _test("gateway/http/test_browsers", "a_known_origin_may_write_with_the_cookie"),
    ),
    Sabotage(
        "a key's scopes ignored",
        GATE,
        "    if not principal.may(scope):\n",
        "    if False:\n",
        _test("gateway/auth/test_api_keys", "a_key_does_what_its_scopes_say[sqlite]"),
    ),
    Sabotage(
        "an API key may do what needs a login",
        GATE,
        "        if principal.key_id:\n",
        "        if False:\n",
        _test("gateway/auth/test_api_keys", "keys_cannot_replace_a_login"),
    ),
    Sabotage(
        "an expired token let in",
        TOKENS,
        'int(claims["exp"]) <= now or ',
        "",
        _test("gateway/auth/test_auth", "tokens_that_are_not_valid[sqlite]"),
    ),
)
