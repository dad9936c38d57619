"""A feed's credentials: the token of its connection, and its renewal after expiry."""

from collections.abc import Awaitable, Callable
from enum import Enum, auto
from typing import TYPE_CHECKING

from predmarket.client.errors import ApiError, Unreachable
from predmarket.client.session import Session

if TYPE_CHECKING:
    from predmarket.client.async_client import AsyncClient


class Renewal(Enum):
    """The result of a renewal; POSTPONED means that the exchange did not answer: try again."""

    DONE = auto()
    POSTPONED = auto()
    IMPOSSIBLE = auto()


class Credentials:
    """An API key or access token, a session, or no credential."""

    def __init__(
        self,
        url: str,
        api_key: str | None,
        session: Session | None,
        timeout_s: float,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._api_key = api_key
        # a key is never renewed
        by_session = api_key is None and session is not None
        self._client = _client(url, session, timeout_s, sleep) if by_session else None

    async def token(self) -> str | None:
        """Return the next connection's token, None for an anonymous one."""
        return self._api_key if self._client is None else await self._client.token()

    async def renew(self, refused: str | None) -> Renewal:
        """Get a token newer than the ``refused`` one. Raises ApiError."""
        if self._client is None or refused is None:
            return Renewal.IMPOSSIBLE
        try:
            token = await self._client.renew(refused)
        except Unreachable:
            return Renewal.POSTPONED
        except ApiError as error:
            if error.status != 429 and error.status < 500:
                raise
            return Renewal.POSTPONED
        return Renewal.IMPOSSIBLE if token is None else Renewal.DONE

    async def aclose(self) -> None:
        """Finish a running renewal, and close the connections."""
        if self._client is not None:
            await self._client.aclose()


def _client(
    url: str,
    session: Session | None,
    timeout_s: float,
    sleep: Callable[[float], Awaitable[None]],
) -> "AsyncClient":
    # loading the HTTP library is slow, and not every feed needs it
    from predmarket.client.async_client import AsyncClient  # noqa: PLC0415  (see above)

    return AsyncClient(url, session=session, timeout_s=timeout_s, sleep=sleep)
