"""Texts in requests: their lengths and allowed characters.

No text holds NUL, which PostgreSQL refuses. A text that others see holds no control, format or
private characters and no line separators of Unicode: they can act on a terminal, or be invisible.
Joiners are allowed between letters that they join. A text that only its own user sees holds no
control characters. Patterns cost linear time. They end in \\Z, since $ would accept a last newline.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Annotated, TypeAlias

from msgspec import Meta

from predmarket import spans
from predmarket.characters import BLANKS, JOINED, JOINERS, UNFIT, UNFIT_BUT_LINE_FEED

NO_NUL = r"^[^\x00]*\Z"
LINE = r"^[^\x00-\x1f\x7f-\x9f]*\Z"
_FIT, _FIT_OR_LINE_FEED = f"[^{UNFIT}{JOINERS}]*", f"[^{UNFIT_BUT_LINE_FEED}{JOINERS}]*"
_NOT_BLANK = rf"(?=[\s{BLANKS}{JOINERS}]*[^\s{BLANKS}{JOINERS}])"
SHOWN = rf"^{_FIT}(?:{JOINED}{_FIT})*\Z"
SAYING = rf"^{_NOT_BLANK}{_FIT}(?:{JOINED}{_FIT})*\Z"
PROSE = rf"^{_FIT_OR_LINE_FEED}(?:{JOINED}{_FIT_OR_LINE_FEED})*\Z"
GROUP = rf"^(?!\.{{1,2}}\Z)(?=[^/]*\Z){SAYING[1:]}"
TAG = rf"^(?=[^,]*\Z){SAYING[1:]}"
SLUG = r"^(?![0-9]+\Z)[a-z0-9][a-z0-9-]{0,63}\Z"
_SPACES = r"[ \xa0\u1680\u2000-\u200a\u202f\u205f\u3000]*"
_LABEL = r"[\w\u0300-\u036f-]+"
EMAIL = rf"^(?=[^{UNFIT}{JOINERS}{BLANKS}]*\Z){_SPACES}[^@\s]+@{_LABEL}(?:\.{_LABEL})+{_SPACES}\Z"
HANDLE = (
    rf"^(?!{_SPACES}[0-9]+{_SPACES}\Z)(?=[^{UNFIT}{JOINERS}{BLANKS}]*\Z)"
    rf"{_SPACES}[^@\s]+(?:@{_LABEL}(?:\.{_LABEL})+)?{_SPACES}\Z"
)

SPAN = rf"^{spans.PATTERN}\Z"
CLIENT_REF = r"\Aclient:"
MEANINGS = {
    NO_NUL: "must not hold the character NUL",
    LINE: "must not hold control characters",
    SHOWN: "must not hold characters that cannot be seen",
    SAYING: "must not be blank or hold characters that cannot be seen",
    GROUP: "must not be blank, . or .., or hold a slash or characters that cannot be seen",
    TAG: "must not be blank, or hold a comma or characters that cannot be seen",
    PROSE: "must not hold characters that cannot be seen, except line feeds",
    SLUG: "must be up to 64 of a-z, 0-9 and -, not start with - and not be all digits",
    EMAIL: "is not an e-mail address",
    HANDLE: "must be an e-mail address, or a handle without @ and blanks that is not all digits",
    SPAN: "must be a span of time above 0 such as 90s, 24h or 2w",
    CLIENT_REF: "must be a whole number, or client: and a client order id",
}
"""The message about a text that does not match its pattern."""

MAX_EMAIL = 254

Email: TypeAlias = Annotated[str, Meta(max_length=MAX_EMAIL, pattern=EMAIL)]
EmailOrHandle: TypeAlias = Annotated[str, Meta(max_length=MAX_EMAIL, pattern=HANDLE)]
"""Of an account that an admin makes. All digits would be taken for a user's id."""
Login: TypeAlias = Annotated[str, Meta(min_length=1, max_length=MAX_EMAIL, pattern=LINE)]
"""An e-mail to look up, not to store: an impossible one is simply unknown."""
NewPassword: TypeAlias = Annotated[str, Meta(min_length=8, max_length=1024, pattern=NO_NUL)]
Password: TypeAlias = Annotated[str, Meta(min_length=1, max_length=1024, pattern=NO_NUL)]
FullName: TypeAlias = Annotated[str, Meta(min_length=1, max_length=200, pattern=SAYING)]
GroupName: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64, pattern=GROUP)]
"""The name of a group of users; it stands in paths."""
RefreshToken: TypeAlias = Annotated[str, Meta(min_length=1, max_length=200)]
DisplayName: TypeAlias = Annotated[str, Meta(min_length=1, max_length=40, pattern=SAYING)]
"""The name under which others see a user."""
Code: TypeAlias = Annotated[str, Meta(min_length=1, max_length=100, pattern=LINE)]
"""A one-time code or an invitation: an impossible one is simply unknown."""
KeyName: TypeAlias = Annotated[str, Meta(min_length=1, max_length=100, pattern=SAYING)]
PublicKey: TypeAlias = Annotated[str, Meta(min_length=1, max_length=4096, pattern=NO_NUL)]
"""In PEM."""
Slug: TypeAlias = Annotated[str, Meta(pattern=SLUG)]
Question: TypeAlias = Annotated[str, Meta(min_length=1, max_length=500, pattern=SAYING)]
Title: TypeAlias = Annotated[str, Meta(min_length=1, max_length=500, pattern=SAYING)]
Label: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64, pattern=SAYING)]
"""The name of a market within its event."""
Category: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64, pattern=SAYING)]
Tag: TypeAlias = Annotated[str, Meta(min_length=1, max_length=32, pattern=TAG)]
"""Commas separate tags in filters."""
Tags: TypeAlias = Annotated[list[Tag], Meta(max_length=10)]
Source: TypeAlias = Annotated[str, Meta(min_length=1, max_length=500, pattern=SAYING)]
"""Where the answer is found, or was: an address, or words."""
Description: TypeAlias = Annotated[str, Meta(max_length=10_000, pattern=PROSE)]
Note: TypeAlias = Annotated[str, Meta(min_length=1, max_length=2_000, pattern=PROSE)]
"""Why a market is resolved so."""
SpanOfTime: TypeAlias = Annotated[str, Meta(max_length=64, pattern=SPAN)]
Reason: TypeAlias = Annotated[str, Meta(min_length=1, max_length=500, pattern=SHOWN)]
ClientOrderId: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64, pattern=LINE)]
OrderRef: TypeAlias = int | Annotated[str, Meta(pattern=CLIENT_REF)]
"""An order's id, or ``client:`` and the user's own client order id."""
MarketRef: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64, pattern=LINE)] | int
"""A market's id or slug."""
EventRef: TypeAlias = MarketRef
"""An event's id or slug."""


def normal_email(email: str) -> str:
    """Return the normal form of an e-mail, by which accounts are found: NFC, case-folded.

    Source: Unicode, D145.
    """
    folded = unicodedata.normalize("NFD", email.strip()).casefold()
    return unicodedata.normalize("NFC", folded)


def repeated_tag(tags: Iterable[str]) -> str | None:
    """Return the first tag that an earlier one equals but for its case, None if there is none."""
    seen = set[str]()
    for tag in tags:
        if tag.casefold() in seen:
            return tag
        seen.add(tag.casefold())
    return None


_SHOWS_NOTHING = re.compile(f"[{BLANKS}{JOINERS}]")


def spaced(name: str) -> str:
    """Return a name in NFC, with one blank wherever it has blanks, and none at its ends."""
    return " ".join(unicodedata.normalize("NFC", name).split())


def name_key(name: str) -> str:
    """Return the form in which names are compared, for names that must be unique.

    Names are equal that look alike by Unicode's compatibility forms (NFKC), in any case, whatever
    their blanks and the characters that show nothing.
    """
    seen = unicodedata.normalize("NFKC", _SHOWS_NOTHING.sub("", name))
    return spaced(unicodedata.normalize("NFKC", seen.casefold()))
