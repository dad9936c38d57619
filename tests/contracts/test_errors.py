"""The table of errors is complete and agrees with the terminal's exit codes."""

from predmarket.contracts.errors import ERRORS, EXIT_CODES, STATUS
from predmarket.enums import ErrorCode


def test_every_code_has_its_row() -> None:
    """Every error code has a status, a meaning and an exit code."""
    assert set(ERRORS) == set(STATUS) == set(EXIT_CODES) == set(ErrorCode)
    assert all(kind.meaning and kind.remedy for kind in ERRORS.values())


def test_exit_codes_follow_the_status() -> None:
    """Exit codes follow the status as TERMINAL's "Exit codes" says."""
    expected = {400: 2, 401: 4, 403: 4, 404: 5, 405: 2, 408: 3, 409: 1}
    expected |= {413: 2, 415: 2, 422: 1, 429: 3, 431: 2}
    for code, status in STATUS.items():
        assert EXIT_CODES[code] == (3 if status >= 500 else expected[status])
