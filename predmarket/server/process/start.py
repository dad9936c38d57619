"""Starts an exchange on this machine for the command line, whole or in parts, or seeds it.

The functions are synchronous and print nothing, except for the log of ``serve``. Expected errors
are OperateErrors.
"""

import logging
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import uvloop

from predmarket.exit_codes import ExitCode
from predmarket.server.observability import logs
from predmarket.server.observability.redaction import secrets_of
from predmarket.server.process import runtime
from predmarket.server.process import seed as seeding
from predmarket.server.process.demo import House
from predmarket.server.process.first_admin import checked_email
from predmarket.server.process.metrics_port import settings_of_process
from predmarket.server.process.operator_errors import OperateError, expected
from predmarket.server.process.roles import core, gateway
from predmarket.server.process.roles.workers import Workers
from predmarket.server.settings import Settings, SettingsError, unknown_variables

log = logging.getLogger(__name__)

Overrides = Mapping[str, str]

_CLIENTS_ADDRESS = "http://127.0.0.1:8000"
"""Where the command line looks unless it is told."""


@dataclass(frozen=True, slots=True)
class SeedReport:
    """The result of seeding, for people and for programs."""

    lines: list[str]
    data: dict[str, object]


def serve(
    settings_overrides: Overrides,
    seed: bool,
    force: bool = False,
    admin: str | None = None,
    ready_fd: int | None = None,
) -> int:
    """Run the exchange until it is stopped and return the exit code. Raises OperateError.

    ``force`` accepts the seed data's published passwords even where others can reach the exchange.
    ``admin`` is the e-mail of an admin to make if there is none. ``ready_fd`` is a file descriptor
    that gets the address once the exchange answers requests.
    """
    return _serve(settings_overrides, seed, force, None, admin, ready_fd)


def serve_demo(
    settings_overrides: Overrides, force: bool, house: House, ready_fd: int | None = None
) -> int:
    """Run a demo exchange until it is stopped: seed data, demo markets, and ``house`` bots.

    Return the exit code. Raises OperateError.
    """
    return _serve(settings_overrides, True, force, house, None, ready_fd)


def _serve(
    overrides: Overrides,
    seed: bool,
    force: bool,
    house: House | None,
    admin: str | None,
    ready_fd: int | None,
) -> int:
    with expected():
        settings = Settings.load(overrides)
        if settings.apart:
            alone = {"--demo": house is not None, "--ready-fd": ready_fd is not None}
            _require_apart(settings, alone, whole={"--seed": seed, "--admin": admin is not None})
        _require_laboratory(settings, demo=house is not None)
        admin = None if admin is None else checked_email(admin)
        _require_open(ready_fd)
        secret = settings.signing_secret()
        if seed and not force:
            _refuse_seed_off_loopback(settings)
        logs.configure(settings, secrets_of(settings, secret))
        try:
            if settings.fault is not None:
                log.warning("this exchange has faults on demand: %s", settings.fault)
            for name in unknown_variables():
                log.warning("%s is not a setting of predmarket", name)
            if settings.apart:
                return _serve_apart(settings, seed=seed, admin=admin, force=force)
            return uvloop.run(
                runtime.serve(
                    settings,
                    seed_first=seed,
                    force=force,
                    admin=admin,
                    ready_fd=ready_fd,
                    hints=_hints if seed else None,
                    house=house,
                )
            )
        finally:
            logging.shutdown()  # the log stands before what the command line says at last


def _require_open(ready_fd: int | None) -> None:
    try:
        if ready_fd is not None:
            os.fstat(ready_fd)
    except OSError as error:
        raise SettingsError(f"--ready-fd {ready_fd}: {error.strerror}") from None


def _require_apart(
    settings: Settings, alone: Mapping[str, bool], whole: Mapping[str, bool]
) -> None:
    """Refuse flags that do not fit the role or the number of workers. Raises SettingsError.

    ``alone`` are flags that need one process, ``whole`` flags that need a whole exchange.
    """
    for flag in (flag for flag, given in alone.items() if given):
        raise SettingsError(f"{flag} is for one process: without --role and --workers")
    for flag in (flag for flag, given in whole.items() if given and settings.role != "all"):
        raise SettingsError(f"{flag} needs a whole exchange: not with --role {settings.role}")
    if settings.role == "core" and settings.workers > 1:
        raise SettingsError("--workers is for gateways: not with --role core")
    if settings.fault is not None and (settings.role == "core" or settings.workers > 1):
        # an admin's call would reach one gateway of several
        raise SettingsError("--fault is for one gateway: not with --workers or --role core")
    settings.require_shared()


