"""One HTTP request and its answer, for the blocking and the asynchronous client.

No token appears in an exception. The exchange's cookies are ignored: a cookie beside a token would
only cause the checks for browsers.
"""

from collections.abc import Callable
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TypedDict, TypeVar, cast

import httpx

from predmarket.client import network_variables
from predmarket.client.calls import Call
from predmarket.client.errors import ApiError, ConfigurationError, Unreachable, refusal, why
from predmarket.client.headers import LOOPBACK, USER_AGENT, bearer, check, retry_after_s

T = TypeVar("T")
C = TypeVar("C")


class Options(TypedDict):
    """The constructor arguments of both httpx clients."""

    timeout: httpx.Timeout
    headers: dict[str, str]
    cookies: CookieJar
    verify: bool
    trust_env: bool


def opened(kind: Callable[..., C], url: str, timeout_s: float) -> C:
    """Return an HTTP client of ``kind`` for ``url``.

    Raises ConfigurationError, which names the unusable variable.
    """
    settings = options(url, timeout_s)
    if settings["trust_env"]:
        network_variables.require_usable(https=settings["verify"])
    try:
        return kind(**settings)
    except OSError as error:  # includes ssl's errors
        raise network_variables.unusable(
            network_variables.certificates(), error.strerror or error
        ) from None
    except ImportError as error:
        raise network_variables.unusable(network_variables.socks(), error) from None
    except (ValueError, httpx.InvalidURL) as error:
        named = network_variables.spelled(network_variables.NO_PROXY)
        raise network_variables.unusable(named, error) from None


def options(url: str, timeout_s: float) -> Options:
    """Return the arguments of an HTTP client for ``url``. Raises ConfigurationError."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ConfigurationError(f"{url} is not an address: {error}") from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ConfigurationError(f"{url} is not an address: it must look like http://host:port")
    return Options(
        timeout=httpx.Timeout(timeout_s, connect=min(5.0, timeout_s)),
        headers={"User-Agent": USER_AGENT, "Accept": "application/json"},
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        # loading certificates takes longer than a request, and plain http needs none
        verify=parsed.scheme == "https",
        # a proxy in the environment is not for this machine's own addresses
        trust_env=parsed.host not in LOOPBACK,
    )


def request(
    http: httpx.Client | httpx.AsyncClient,
    url: str,
    call: Call[T],
    token: str | None,
    within_s: float | None,
) -> httpx.Request:
    """Build the request of ``call`` for ``http``; within_s shortens the client's time-out. Raises
    ConfigurationError, Unreachable.
    """
    headers = dict(call.headers) | bearer(token)
    check(headers)
    try:
        return http.build_request(
            call.method,
            url + call.path,
            params=dict(call.params) or None,
            json=call.body,
            headers=headers,
            timeout=_within(http.timeout, within_s),
        )
    except httpx.InvalidURL as error:
        raise Unreachable(f"cannot reach {url}: {error}") from None


def limit_s(http: httpx.Client | httpx.AsyncClient, within_s: float | None) -> float | None:
    """Return the time limit of a whole attempt; httpx only bounds each read."""
    return _within(http.timeout, within_s).read


def _within(usual: httpx.Timeout, within_s: float | None) -> httpx.Timeout:
    if within_s is None:
        return usual
    return httpx.Timeout(
        min(within_s, usual.read or within_s), connect=min(within_s, usual.connect or within_s)
    )


def unreachable(error: Exception, url: str) -> Unreachable:
    """Convert an exception of the HTTP library for a caller."""
    if isinstance(error, httpx.TimeoutException):
        return Unreachable(f"no answer from {url} in time")
    if isinstance(error, httpx.RemoteProtocolError) and "disconnected" not in str(error):
        return Unreachable(f"{url} is no exchange: the program there does not speak http")
    if isinstance(error, httpx.TransportError):
        return Unreachable(f"cannot reach {url}{_by_proxy(url)}: {why(error)}")
    return Unreachable(f"{url} gave an unreadable answer")


def _by_proxy(url: str) -> str:
    parsed = httpx.URL(url)
    proxy = None if parsed.host in LOOPBACK else network_variables.proxy_of(parsed.scheme)
    return f" through the proxy that {proxy} names" if proxy else ""


FAILURES = (httpx.TransportError, httpx.DecodingError, UnicodeError)
"""Exceptions of a request without a readable answer; ``unreachable`` explains them."""


def decoded(response: httpx.Response, call: Call[T], url: str) -> T:
    """Decode the answer to ``call``. Raises ApiError, Unreachable."""
    if response.is_redirect:
        where = response.headers.get("Location", "elsewhere")
        raise Unreachable(f"{url} sends one on to {where}: that is the address to use")
    if not response.is_success:
        raise _refusal(response)
    data: object = None
    if call.is_list or (response.status_code != 204 and response.content):
        data = _json(response)
        if not isinstance(data, dict) or (call.is_list and not isinstance(data.get("items"), list)):
            raise Unreachable(f"{url} does not answer like a predmarket exchange")
    return cast("T", data)


def _refusal(response: httpx.Response) -> ApiError:
    return refusal(
        response.status_code,
        _json(response),
        response.reason_phrase,
        request_id=response.headers.get("X-Request-Id"),
        retry_after_s=retry_after_s(response.headers.get("Retry-After")),
    )


def _json(response: httpx.Response) -> object:
    try:
        found: object = response.json()
    except (ValueError, RecursionError):  # no JSON, or nested too deeply
        return None
    return found
