"""Where the client connects and as whom: flag > environment > profile file > default.

config.toml in the configuration folder:

    default_profile = "practice"

    [profiles.practice]
    url = "https://practice.example.com"

A profile that the file does not name is still a profile: it has the default address and a session
of its own.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from predmarket.client.errors import ConfigurationError

DEFAULT_URL = "http://127.0.0.1:8000"
DEFAULT_PROFILE = "default"

_URL = re.compile(r"https?://[^\s/@?#]+(/[^\s?#]*)?")
_PROFILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Setting:
    """A value and where it came from: flag, env, profile or default."""

    value: str
    origin: str


@dataclass(frozen=True, slots=True)
class Settings:
    """The client's own settings; api_key is None when none is set and never shown."""

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
) -> Settings:
    """Settle the settings; the arguments are flags. Raises ConfigurationError."""
    env = os.environ if environ is None else environ
    config_dir = _first(None, env.get("PREDMARKET_CONFIG_DIR"), None) or _default_folder()
    file = _profile_file(Path(config_dir.value) / "config.toml")
    chosen = _first(
        profile, env.get("PREDMARKET_PROFILE"), _text(file, "default_profile")
    ) or Setting(DEFAULT_PROFILE, "default")
    if not _PROFILE.fullmatch(chosen.value):
        raise ConfigurationError(
            "a profile's name has 1 to 64 letters, digits, dots, dashes or underscores"
        )
    entry = _table(_table(file, "profiles"), chosen.value)
    address = _first(url, env.get("PREDMARKET_URL"), _text(entry, "url"))
    key = env.get("PREDMARKET_API_KEY")
    return Settings(
        url=_checked_url(address or Setting(DEFAULT_URL, "default")),
        profile=chosen,
        config_dir=config_dir,
        api_key=Setting(key, "env") if key else None,
    )


def _first(flag: str | None, env: str | None, profile: str | None) -> Setting | None:
    if flag is not None:
        return Setting(flag, "flag")
    if env:
        return Setting(env, "env")
    return Setting(profile, "profile") if profile else None


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
