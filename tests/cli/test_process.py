"""The CLI as a process: its imports, closed pipes, signals, completion."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.support.command_line import ENDS_WITHIN_S, Run
from tests.support.stub_data import MARKET, TRADE, USER, page, tokens
from tests.support.stub_exchange import Answer, Request, Stub

COMMAND = [sys.executable, "-m", "predmarket.cli"]


def imported(*words: str) -> set[str]:
    """Return the top-level packages that a command line imports."""
    script = (
        f"import sys; sys.argv[1:] = {list(words)!r}\n"
        "from predmarket.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(*{name.split('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(done.stderr.split())


SLOW = {"httpx", "rich", "msgspec", "pydantic", "keyring", "platformdirs", "sqlalchemy", "litestar"}


def test_the_version_imports_next_to_nothing(environment: None) -> None:
    """--version imports almost nothing, not even typer."""
    assert imported("--version") & (SLOW | {"typer"}) == set()


@pytest.mark.parametrize("words", ["--help", "order --help", "order place --help", "order plaice"])
def test_help_imports_nothing_slow(environment: None, words: str) -> None:
    """--help imports neither the HTTP library nor rich."""
    assert imported(*words.split()) & SLOW == set()


def test_a_command_imports_what_it_uses(environment: None, stub: Stub) -> None:
    """A command imports the HTTP library (which loads rich) and nothing of the server."""
    stub.on("GET", "/v1/markets", Answer(body=page(MARKET)))
    assert imported("market", "list", "--json") & SLOW <= {"httpx", "rich"}
    assert imported("market", "list") & SLOW == {"httpx", "rich"}


def test_exit_codes_reach_the_shell(spawn: Run, stub: Stub) -> None:
    """Whole processes: a login, its session file, and a refusal with its exit code."""
    stub.on("POST", "/v1/auth/login", Answer(body=tokens(1)))
    ran = spawn("auth", "login", "ann@example.com", "--json", stdin="password123\n")
    assert (ran.code, json.loads(ran.out)) == (0, USER)
    ran = spawn("market", "show", "nothing", "--json")
    assert (ran.code, ran.out) == (5, "")
    assert json.loads(ran.err)["error"]["code"] == "NOT_FOUND"
    assert "SECRET" not in ran.err


@pytest.mark.parametrize("count", [1, 1000])
@pytest.mark.parametrize("output", ["table", "json", "jsonl", "csv"])
def test_a_closed_pipe_is_quiet(environment: None, stub: Stub, output: str, count: int) -> None:
    """A reader may close the pipe before or within the output; the command ends silently."""
    many = [{**TRADE, "id": number} for number in range(count)]
    stub.on("GET", "/v1/trades/rain", Answer(body=page(*many)))
    reader, writer = os.pipe()
    os.close(reader)
    with subprocess.Popen(
        [*COMMAND, "trades", "rain", "-o", output], stdout=writer, stderr=subprocess.PIPE
    ) as process:
        os.close(writer)
        _, err = process.communicate(timeout=ENDS_WITHIN_S)
    assert (process.returncode, err) == (0, b"")


def test_a_closed_pipe_is_quiet_for_help_too(environment: None) -> None:
    """--help into a closed pipe ends with the usual code, not with the help library's own."""
    reader, writer = os.pipe()
    os.close(reader)
    with subprocess.Popen([*COMMAND, "--help"], stdout=writer, stderr=subprocess.PIPE) as process:
        os.close(writer)
        _, err = process.communicate(timeout=ENDS_WITHIN_S)
    assert (process.returncode, err) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_an_output_that_takes_nothing(environment: None, stub: Stub) -> None:
    """A failed write to stdout gives exit code 3, neither that of usage nor of a refusal."""
    stub.on("GET", "/v1/markets", Answer(body=page(MARKET)))
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [*COMMAND, "market", "list"], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert ran.returncode == 3
    assert (
        ran.stderr == b"error: OUTPUT_LOST: the output cannot be written: No space left on device\n"
    )
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run([*COMMAND, "market", "list"], stdout=full, stderr=full, check=False)
    assert ran.returncode == 3


def test_an_interrupt_is_130(environment: None, stub: Stub) -> None:
    """Ctrl-C while the command waits for a reply gives 130 and no traceback."""
    asked, release = threading.Event(), threading.Event()

    def wait(_request: Request) -> Answer:
        asked.set()
        release.wait(50)
        return Answer(body=page())

    stub.on("GET", "/v1/markets", wait)
    with subprocess.Popen(
        [*COMMAND, "market", "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert asked.wait(50)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=ENDS_WITHIN_S)
        release.set()
    assert (process.returncode, out, err) == (130, b"", b"")


def test_csv_off_a_terminal_is_utf_8(
    spawn: Run, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CSV in a pipe is UTF-8 in any locale, because an escape would change the data."""
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    stub.on("GET", "/v1/markets", Answer(body=page({**MARKET, "question": "Schnee \u2744?"})))
    assert "Schnee \u2744?" in spawn("market", "list", "-o", "csv").out


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_that_cannot_spell_it(
    spawn: Run, stub: Stub, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    """Characters that the terminal lacks are escaped in tables; JSON stays valid."""
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    stub.on("GET", "/v1/markets", Answer(body=page({**MARKET, "question": "Schnee \u2744?"})))
    ran = spawn("market", "list", "--json")
    assert json.loads(ran.out)[0]["question"] == "Schnee \u2744?"
    ran = spawn("market", "list")
    assert ran.code == 0
    assert "\\u2744" in ran.out


def complete(line: str, config: Path) -> list[str]:
    """Return bash's completions at the end of ``line``."""
    words = line.split(" ")
    environment = {
        **os.environ,
        "_PREDMARKET_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
    }
    done = subprocess.run(COMMAND, env=environment, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout.split()


def test_completion(environment: None, stub: Stub, home: Path) -> None:
    """Completion offers commands, options, markets and the user's own orders."""
    stub.on("GET", "/v1/markets", Answer(body=page(MARKET, {**MARKET, "slug": "snow"})))
    order = {"id": 17, "marketSlug": "rain", "side": "BUY", "qty": "1.00", "price": "0.6000"}
    stub.on("GET", "/v1/orders", Answer(body=page(order)), Answer(body=page()))
    assert complete("predmarket or", home) == ["order"]
    assert complete("predmarket order ca", home) == ["cancel", "cancel-all", "cancel-after"]
    assert complete("predmarket market list --stat", home) == ["--status"]
    assert complete("predmarket market list --prof", home) == ["--profile"]
    assert complete("predmarket market show sn", home) == ["snow"]
    assert complete("predmarket order cancel ", home) == ["17"]


def test_completion_fails_silently(
    environment: None, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an exchange, completion offers nothing and reports no error."""
    monkeypatch.setenv("PREDMARKET_URL", "http://127.0.0.1:1")
    assert complete("predmarket market show sn", home) == []
    monkeypatch.setenv("PREDMARKET_URL", "nonsense")
    assert complete("predmarket market show sn", home) == []
