"""Texts that requests carry: how long, and which characters.

No text holds NUL, which PostgreSQL refuses, nor, where people read it, a control character, which
a terminal would obey. Patterns end in \\Z since $ would let a last newline pass.
"""

from typing import Annotated, TypeAlias

from msgspec import Meta

NO_NUL = r"^[^\x00]*\Z"
LINE = r"^[^\x00-\x1f\x7f-\x9f]*\Z"
SAYING = r"^(?=.*\S)[^\x00-\x1f\x7f-\x9f]*\Z"
PROSE = r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f]*\Z"
SLUG = r"^(?![0-9]+\Z)[a-z0-9][a-z0-9-]{0,63}\Z"
EMAIL = r"^\s*[^@\s\x00-\x1f\x7f-\x9f]+@[\w-]+(\.[\w-]+)+\s*\Z"

MEANINGS = {
    NO_NUL: "must not hold the character NUL",
    LINE: "must not hold control characters",
    SAYING: "must not be blank nor hold control characters",
    PROSE: "must not hold control characters",
    SLUG: "must be up to 64 of a-z, 0-9 and -, not start with - and not be all digits",
    EMAIL: "is not an e-mail address",
}
"""What to tell someone whose text misses a pattern."""

MAX_EMAIL = 254

Email: TypeAlias = Annotated[str, Meta(max_length=MAX_EMAIL, pattern=EMAIL)]
Login: TypeAlias = Annotated[str, Meta(min_length=1, max_length=MAX_EMAIL, pattern=LINE)]
"""An e-mail asked for, not to be stored: one that cannot exist is simply unknown."""
NewPassword: TypeAlias = Annotated[str, Meta(min_length=8, max_length=1024, pattern=NO_NUL)]
Password: TypeAlias = Annotated[str, Meta(min_length=1, max_length=1024, pattern=NO_NUL)]
FullName: TypeAlias = Annotated[str, Meta(min_length=1, max_length=200, pattern=LINE)]
RefreshToken: TypeAlias = Annotated[str, Meta(min_length=1, max_length=200)]
KeyName: TypeAlias = Annotated[str, Meta(min_length=1, max_length=100, pattern=SAYING)]
Slug: TypeAlias = Annotated[str, Meta(pattern=SLUG)]
Question: TypeAlias = Annotated[str, Meta(min_length=1, max_length=500, pattern=SAYING)]
Description: TypeAlias = Annotated[str, Meta(max_length=10_000, pattern=PROSE)]
Reason: TypeAlias = Annotated[str, Meta(min_length=1, max_length=500, pattern=LINE)]
ClientOrderId: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64, pattern=LINE)]
MarketRef: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64, pattern=LINE)] | int
"""A market's id or slug."""


def normal_email(email: str) -> str:
    """Return an e-mail as accounts are found by it."""
    return email.strip().lower()
