"""The context of one command line: its options, its output, its connection."""

import shlex
from functools import cached_property

import typer

import predmarket.client as api
from predmarket.cli.failure import Failure
from predmarket.cli.flags import Options
from predmarket.cli.output import Output
from predmarket.client import ClientError
from predmarket.client.settings import Settings, resolve

_PATIENCE_S = 15.0
"""How long one answer is waited for; with repetitions a call takes twice as long at most."""


class Line:
    """One command line; it is made before parsing, and parsing fills its options."""

    def __init__(self) -> None:
        self.options = Options()
        self.output = Output(self.options)
        self.market: str | None = None
        """The market that the line names, if it names one."""
        self.event: str | None = None
        self.new_profile = False
        """Whether the profile may be a new one, since the command logs in."""
        self.status = 0
        """The HTTP status of the last answer."""

    @cached_property
    def settings(self) -> Settings:
        """The client's settings. Raises ConfigurationError."""
        options = self.options
        return resolve(options.url, options.profile, new_profile=self.new_profile)

    def spelled(self, command: str) -> str:
        """Return ``command`` with the flags for this line's exchange and profile."""
        words = ["predmarket"]
        if self.options.profile is not None:
            words += ["-P", shlex.quote(self.options.profile)]
        if self.options.url is not None:
            words += ["--url", shlex.quote(self.options.url)]
        return " ".join([*words, command])

    def failure(self, error: ClientError) -> Failure:
        """Convert an error of the client library to this line's failure, with advice."""
        from predmarket.cli.advice import advised  # success does not need it

        return advised(self, error)

    @property
    def place(self) -> str:
        """The address and profile, for messages."""
        return f"{self.settings.url.value} (profile {self.settings.profile.value})"

    @property
    def session(self) -> "api.StoredSession":
        """The stored session of this profile at this address."""
        settings = self.settings
        return api.StoredSession(
            settings.folder,
            settings.profile.value,
            settings.url.value,
            waiting=self.output.note,
        )

    @property
    def patience_s(self) -> float:
        """The time limit for one answer."""
        given = self.options.timeout
        return _PATIENCE_S if given is None else given

    def client(self, *, retry: "api.Retry | None" = None) -> "api.Client":
        """Return a client for these settings; use it in a with statement."""
        key = self.settings.api_key
        total_s = self.options.timeout or _PATIENCE_S * 2
        return api.Client(
            self.settings.url.value,
            session=self.session,
            api_key=key.value if key else None,
            retry=retry or api.Retry(total_s=total_s),
            timeout_s=self.patience_s,
            heard=self._hear,
            waiting=self.output.note,
        )

    def _hear(self, _call: object, status: int) -> None:
        self.status = status

    def note_repeat(self, made: str) -> None:
        """Write a note if the item had been ``made`` before, and so was not made again."""
        if self.status == 200:
            self.output.note(f"a repeat: {made}; this is how it stands now")


def of(ctx: typer.Context) -> Line:
    """Return the line of ``ctx``."""
    line = ctx.find_object(Line)
    assert line is not None, "app.run gives every context its line"
    return line
