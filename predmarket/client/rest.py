"""The synchronous REST client.

It promises: a call is sent again only when it is repeatable (calls.py); an expired access token is
renewed silently, once; no token appears in an exception; the exchange's cookies are ignored, as a
cookie beside a token would only invite the checks meant for browsers.
"""

import time
from collections.abc import Callable, Iterator
from functools import wraps
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Concatenate, ParamSpec, Self, TypeVar, cast

import httpx

from predmarket import __version__
from predmarket.client import calls
from predmarket.client.calls import Access, Call
from predmarket.client.errors import ApiError, ConfigurationError, Unreachable
from predmarket.client.retry import Retry
from predmarket.client.session import Session, Tokens
from predmarket.client.settings import DEFAULT_URL
from predmarket.client.shapes import Login, Page, User

P = ParamSpec("P")
T = TypeVar("T")

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def _method(build: Callable[P, Call[T]]) -> Callable[Concatenate["Client", P], T]:
    """Make the method that builds a call and sends it."""

    @wraps(build)
    def method(client: "Client", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return client.send(build(*args, **kwargs))

    return method


class Client:
    """A connection to one exchange.

    An api_key is used in place of the session's token, except for what needs a login. Every method
    raises ApiError when the exchange refuses and Unreachable when no answer came; answers are the
    API's own JSON (shapes.py). One client may be shared by threads.
    """

    def __init__(
        self,
        url: str = DEFAULT_URL,
        *,
        session: Session | None = None,
        api_key: str | None = None,
        retry: Retry | None = None,
        timeout_s: float = 15.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._session = session or Session()
        self._api_key = api_key
        self._retry = retry or Retry()
        self._sleep = sleep
        self._url = url.rstrip("/")
        try:
            self._http = _http(self._url, timeout_s)
        except httpx.InvalidURL as error:
            raise ConfigurationError(f"{self._url} is not an address: {error}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send(self, call: Call[T]) -> T:
        """Send ``call`` and return its answer. Raises ApiError, Unreachable."""
        token = self._token(call)
        try:
            return self._repeat(call, token)
        except ApiError as error:
            # a wrong password is no expired token, and a key is never renewed
            if error.status != 401 or error.code == "INVALID_CREDENTIALS":
                raise
            if token is None or token == self._api_key:
                raise
            renewed = self._renew(token)
            if renewed is None and call.access is not Access.OPTIONAL:
                raise
            # what anyone may see is shown even after the session has died
            return self._repeat(call, renewed)

    def follow(self, call: Call[Page[T]]) -> Iterator[T]:
        """Yield the items of ``call``'s page and of all pages after it."""
        while True:
            page = self.send(call)
            yield from page["items"]
            cursor = page.get("nextCursor")
            if not cursor:
                return
            call = call.at(cursor)

    def register(self, email: str, password: str, full_name: str | None = None) -> User:
        """Open an account and stay logged in."""
        return self._enter(self.send(calls.register(email, password, full_name)))

    def login(self, email: str, password: str) -> User:
        """Open a session and keep it."""
        return self._enter(self.send(calls.login(email, password)))

    def logout(self) -> None:
        """Revoke the session and forget it; the API key, if any, is left alone."""
        tokens = self._session.load()
        if tokens is None:
            return
        try:
            self._repeat(calls.logout(), tokens.access)
        except ApiError as error:
            if error.status != 401:
                raise
            renewed = self._renew(tokens.access)
            if renewed is not None:
                self._repeat(calls.logout(), renewed)
        with self._session.exclusively():
            self._session.forget()

    change_password = _method(calls.change_password)
    create_api_key = _method(calls.create_api_key)
    api_keys = _method(calls.api_keys)
    revoke_api_key = _method(calls.revoke_api_key)
    me = _method(calls.me)
    markets = _method(calls.markets)
    market = _method(calls.market)
    create_market = _method(calls.create_market)
    update_market = _method(calls.update_market)
    resolve_market = _method(calls.resolve_market)
    book = _method(calls.book)
    trades = _method(calls.trades)
    candles = _method(calls.candles)
    place_order = _method(calls.place_order)
    preview_order = _method(calls.preview_order)
    place_batch = _method(calls.place_batch)
    orders = _method(calls.orders)
    order = _method(calls.order)
    amend_order = _method(calls.amend_order)
    cancel_order = _method(calls.cancel_order)
    cancel_all = _method(calls.cancel_all)
    cancel_after = _method(calls.cancel_after)
    balance = _method(calls.balance)
    positions = _method(calls.positions)
    portfolio = _method(calls.portfolio)
    fills = _method(calls.fills)
    statement = _method(calls.statement)
    transfer = _method(calls.transfer)
    users = _method(calls.users)
    update_user = _method(calls.update_user)
    status = _method(calls.status)

    def _token(self, call: Call[T]) -> str | None:
        if call.access is Access.NONE:
            return None
        if self._api_key and call.access is not Access.SESSION:
            return self._api_key
        tokens = self._session.load()
        # without a session the key goes along, for the exchange to say what is missing
        return tokens.access if tokens else self._api_key

    def _enter(self, login: Login) -> User:
        with self._session.exclusively():
            self._session.keep(Tokens(login["accessToken"], login["refreshToken"]))
        return login["user"]

    def _renew(self, stale: str) -> str | None:
        """Return an access token newer than ``stale``, None when the session has ended."""
        with self._session.exclusively():
            tokens = self._session.load()
            if tokens is None:
                return None
            if tokens.access != stale:
                return tokens.access  # another process was first
            try:
                login = self._repeat(calls.refresh(tokens.refresh), None)
            except ApiError as error:
                if error.status not in (400, 401):
                    raise
                self._session.forget()
                return None
            fresh = Tokens(login["accessToken"], login["refreshToken"])
            self._session.keep(fresh)
            return fresh.access

    def _repeat(self, call: Call[T], token: str | None) -> T:
        """Send until there is an answer that may stand, or patience ends."""
        attempt = 1
        while True:
            try:
                return self._once(call, token)
            except Unreachable:
                pause_s = self._retry.pause_s(attempt)
                if not call.repeatable or pause_s is None:
                    raise
            except ApiError as error:
                pause_s = self._retry.pause_s(attempt, error.retry_after_s)
                if error.status != 503 or not call.repeatable or pause_s is None:
                    raise
            self._sleep(pause_s)
            attempt += 1

    def _once(self, call: Call[T], token: str | None) -> T:
        headers = dict(call.headers)
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        for name, value in headers.items():
            if not (value.isascii() and value.isprintable()):
                # the HTTP library would quote the value, and with it a secret, in its error
                raise ConfigurationError(f"the value for {name} has characters it cannot have")
        try:
            response = self._http.request(
                call.method,
                self._url + call.path,
                params=dict(call.params) or None,
                json=call.body,
                headers=headers,
            )
        except httpx.TimeoutException:
            raise Unreachable(f"no answer from {self._url} in time") from None
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise Unreachable(
                f"cannot reach {self._url}: {str(error) or 'connection lost'}"
            ) from None
        except (httpx.DecodingError, UnicodeError):
            raise Unreachable(f"{self._url} gave an unreadable answer") from None
        return cast("T", _answer(response, self._url))


def _http(url: str, timeout_s: float) -> httpx.Client:
    parsed = httpx.URL(url)
    return httpx.Client(
        timeout=httpx.Timeout(timeout_s, connect=min(5.0, timeout_s)),
        headers={"User-Agent": f"predmarket/{__version__}", "Accept": "application/json"},
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        # certificates take longer to load than a request takes; plain http needs none
        verify=parsed.scheme == "https",
        # a proxy named in the environment is for elsewhere, not for this machine
        trust_env=parsed.host not in _LOOPBACK,
    )


def _answer(response: httpx.Response, url: str) -> object:
    """Return the decoded answer, or raise what it stands for."""
    if response.is_success:
        if response.status_code == 204 or not response.content:
            return None
        data = _json(response)
        if data is None:
            raise Unreachable(f"{url} does not answer like a predmarket exchange")
        return data
    data = _json(response)
    body = data if isinstance(data, dict) else {}
    error = body.get("error")
    if not isinstance(error, dict):
        error = {}
    request_id = body.get("requestId") or response.headers.get("X-Request-Id")
    raise ApiError(
        response.status_code,
        str(error.get("code") or f"HTTP_{response.status_code}"),
        str(error.get("message") or response.reason_phrase or "no reason given"),
        details=error.get("details"),
        request_id=str(request_id) if request_id else None,
        retry_after_s=_seconds(response.headers.get("Retry-After")),
    )


def _json(response: httpx.Response) -> object:
    try:
        return cast("object", response.json())
    except ValueError:
        return None


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isascii() and text.isdigit() else None
