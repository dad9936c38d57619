"""The exchange's settings: their sources, their valid values, and the signing secret.

A command-line flag overrides the environment, which overrides a .env file, which overrides the
default. docs/operations.md and .env.example describe each setting.
"""

import ipaddress
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

import platformdirs
from dotenv import dotenv_values
from pydantic import (
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from predmarket import units
from predmarket.contracts.faults import FaultSpec
from predmarket.server.clock import clock_of
from predmarket.server.setting_types import Credit, Limit, Origins, Proxies, Slippage
from predmarket.server.storage.database_url import is_sqlite, normal_url
from predmarket.server.url_redaction import shown, without_parameters
from predmarket.variables import ENV_FILE, PREFIX, SERVERS, mistyped, unknown

SECRET_BYTES = 32
SECRET_FILE = "jwt-secret"
BACKUP_FILE = "last-backup"
"""In the data folder: its time is that of the last back-up, its content the file's path."""


class SettingsError(Exception):
    """An unusable setting, in one line for the operator."""


class Settings(BaseSettings):
    """All settings. ``max_price_slippage`` and ``signup_credit`` are in units (units.py)."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=ENV_FILE,
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        validate_default=True,
    )

    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8000
    data_dir: Path = Path(platformdirs.user_data_dir("predmarket"))
    database_url: SecretStr | None = None
    redis_url: SecretStr | None = None
    jwt_secret: SecretStr | None = None
    trusted_proxies: Proxies = ()
    cors_origin: Origins = ()
    max_price_slippage: Slippage = "0.10"  # type: ignore[assignment]  # read like one given
    max_open_orders: Annotated[int, Field(ge=1, le=1_000_000)] = 20_000
    auth_rate_limit: Limit = "5/minute"  # type: ignore[assignment]  # likewise
    auth_window_limit: Limit = "100/15minutes"  # type: ignore[assignment]  # likewise
    order_rate_limit: Limit = "1000/second"  # type: ignore[assignment]  # likewise
    read_rate_limit: Limit = "6000/minute"  # type: ignore[assignment]  # likewise
    max_connections_per_address: Annotated[int, Field(ge=1, le=1_000_000)] = 200
    signup_credit: Credit = 0
    signup: Literal["open", "invite", "closed"] = "open"
    resolve_by_two: bool = False
    leaderboard: Literal["off", "members", "public"] = "members"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "json", "console"] = "auto"
    max_batch: Annotated[int, Field(ge=1, le=100_000)] = 500
    max_queue: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    role: Literal["all", "gateway", "core"] = "all"
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    clock: str = "wall"
    metrics_host: Annotated[str, Field(min_length=1)] | None = None
    metrics_port: Annotated[int, Field(ge=0, le=65_535)] | None = None
    kalshi: bool = False
    fault: str | None = None

    @field_validator("data_dir", mode="before")
    @classmethod
    def _named(cls, folder: object) -> object:
        if folder == "":
            raise ValueError("must not be empty")
        return folder

    @field_validator("data_dir")
    @classmethod
    def _home(cls, folder: Path) -> Path:
        try:
            return folder.expanduser().absolute()
        except RuntimeError:
            raise ValueError(
                f"{folder.parts[0]} is no user's home folder on this machine"
            ) from None

    @field_validator("database_url")
    @classmethod
    def _database(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            normal_url(url.get_secret_value())
        return url

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, url: SecretStr | None) -> SecretStr | None:
        if url is None:
            return url
        parts = urlsplit(url.get_secret_value())
        if parts.scheme not in ("redis", "rediss", "unix"):
            raise ValueError("must start with redis://, rediss:// or unix://")
        if parts.scheme == "unix":
            if not parts.path:
                raise ValueError("must name a socket, as unix:///run/redis.sock does")
        elif parts.path.strip("/") and not parts.path.strip("/").isdecimal():
            raise ValueError("must end with a database's number, or with none")
        return url

    @field_validator("jwt_secret")
    @classmethod
    def _long_enough(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and len(secret.get_secret_value().encode()) < SECRET_BYTES:
            raise ValueError(f"must have at least {SECRET_BYTES} bytes")
        return secret

    @field_validator("clock")
    @classmethod
    def _known_clock(cls, kind: str) -> str:
        clock_of(kind)
        return kind

    @field_validator("fault")
    @classmethod
    def _known_faults(cls, faults: str | None) -> str | None:
        if faults is not None:
            FaultSpec.read(faults)
        return faults

    @field_validator("metrics_port")
    @classmethod
    def _beside_its_host(cls, port: int | None, info: ValidationInfo) -> int | None:
        if port is None and info.data.get("metrics_host") is not None:
            raise ValueError(
                f"must be set if {PREFIX}METRICS_HOST is: /metrics needs a separate port there"
            )
        return port

    @field_validator("log_level", mode="before")
    @classmethod
    def _lower(cls, level: object) -> object:
        return level.lower() if isinstance(level, str) else level

    @classmethod
    def load(cls, overrides: Mapping[str, object] | None = None) -> Self:
        """Read all settings; ``overrides`` are flags by field name, None for an absent flag.

        Raises SettingsError, which names the first unusable or misspelt setting.
        """
        given = {name: value for name, value in (overrides or {}).items() if value is not None}
        try:
            slip = mistyped(_given(), SERVERS)
            if slip is not None:
                raise SettingsError(slip)
            return cls(**given)  # type: ignore[arg-type]  # validated here
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            name = str(first["loc"][0]) if first["loc"] else "setting"
            message = _in_words(first)
            flag = f"--{name.replace('_', '-')}"
            shown = flag if name in given else PREFIX + name.upper()
            raise SettingsError(f"{shown}: {' '.join(message.split())}") from None
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{ENV_FILE}: cannot be read: {error}") from None

    @property
    def database(self) -> str:
        """Return the database's URL: the setting, else SQLite in the data folder."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.data_dir / 'predmarket.db'}"

    @property
    def embedded(self) -> Path | None:
        """Return the file of an embedded database, None for a shared database."""
        url = normal_url(self.database)
        return Path(url.database or "") if is_sqlite(url) else None

    @property
    def shown_database(self) -> str:
        """Return the database's URL without its password."""
        url = normal_url(self.database).render_as_string(hide_password=True)
        return without_parameters(url).replace("%2C", ",")

    @property
    def shown_redis(self) -> str:
        """Return Redis' URL without its password, "" without Redis."""
        return "" if self.redis_url is None else shown(self.redis_url.get_secret_value())

    @property
    def on_loopback(self) -> bool:
        """Tell whether only this machine can reach the exchange."""
        if self.host == "localhost":
            return True
        with suppress(ValueError):
            return ipaddress.ip_address(self.host).is_loopback
        return False

    @property
    def apart(self) -> bool:
        """Tell whether core and gateways are separate processes."""
        return self.role != "all" or self.workers > 1

    def require_shared(self) -> None:
        """Raise SettingsError unless the resources that several processes share are set."""
        name = f"--role {self.role}" if self.role != "all" else "--workers"
        if self.embedded is not None:
            raise SettingsError(f"{name} needs PostgreSQL: set {PREFIX}DATABASE_URL")
        if self.redis_url is None:
            raise SettingsError(f"{name} needs Redis: set {PREFIX}REDIS_URL")
        self.signing_secret(shared=True)

    def signing_secret(self, *, shared: bool = False) -> str:
        """Return the secret that signs access tokens; without a setting it is generated once.

        ``shared`` means that other processes must know it, too. Raises SettingsError if it must be
        set and is not, or if its file is unusable.
        """
        if self.jwt_secret is not None:
            return self.jwt_secret.get_secret_value()
        if shared or not self.on_loopback:
            why = "several processes share it" if shared else f"{self.host} is not loopback"
            raise SettingsError(
                f"{PREFIX}JWT_SECRET: must be set, at least {SECRET_BYTES} bytes, since {why}"
            )
        path = self.data_dir / SECRET_FILE
        try:
            return _kept_secret(path)
        except OSError as error:
            raise SettingsError(f"{path}: {error.strerror}") from None

    def explain(self, overrides: Mapping[str, object] | None = None) -> list[tuple[str, str, str]]:
        """Return each setting's name, its value with secrets hidden, and its origin."""
        flags = {name for name, value in (overrides or {}).items() if value is not None}
        environment = {name.upper() for name, value in os.environ.items() if value}
        file = {name.upper() for name, value in dotenv_values(ENV_FILE).items() if value}
        rows = []
        for field in type(self).model_fields:
            name = PREFIX + field.upper()
            if field in flags:
                origin = "flag"
            elif name in environment:
                origin = "environment"
            else:
                origin = ".env" if name in file else "default"
            rows.append((name, self._shown(field), origin))
        return rows

    def _shown(self, field: str) -> str:
        value = getattr(self, field)
        if field == "max_price_slippage":
            return units.format_price(value)
        if field == "signup_credit":
            return units.format_money(value)
        if field == "jwt_secret":
            return "(generated)" if value is None else "(hidden)"
        if field == "database_url":
            return self.shown_database
        if field == "redis_url":
            return self.shown_redis
        if field.endswith("_limit"):
            return "off" if value is None else str(value)
        if isinstance(value, tuple):
            return ",".join(map(str, value))
        if isinstance(value, bool):
            return "on" if value else "off"
        return "" if value is None else str(value)


def _in_words(problem: ErrorDetails) -> str:
    """Return a setting's error in our words; the library speaks of inputs and parsing."""
    bounds = problem.get("ctx", {})
    match problem["type"]:
        case "int_parsing" | "int_type" | "int_parsing_size":
            return "must be a whole number"
        case "greater_than_equal":
            return f"must be at least {bounds['ge']}"
        case "less_than_equal":
            return f"must be at most {bounds['le']}"
        case "bool_parsing" | "bool_type":
            return "must be on or off"
        case "literal_error":
            return f"must be {bounds['expected']}"
        case "string_too_short":
            return "must not be empty"
        case _:
            return problem["msg"].removeprefix("Value error, ")


def unknown_variables() -> list[str]:
    """Return variables in the environment or .env that look like settings but are none."""
    return unknown(_given())


def _given() -> set[str]:
    """Return the names of all variables."""
    return {*os.environ, *(name.upper() for name in dotenv_values(ENV_FILE))}


def _kept_secret(path: Path) -> str:
    """Return the secret in a file that only its owner can read; make it if it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        # Written under another name first, so that no reader finds it incomplete.
        draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "w") as file:
                file.write(secrets.token_urlsafe(48))
                file.flush()
                os.fsync(file.fileno())
            os.link(draft, path)
        finally:
            draft.unlink()
    path.chmod(0o600)
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError:
        raise OSError(0, "holds no text") from None
    if len(secret.encode()) < SECRET_BYTES:
        raise OSError(0, f"holds fewer than {SECRET_BYTES} bytes")
    return secret
