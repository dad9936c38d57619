"""The accounts as which a recording is played into an exchange over its API.

Each is registered as ``label-account@replay.example.com`` with the name "Replay: account". Its
password is derived from a secret in the configuration folder, so that a later run logs in again.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from pathlib import Path

from predmarket.client import ApiError, Client, Session
from predmarket.files import replace_file

_DOMAIN = "replay.example.com"
_SECRET = "replay.secret"
_ATTEMPTS = 60


class ReplayAccounts:
    """Opens recorded accounts' clients. An account has ``funds`` from when it is first named."""

    def __init__(
        self,
        url: str,
        admin: Client,
        folder: Path,
        *,
        label: str,
        funds: str,
        tell: Callable[[str], None],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """``tell`` gets a sentence when the exchange makes one wait. Raises OSError."""
        self._url = url
        self._admin = admin
        self._secret = _secret(folder)
        self._label = label
        self._funds = funds
        self._tell = tell
        self._sleep = sleep
        self._sessions: dict[str, Session] = {}

    def open(self, account: str) -> Client:
        """Return a new client of an account. Raises ApiError, Unreachable."""
        session = self._sessions.get(account)
        if session is not None:
            return Client(self._url, session=session)
        session = Session()
        client = Client(self._url, session=session)
        try:
            self._enter(client, account)
        except BaseException:
            client.close()
            raise
        self._sessions[account] = session
        return client

    def email(self, account: str) -> str:
        """Return the e-mail as which an account is registered.

        E-mails are compared without case, so an account's capitals are marked.
        """
        spelled = "".join(f"+{one.lower()}" if one.isupper() else one for one in account)
        return f"{self._label}-{spelled}@{_DOMAIN}"

    def _enter(self, client: Client, account: str) -> None:
        email = self.email(account)
        password = hmac.new(self._secret, email.encode(), hashlib.sha256).hexdigest()
        is_registered, attempts = False, 0
        while True:
            try:
                if is_registered:
                    client.login(email, password)
                else:
                    client.register(email, password, f"Replay: {account}")
                break
            except ApiError as error:
                attempts += 1
                if error.code == "EMAIL_TAKEN":
                    is_registered = True
                elif error.status == 429 and attempts < _ATTEMPTS:
                    self._wait(min(error.retry_after_s or 1.0, 60.0))
                else:
                    raise
        key = f"replay-{email}"
        self._admin.transfer(email, self._funds, "replay", idempotency_key=key)

    def _wait(self, pause_s: float) -> None:
        self._tell(
            f"the exchange lets few accounts register at a time: the next one in {pause_s:.0f} s"
            " (PREDMARKET_AUTH_RATE_LIMIT=off and PREDMARKET_AUTH_WINDOW_LIMIT=off there lift that)"
        )
        self._sleep(pause_s)


def _secret(folder: Path) -> bytes:
    """Return the secret of this machine's replays, made if it is missing. Raises OSError."""
    path = folder / _SECRET
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace_file(path, secrets.token_hex(32))
    return path.read_text(encoding="utf-8").encode()
