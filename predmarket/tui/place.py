"""The screen's exchange, profile, and folder of files."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ScreenOrigin:
    """The exchange's address, the profile, and its configuration folder."""

    url: str
    profile: str
    folder: Path
    flags: str = ""
    """The flags with which a command on another terminal acts on the same exchange and user."""

    def __str__(self) -> str:
        return f"{self.url} (profile {self.profile})"
