"""The output of every command, byte for byte, in each format: the files under golden/.

A change that is meant is taken over with

    PREDMARKET_RENEW_GOLDEN=1 pytest tests/cli/test_golden.py

and then read in the diff.
"""

import os
from pathlib import Path

import pytest

from tests.cli.answers import answer_all
from tests.cli.commands import ASKING, STDIN, words_of
from tests.support.command_line import Run
from tests.support.stub_exchange import Stub

GOLDEN = Path(__file__).with_name("golden")
RENEW = "PREDMARKET_RENEW_GOLDEN" in os.environ  # now: the tests run without such settings


@pytest.mark.parametrize("output", ["table", "json", "jsonl", "csv"])
def test_golden(run: Run, stub: Stub, tmp_path: Path, output: str) -> None:
    """The golden file has stdout, then stderr with a mark per line, then a nonzero exit code."""
    answer_all(stub)
    text = ""
    for line in ASKING:
        text += f"$ predmarket {line} -o {output}\n"
        ran = run(*words_of(line, tmp_path), "-o", output, stdin=STDIN.get(line, ""))
        text += ran.out + "".join(f"! {said}\n" for said in ran.err.splitlines())
        text += f"= {ran.code}\n" if ran.code else ""
    text = text.replace(stub.url, "http://exchange")
    file = GOLDEN / f"{output}.txt"
    if RENEW:
        GOLDEN.mkdir(exist_ok=True)
        file.write_bytes(text.encode())
    assert file.read_bytes().decode().splitlines() == text.splitlines()
    assert file.read_bytes() == text.encode()
