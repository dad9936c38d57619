"""The client's settings: flag > environment > .env > profile file > default.

config.toml in the configuration folder:

    default_profile = "practice"

    [profiles.practice]
    url = "https://practice.example.com"

A profile that is not in the file is valid, too: it has the default address and its own session. But
a name without a session that looks like a misspelt known profile is refused, because it would
connect to the wrong exchange. A .env file is read from the working folder. It never directs an API
key from elsewhere to an address of its own.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from predmarket.client.errors import ConfigurationError
from predmarket.client.headers import LOOPBACK
from predmarket.nearest import did_you_mean, slips
from predmarket.variables import CLIENTS, ENV_FILE, PREFIX, mistyped

DEFAULT_URL = "http://127.0.0.1:8000"
DEFAULT_PROFILE = "default"

_URL = re.compile(r"https?://[^\s/@?#]+(/[^\s?#]*)?")
_PROFILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Setting:
    """A value and its origin: flag, env, .env, profile or default."""

    value: str
    origin: str


@dataclass(frozen=True, slots=True)
class Settings:
    """The client's settings; api_key is None if none is set, and is never shown."""

    url: Setting
    profile: Setting
    config_dir: Setting
    api_key: Setting | None

    @property
    def folder(self) -> Path:
        """The configuration folder."""
        return Path(self.config_dir.value)


def resolve(
    url: str | None = None,
    profile: str | None = None,
    environ: Mapping[str, str] | None = None,
    *,
    env_file: Path = Path(ENV_FILE),
    new_profile: bool = False,
) -> Settings:
    """Resolve the settings; url and profile are flags. Raises ConfigurationError.

    new_profile allows a name similar to another, because the profile is about to get a session.
    """
    given = _Given(os.environ if environ is None else environ, _env_file(env_file))
    config_dir = given.setting("CONFIG_DIR") or _default_folder()
    file = _profile_file(Path(config_dir.value) / "config.toml")
    chosen = _first(profile, given.setting("PROFILE"), _text(file, "default_profile")) or Setting(
        DEFAULT_PROFILE, "default"
    )
    if not _PROFILE.fullmatch(chosen.value):
        raise ConfigurationError(
            "a profile's name has 1 to 64 letters, digits, dots, dashes or underscores"
        )
    named = _table(file, "profiles")
    if chosen.value not in named and not new_profile:
        _refuse_slip(chosen, Path(config_dir.value), named)
    entry = _table(named, chosen.value)
    address = _first(url, given.setting("URL"), _text(entry, "url"))
    key = given.setting("API_KEY")
    settings = Settings(
        url=_checked_url(address or Setting(DEFAULT_URL, "default")),
        profile=chosen,
        config_dir=config_dir,
        api_key=key,
    )
    _refuse_strange_address(settings)
    return settings


def profiles(folder: Path) -> list[str]:
    """Return the profiles that config.toml names or that have a session.

    Raises ConfigurationError.
    """
    named = _table(_profile_file(folder / "config.toml"), "profiles")
    return sorted({*named, *_in_sessions(folder)})


class _Given:
    """The environment's values, completed by those of a .env file."""

    def __init__(self, environ: Mapping[str, str], file: Mapping[str, str]) -> None:
        self._environ, self._file = environ, file
        slip = mistyped({*environ, *file}, CLIENTS)
        if slip is not None:
            raise ConfigurationError(slip)

    def setting(self, name: str) -> Setting | None:
        """Return one of CLIENTS; an empty value counts as not given."""
        for values, origin in ((self._environ, "env"), (self._file, ".env")):
            value = values.get(f"{PREFIX}{name}")
            if value:
                return Setting(value, origin)
        return None


def _env_file(path: Path) -> Mapping[str, str]:
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read {path}: {error}") from None
    if PREFIX not in text.upper():
        return {}
    from io import StringIO  # noqa: PLC0415  (likewise)

    from dotenv import dotenv_values  # noqa: PLC0415  (needed only where there is a file)

    values = dotenv_values(stream=StringIO(text))
    return {name.upper(): value for name, value in values.items() if value}


def _first(flag: str | None, given: Setting | None, profile: str | None) -> Setting | None:
    if flag is not None:
        return Setting(flag, "flag")
    return given or (Setting(profile, "profile") if profile else None)


def _refuse_slip(chosen: Setting, folder: Path, named: Mapping[str, object]) -> None:
    in_sessions = _in_sessions(folder)
    known = {DEFAULT_PROFILE, *named, *in_sessions}
    if chosen.value not in known:
        near = slips(chosen.value, sorted(known))
        if near:
            raise ConfigurationError(f"there is no profile {chosen.value}{did_you_mean(near)}")


def _in_sessions(folder: Path) -> set[str]:
    """Return the profiles that have a session, if their file is readable."""
    try:
        sessions = json.loads((folder / "session.json").read_text(encoding="utf-8"))["sessions"]
        return {str(key).partition(" ")[0] for key in sessions}
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def _refuse_strange_address(settings: Settings) -> None:
    """Refuse to send an API key of the environment to an address from the folder's .env file."""
    key = settings.api_key
    strange = settings.url.origin == ENV_FILE and key is not None and key.origin != ENV_FILE
    if strange and urlsplit(settings.url.value).hostname not in LOOPBACK:
        raise ConfigurationError(
            f"{PREFIX}API_KEY is in the environment, {PREFIX}URL only in {ENV_FILE}: name the"
            " address with --url or in the environment, for the key to go there"
        )


def _checked_url(setting: Setting) -> Setting:
    if not _URL.fullmatch(setting.value):
        # not quoted: a refused address may hold a password
        raise ConfigurationError(
            f"the exchange's address ({setting.origin}) must look like http://host:port"
        )
    return Setting(setting.value.rstrip("/"), setting.origin)


def _default_folder() -> Setting:
    import platformdirs  # noqa: PLC0415  (needed only when the folder is not given)

    return Setting(platformdirs.user_config_dir("predmarket", appauthor=False), "default")


def _profile_file(path: Path) -> Mapping[str, object]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read {path}: {error}") from error
    import tomllib  # noqa: PLC0415  (needed only where there is a file)

    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigurationError(f"{path}: {error}") from None


def _text(table: Mapping[str, object], name: str) -> str | None:
    value = table.get(name)
    if value is not None and not isinstance(value, str):
        raise ConfigurationError(f"config.toml: {name} must be a string")
    return value


def _table(table: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = table.get(name, {})
    if not isinstance(value, dict):
        raise ConfigurationError(f"config.toml: {name} must be a table")
    return value
