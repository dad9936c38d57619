"""Characters that act on a terminal or show nothing, and functions that clean text of them.

This is the one place that cleans text which others wrote, for the command line, the screen, CSV,
completion and logs. Requests with such characters are refused (contracts/text.py), but old data and
other exchanges may hold them. The ranges are written out since a scan of all characters would slow
down every start; a test compares them with Unicode's categories.
"""

import re

JOINERS = "\\u200c\\u200d"
"""ZWNJ and ZWJ: format characters (Cf) that join letters and emoji."""
LINE_FEED = "\\n"
_CONTROLS_BUT_LINE_FEED = "\\x00-\\x09\\x0b-\\x1f\\x7f-\\x9f"
_FORMATS_BUT_JOINERS = (
    "\\xad\\u0600-\\u0605\\u061c\\u06dd\\u070f\\u0890\\u0891\\u08e2\\u180e\\u200b\\u200e\\u200f"
    "\\u202a-\\u202e\\u2060-\\u2064\\u2066-\\u206f\\ufeff\\ufff9-\\ufffb\U000110bd\U000110cd"
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f"
)
_SEPARATORS = "\\u2028\\u2029"
_PRIVATE = "\\ue000-\\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd"
_SURROGATES = "\\ud800-\\udfff"

UNFIT_BUT_LINE_FEED = f"{_CONTROLS_BUT_LINE_FEED}{_FORMATS_BUT_JOINERS}{_SEPARATORS}{_PRIVATE}"
"""The inside of a character class: Cc but the line feed, Cf but the joiners, Zl, Zp and Co. JSON
cannot hold Cs."""
UNFIT = UNFIT_BUT_LINE_FEED + LINE_FEED
SELECTORS = "\\ufe00-\\ufe0f\U000e0100-\U000e01ef"
BLANKS = (
    "\\u034f\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180d\\u180f\\u2800\\u3164\\uffa0\U0001d159"
    + SELECTORS
)
"""Letters, marks and symbols, by Unicode's categories, that show nothing."""

# Before a joiner stands a letter, a mark (an Indic virama) or a part of an emoji; behind it a
# letter or a part of an emoji.
_EMOJI = (
    "\xa9\xae\\u203c\\u2049\\u2122-\\u2139\\u2190-\\u2bff\\u3030\\u303d\\u3297\\u3299"
    "\U0001f000-\U0001faff"
)
_MARKS = (
    "\\u0300-\\u036f\\u0591-\\u05c7\\u0610-\\u061a\\u064b-\\u065f\\u0670\\u06d6-\\u06ed\\u0711\\u0730-\\u074a"
    "\\u0900-\\u109f\\u1714\\u17b6-\\u17d3\\u1885\\u1886\\u1a17-\\u1aff\\u1b00-\\u1baf\\u1dc0-\\u1dff\\u20d0-\\u20f0"
    "\\ua8c4\\ua953\\ua9c0\\uaaf6\\uabed\\ufe0f\U00011000-\U00011fff\U0001e130-\U0001e95f"
)
JOINED = rf"(?<=[^\W\d_]|[{_EMOJI}{_MARKS}])[{JOINERS}](?=[^\W\d_]|[{_EMOJI}])"
"""A joiner where it belongs."""

_ACTS = re.compile(rf"(?!{JOINED})[{UNFIT}{JOINERS}{_SURROGATES}]")
_ACTS_IN_JSON = re.compile(
    rf"(?!{JOINED})[^\x00-\x7e\xa0-\xac](?<=[{UNFIT}{JOINERS}{_SURROGATES}])|\x7f"
)
_BREAKS = re.compile(r"[\r\n\t]+")
_FORMULA = re.compile(r"[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


def clean(text: str) -> str:
    """Return ``text`` on one line and without characters that would act on a terminal."""
    if text.isascii() and text.isprintable():
        return text
    first, *others = _BREAKS.split(text)
    if others:
        *middle, last = others
        parts = (first.rstrip(), *(part.strip() for part in middle), last.lstrip())
        first = " ".join(part for part in parts if part)
    return _ACTS.sub("\ufffd", first)


def clean_lines(text: str) -> str:
    """Return ``text`` with each of its lines clean."""
    return "\n".join(clean(line) for line in text.split("\n"))


def clean_cell(text: str, *, quoted: bool = True) -> str:
    """Return ``text`` as a cell of CSV: its lines and tabs kept, and, ``quoted`` by an apostrophe,
    no spreadsheet formula."""
    kept = _ACTS.sub(lambda match: match[0] if match[0] in "\r\n\t" else "\ufffd", text)
    is_formula = quoted and _FORMULA.match(kept) and not _NUMBER.fullmatch(kept)
    return f"'{kept}" if is_formula else kept


def escaped_json(text: str) -> str:
    """Return equal JSON in which characters that would act on a terminal are escaped."""
    return text if text.isascii() and "\x7f" not in text else _ACTS_IN_JSON.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code > 0xFFFF:
        high, low = divmod(code - 0x10000, 0x400)
        return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"
    return f"\\u{code:04x}"
