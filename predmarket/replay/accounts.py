"""The accounts as which a recording is played into an exchange over its API.

The admin makes each as ``label-account@replay.example.com`` with the name "Replay: account", and
its one-time code opens a session. No limit counts that. A later run gets a new code.
"""

import secrets

from predmarket.client import ApiError, Client, Session, calls

_DOMAIN = "replay.example.com"


class ReplayAccounts:
    """Opens recorded accounts' clients. An account has ``funds`` from when it is first named."""

    def __init__(self, url: str, admin: Client, *, label: str, funds: str) -> None:
        self._url = url
        self._admin = admin
        self._label = label
        self._funds = funds
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
        """Return the e-mail of an account.

        E-mails are compared without case, so an account's capitals are marked.
        """
        spelled = "".join(f"+{one.lower()}" if one.isupper() else one for one in account)
        return f"{self._label}-{spelled}@{_DOMAIN}"

    def _enter(self, client: Client, account: str) -> None:
        email = self.email(account)
        client.claim(self._code(email, account), secrets.token_urlsafe(32))
        key = f"replay-{email}"
        self._admin.transfer(email, self._funds, "replay", idempotency_key=key)

    def _code(self, email: str, account: str) -> str:
        """Return a code for an account, which is made if it is missing."""
        try:
            return self._admin.create_user(email, full_name=f"Replay: {account}")["code"]
        except ApiError as error:
            if error.code != "EMAIL_TAKEN":
                raise
        known = self._admin.follow(calls.users(q=email))
        id = next(user["id"] for user in known if user["email"] == email)
        return self._admin.reset_user(id)["code"]
