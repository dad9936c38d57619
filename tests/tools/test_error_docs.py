"""The page of errors equals the tables of the code."""

import re

from predmarket.cli.failure import OWN_EXIT_CODES
from predmarket.enums import ErrorCode
from tools.error_docs import OWN_ERRORS, PAGE, page

CLI = PAGE.parent.parent / "predmarket" / "cli"


def test_the_page_is_up_to_date() -> None:
    """The page is up to date; python -m tools.error_docs renews it."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_code_of_the_command_line_is_on_it() -> None:
    """The page has the command line's own codes, which the exchange lacks."""
    made = {
        code
        for file in CLI.glob("*.py")
        for code in re.findall(
            r"(?:Failure|own)\(\s*\"([A-Z_]+)\"", file.read_text(encoding="utf-8")
        )
    }
    assert len(made) > 5
    assert made - set(ErrorCode) <= set(OWN_ERRORS)
    assert set(OWN_ERRORS) == set(OWN_EXIT_CODES)
