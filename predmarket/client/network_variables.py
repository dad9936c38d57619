"""Checks the environment variables for proxies and certificates, which the network libraries read.

For a bad variable the libraries report only a failure. This module names the variable.
"""

import os
from collections.abc import Iterator

from predmarket.client.errors import ConfigurationError

NO_PROXY = "NO_PROXY"
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
_SCHEMES = ("http", "https", "socks5", "socks5h")


def require_usable(*, https: bool) -> None:
    """Raise ConfigurationError, which names the first unusable variable."""
    for name, value in _given(*_PROXIES):
        scheme, separator, rest = value.partition("://")
        if separator and (scheme.lower() not in _SCHEMES or not rest):
            known = ", ".join(_SCHEMES)
            raise unusable(name, f"a proxy is spelled SCHEME://HOST:PORT, with one of {known}")
    for name, value in _given("SSL_CERT_FILE") if https else ():
        if not os.path.isfile(value) or not os.access(value, os.R_OK):
            raise unusable(name, f"{value} is no file that can be read")
    for name, value in _given("SSL_CERT_DIR") if https else ():
        if not all(map(os.path.isdir, value.split(os.pathsep))):
            raise unusable(name, f"{value} is no folder")


def unusable(name: str, why: object) -> ConfigurationError:
    """Return the error for an unusable variable."""
    return ConfigurationError(f"{name} cannot be used: {why}")


def spelled(*names: str) -> str:
    """Return the variables that are set, in the environment's spelling."""
    return " or ".join(name for name, _ in _given(*names)) or "the environment"


def socks() -> str:
    """Return the variables that name a SOCKS proxy, which may need a missing package."""
    named = [name for name, value in _given(*_PROXIES) if value.lower().startswith("socks")]
    return " or ".join(named) or spelled(*_PROXIES)


def proxy_of(scheme: str) -> str | None:
    """Return the variable of the proxy for an address with ``scheme``, if any."""
    return next((name for name, _ in _given(f"{scheme.upper()}_PROXY", "ALL_PROXY")), None)


def certificates() -> str:
    """Return the variable that names the certificates: the first that is set."""
    names = (name for name, _ in _given("SSL_CERT_FILE", "SSL_CERT_DIR"))
    return next(names, "the environment")


def _given(*names: str) -> Iterator[tuple[str, str]]:
    for name in names:
        for spelling in (name, name.lower()):
            if value := os.environ.get(spelling):
                yield spelling, value
