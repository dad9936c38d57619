"""The settings for ``from_env`` of a client or a feed: from the environment and a profile."""

from typing import TypedDict

from predmarket.client.session import Session, StoredSession
from predmarket.client.settings import resolve


class ConnectionOptions(TypedDict):
    """An exchange's address, and the credentials for it."""

    url: str
    session: Session
    api_key: str | None


def connection(profile: str | None = None) -> ConnectionOptions:
    """Return the options from PREDMARKET_URL, PREDMARKET_PROFILE, PREDMARKET_API_KEY,
    PREDMARKET_CONFIG_DIR and the profile file, as the command line reads them. Raises
    ConfigurationError.
    """
    settings = resolve(profile=profile)
    url, name = settings.url.value, settings.profile.value
    return ConnectionOptions(
        url=url,
        session=StoredSession(settings.folder, name, url),
        api_key=settings.api_key.value if settings.api_key else None,
    )
