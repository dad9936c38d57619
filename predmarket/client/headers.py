"""The headers of every request, over HTTP and in a socket's handshake."""

from predmarket import __version__
from predmarket.client.errors import ConfigurationError

USER_AGENT = f"predmarket/{__version__}"
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def bearer(token: str | None) -> dict[str, str]:
    """Return the header that carries ``token``."""
    return {} if token is None else {"Authorization": f"Bearer {token}"}


def check(headers: dict[str, str]) -> None:
    """Raise ConfigurationError for a value that is invalid in a header."""
    for name, value in headers.items():
        if not (value.isascii() and value.isprintable()):
            # the libraries' errors would quote the value, which is a secret
            raise ConfigurationError(f"the value for {name} has characters it cannot have")


def retry_after_s(text: str | None) -> float | None:
    """Return the seconds of a Retry-After header, None if it is absent or a date."""
    return float(text) if text and text.isascii() and text.isdigit() else None