def _require_laboratory(settings: Settings, *, demo: bool) -> None:
    """Raise SettingsError for a clock that the exchange cannot follow."""
    if settings.clock == "wall":
        return
    if settings.embedded is None or settings.apart:
        raise SettingsError("--clock is for one process with an embedded database")
    if demo:
        raise SettingsError("--clock: --demo has a clock of its own")


def _serve_apart(settings: Settings, *, seed: bool, admin: str | None, force: bool) -> int:
    """Run the role's part, or several parts as separate processes."""
    if settings.role == "core":
        return uvloop.run(core.serve(settings))
    if settings.workers == 1:
        return uvloop.run(gateway.serve(settings, force=force))
    with runtime.listen(settings) as listener:

        def work(number: int) -> int:
            own = settings_of_process(settings, number)
            return uvloop.run(gateway.serve(own, force=force, listener=listener))

        jobs: dict[str, Callable[[], int]] = {}
        if settings.role == "all":
            if seed or admin is not None:
                made = _job(lambda: _make_first(settings, seed=seed, admin=admin))
                if code := Workers({"seed": made}).once():
                    return code
            # Its port serves only health and metrics; the log names it.
            aside = settings.model_copy(update={"host": "127.0.0.1", "port": 0})
            jobs["core"] = _job(lambda: uvloop.run(core.serve(aside)))
        first = len(jobs)
        settings_of_process(
            settings, first + settings.workers - 1
        )  # raises now if there are too few ports
        for n in range(settings.workers):
            jobs[f"gateway {n + 1}"] = _job(partial(work, first + n))
        return Workers(jobs).run()


def _make_first(settings: Settings, *, seed: bool, admin: str | None) -> int:
    async def make() -> None:
        async with runtime.node(settings, wait_s=0) as node:
            if seed:
                await seeding.seed(node.db, node.core, settings.signup_credit)
            if admin is not None:
                await runtime.add_admin(node, admin)

    uvloop.run(make())
    return 0


def _job(work: Callable[[], int]) -> Callable[[], int]:
    """Wrap a job so that it prints expected errors in one line, as the command line does."""

    def run() -> int:
        try:
            with expected():
                return work()
        except OperateError as error:
            log.critical("%s", error.message)
            return error.exit_code

    return run


def _hints(url: str) -> list[str]:
    """Return the next commands to type for ``url``, with the program as it was called here."""
    user, admin, called = seeding.USER, seeding.ADMIN, Path(sys.argv[0]).absolute()
    program = "predmarket"
    if called.name == program and called.is_relative_to(Path.cwd()):
        program = str(called.relative_to(Path.cwd()))  # the environment is not activated
    export = [] if url == _CLIENTS_ADDRESS else [f"  export PREDMARKET_URL={url}"]
    return [
        "In another terminal:",
        *export,
        f"  {program} tui          # the trading screen: {user.email}, password {user.password}",
        "or, command by command:",
        f"  {program} auth login {user.email}",
        f"  {program} order place {seeding.SLUG} buy 10 --price 0.55",
        f"  {program} book {seeding.SLUG}",
        f"{admin.email} (password {admin.password}) may create and resolve markets.",
        "Ctrl-C stops the exchange; everything acknowledged is kept.",
    ]


def _refuse_seed_off_loopback(settings: Settings) -> None:
    if not settings.on_loopback:
        raise OperateError(
            "the seed accounts have published passwords; not made while listening on "
            f"{settings.host} without --force",
            ExitCode.USAGE,
        )


def seed(settings_overrides: Overrides, force: bool) -> SeedReport:
    """Create the seed data in a stopped exchange. Raises OperateError."""
    with expected():
        settings = Settings.load(settings_overrides)
        if not force:
            _refuse_seed_off_loopback(settings)
        lines = uvloop.run(_seed(settings))
        return SeedReport(lines, {"done": lines})


async def _seed(settings: Settings) -> list[str]:
    async with runtime.node(settings, wait_s=0) as node:
        return await seeding.seed(node.db, node.core, settings.signup_credit)
