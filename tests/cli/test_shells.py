"""Completion in the installed real shells: an exchange's texts are never executed."""

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.command_line import ENDS_WITHIN_S
from tests.support.stub_data import MARKET
from tests.support.stub_exchange import Answer, Stub

HOSTILE = [
    r"Will \$(touch pwned) rain?",
    r"Will \\$(touch pwned) `touch pwned` rain?",
    "Will $(touch pwned) \\`touch pwned\\` rain?",
    "\"; touch pwned; \" '; touch pwned; ' \\\"; touch pwned; \\\" \\'; touch pwned; \\'",
    "[/USD] [red]$5[/red]\n$(touch pwned)\r\ttouch pwned",
    "$((touch pwned)) ${(e):-$(touch pwned)} <(touch pwned) | touch pwned & *",
]
SHELLS = ["bash", "zsh", "fish"]


@pytest.fixture
def markets(environment: None, stub: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exchange whose every text is a shell command, and a folder for the shells."""
    items = [
        {**MARKET, "id": number, "slug": f"rain-{number}", "question": question}
        for number, question in enumerate(HOSTILE, 1)
    ]
    stub.on("GET", "/v1/markets", Answer(body={"items": items, "total": len(items)}))
    labelled = [{**item, "question": "?", "label": item["question"]} for item in items]
    stub.on("GET", "/v1/events/vote", Answer(body={"exhaustive": True, "markets": labelled}))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")


def script(shell: str) -> Path:
    """Return a file with the completion of a shell."""
    shown = subprocess.run(
        ["predmarket", "--show-completion", shell],
        env={**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"},
        capture_output=True,
        check=True,
        timeout=ENDS_WITHIN_S,
    )
    path = Path("completion")
    path.write_bytes(shown.stdout)
    return path


def output(*command: str) -> str:
    """Run a shell to its end and return its output."""
    ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=ENDS_WITHIN_S)
    assert not ran.stderr
    return ran.stdout


def bash(words: str) -> list[str]:
    """Return bash's completions at the end of ``words``, from the function that Tab calls."""
    path = script("bash")
    lines = (
        f"source ./{path}",
        f"COMP_WORDS=({words}) COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))",
        "_predmarket_completion predmarket",
        r'printf "%s\n" "${COMPREPLY[@]}"',
    )
    return output("bash", "--norc", "-c", "\n".join(lines)).splitlines()


def fish(words: str) -> list[str]:
    """Return fish's completions at the end of ``words``."""
    said = output("fish", "--no-config", "-c", f"source ./{script('fish')}; complete -C '{words}'")
    return [line.split("\t")[0] for line in said.splitlines()]


def zsh(words: str) -> list[str]:
    """Return zsh's completions at the end of ``words``; zsh completes only at a terminal."""
    path = script("zsh")
    start = f"PS1=; autoload -U compinit; compinit -u -D; source ./{path}; print re''ady\n"
    child, terminal = pty.fork()
    if child == 0:
        os.environ["TERM"] = "xterm"
        os.execvp("zsh", ["zsh", "-f", "-i"])
    try:
        os.write(terminal, start.encode())
        until(terminal, "ready")
        os.write(terminal, f"{words}\t".encode())
        until(terminal, "rain-")
        os.write(terminal, b"1\x01print -r -- '\x05' >line\n")  # ^A, ^E: print the present line
        end = time.monotonic() + 20
        while not Path("line").exists() or not Path("line").read_text():
            assert time.monotonic() < end
            time.sleep(0.02)
    finally:
        os.close(terminal)
        os.kill(child, 9)
        os.waitpid(child, 0)
    return Path("line").read_text().split()[-1:]


def until(terminal: int, text: str) -> str:
    """Read what a terminal shows until it has shown ``text``."""
    said, end = "", time.monotonic() + 20
    while text not in said:
        assert time.monotonic() < end, said
        if select.select([terminal], [], [], 0.1)[0]:
            said += os.read(terminal, 65536).decode(errors="replace")
    return said


@pytest.mark.parametrize(
    ("shell", "words"),
    [
        *((shell, "predmarket book r") for shell in SHELLS),
        ("zsh", "predmarket event resolve vote r"),  # zsh evaluates descriptions
    ],
)
def test_a_question_is_no_code(markets: None, tmp_path: Path, shell: str, words: str) -> None:
    """Completion offers every slug, and executes neither a question nor a label."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    propose = {"bash": bash, "zsh": zsh, "fish": fish}[shell]
    proposed = propose(words)
    expected = ["rain-1"] if shell == "zsh" else [f"rain-{n}" for n in range(1, len(HOSTILE) + 1)]
    assert sorted(proposed) == expected
    assert not (tmp_path / "pwned").exists()
