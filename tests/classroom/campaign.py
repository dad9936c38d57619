"""Walk docs/class.md: an organiser and a class, each with a terminal, use only `predmarket`.

Every line is a process of its own, with the configuration of its person. The students act at the
same time and from one address: they claim their codes, look around, trade, and look at the
standings. Then the organiser proposes and confirms the resolution, ends the season, exports and
backs up.

Every command must end with 0, except where a refusal is expected; the audit holds at the end.
"""

import csv
import json
import os
import random
import secrets
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.postgres import wheel_programs

GROUP, SEASON = "class-9b", "Spring"
MARKET, PRACTICE, EVENT = "rain-friday", "practice", "cup"
TEAMS = ("reds", "blues", "greens")
CREDIT = "1000"
PASSWORD = "a long enough password"
COMMAND_S = 300.0
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("PREDMARKET_")},
    "PATH": f"{wheel_programs()}{os.pathsep}{os.environ['PATH']}",  # pg_dump of the tests' server
    "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
}
_PREDMARKET = (sys.executable, "-m", "predmarket.cli")
_BAD_CODE = 4


@dataclass
class Tally:
    """The counts of a walk."""

    students: int
    commands: int = 0
    orders: int = 0
    trades: int = 0
    profits: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.students} students, {self.commands} commands, {self.orders} orders, "
            f"{self.trades} trades, profits from {self.profits[0]} to {self.profits[-1]}"
        )


class Terminal:
    """One person's shell in a folder; ``home`` keeps the session."""

    def __init__(self, folder: Path, home: Path, url: str) -> None:
        home.mkdir(exist_ok=True)
        self._folder = folder
        self.commands = 0
        self._environment = {
            **ENVIRONMENT, "PREDMARKET_CONFIG_DIR": str(home), "PREDMARKET_URL": url,
        }  # fmt: skip

    def run(self, *words: str, given: str = "", code: int = 0) -> str:
        """Run a command; return what it printed. Raises AssertionError for another exit code."""
        ran = subprocess.run(
            [*_PREDMARKET, *words],
            input=given,
            capture_output=True,
            text=True,
            timeout=COMMAND_S,
            cwd=self._folder,
            env=self._environment,
            check=False,
        )
        self.commands += 1
        assert ran.returncode == code, f"{' '.join(words)}: {ran.returncode}\n{ran.stderr}"
        return ran.stdout

    def rows(self, *words: str) -> list[dict[str, str]]:
        """Run a list command; return its rows."""
        return [json.loads(line) for line in self.run(*words, "-o", "jsonl").splitlines()]


@contextmanager
def serving(folder: Path, database_url: str) -> Iterator[tuple[str, str]]:
    """Run an exchange with the page's settings; yield its address and the admin's password."""
    folder.joinpath(".env").write_text(
        f"PREDMARKET_JWT_SECRET={secrets.token_urlsafe(48)}\n"
        "PREDMARKET_DATA_DIR=./exchange\n"
        f"PREDMARKET_DATABASE_URL={database_url}\n"
        "PREDMARKET_SIGNUP=closed\n"
        "PREDMARKET_AUTH_RATE_LIMIT=60/minute\n"
        "PREDMARKET_AUTH_WINDOW_LIMIT=1000/15minutes\n"
    )
    upgrade = [*_PREDMARKET, "db", "upgrade"]  # serve migrates only an embedded database
    subprocess.run(upgrade, cwd=folder, env=ENVIRONMENT, check=True, capture_output=True)
    read, write = os.pipe()
    words = ("serve", "--port", "0", "--admin", "teacher@example.com", "--ready-fd", str(write))
    with (
        folder.joinpath("log").open("wb") as log,
        subprocess.Popen(
            [*_PREDMARKET, *words],
            cwd=folder, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=log, text=True,
            pass_fds=(write,),
        ) as process,
    ):  # fmt: skip
        os.close(write)
        try:
            with os.fdopen(read) as ready:
                url = json.loads(ready.readline())["url"]
            assert process.stdout is not None
            yield url, process.stdout.readline().split()[-1]
        finally:
            process.terminate()
            process.wait(30)


class Walk:
    """The page from its first command to its last."""

    def __init__(self, folder: Path, url: str, password: str, students: int) -> None:
        self._folder = folder
        self._password = password
        self._tally = Tally(students)
        self._names = [f"student{number:02}" for number in range(1, students + 1)]
        self._teacher = Terminal(folder, folder / "teacher", url)
        homes = [folder / name for name in self._names]
        self._students = [Terminal(home, home, url) for home in homes]

    def go(self) -> Tally:
        """Walk the page; return the counts."""
        codes = self._evening_before()
        with ThreadPoolExecutor(len(self._students)) as room:
            list(room.map(self._begin, self._students, self._names, codes))
            self._teacher.run("season", "start", SEASON)
            list(room.map(self._trade, self._students, range(len(self._students))))
        self._pay()
        self._prize_giving()
        self._keep()
        self._tally.commands = sum(one.commands for one in (self._teacher, *self._students))
        return self._tally

    def _evening_before(self) -> list[str]:
        """Log in, make the accounts and the markets; return the students' codes in order."""
        run = self._teacher.run
        run("auth", "login", "teacher@example.com", given=f"{self._password}\n")
        self._write("class.csv", ["email,fullName,credit,group"] + [
            f"{name},{name.title()},{CREDIT},{GROUP}" for name in self._names
        ])  # fmt: skip
        run("user", "import", "class.csv", "--codes", "codes.txt", "--format", "{email} {code}")
        again = self._teacher.rows("user", "import", "class.csv")
        assert {row["status"] for row in again} == {"EXISTS"}
        self._write("markets.csv", [
            "slug,question,closesAt,category,group",
            f"{MARKET},Will it rain on Friday?,2h,weather,",
            f"{PRACTICE},Will the coin show heads?,2h,practice,{GROUP}",
        ])  # fmt: skip
        run("market", "import", "markets.csv", "--dry-run")
        run("market", "import", "markets.csv")
        outcomes = [word for team in TEAMS for word in ("--market", f"{EVENT}-{team}={team}")]
        run("event", "create", EVENT, "Who wins the cup?", "--exhaustive", *outcomes)
        lines = self._folder.joinpath("codes.txt").read_text().splitlines()
        codes = dict(line.split(maxsplit=1) for line in lines if line)
        return [codes[name] for name in self._names]

    def _write(self, name: str, lines: list[str]) -> None:
        self._folder.joinpath(name).write_text("\n".join(lines) + "\n")

    def _begin(self, student: Terminal, name: str, code: str) -> None:
        """Claim a code, take a public name, look around.

        The exchange shares its processors with all these terminals, which start at once: a hash of
        a password takes its turn for longer than in a room of thirty machines.
        """
        student.run("auth", "claim", "--timeout", "60", given=f"{code}\n{PASSWORD}\n")
        student.run("auth", "claim", given=f"{code}\n{PASSWORD}\n", code=_BAD_CODE)
        student.run("auth", "update", "--display-name", f"The {name}")
        slugs = {row["slug"] for row in student.rows("market", "list")}
        assert {MARKET, PRACTICE} <= slugs, slugs

    def _trade(self, student: Terminal, number: int) -> None:
        """Buy and sell in the market and in the event."""
        draw = random.Random(number)
        buys = number % 2 == 0
        for market in (MARKET, f"{EVENT}-{TEAMS[number // 2 % len(TEAMS)]}"):
            side, price = ("buy", draw.randint(50, 59)) if buys else ("sell", draw.randint(41, 50))
            student.run("order", "place", market, side, "10", "--price", f"0.{price}", "--yes")
            self._tally.orders += 1
        student.run("account", "positions")
        student.run("leaderboard", "--season", SEASON)

    def _pay(self) -> None:
        """Propose a resolution, let everybody see it, make it; the event is resolved at once."""
        self._tally.trades = len(self._teacher.rows("trades", MARKET, "--all"))
        note = ("--note", "11 mm by noon", "--source", "https://example.com/friday")
        self._teacher.run("market", "resolve", MARKET, "YES", "--after", "24h", *note, "--yes")
        seen = json.loads(self._students[0].run("market", "show", MARKET, "-o", "json"))
        assert (seen["status"], seen["proposal"]["outcome"]) == ("CLOSED", "YES")
        self._teacher.run("market", "proposal", "confirm", MARKET, "--yes")
        self._teacher.run("event", "resolve", EVENT, f"{EVENT}-{TEAMS[0]}", "--yes")

    def _prize_giving(self) -> None:
        """End the season; check that students see its final standings."""
        self._teacher.run("season", "end")
        board = self._students[-1].rows("leaderboard", "--season", SEASON, "--limit", "100")
        assert len(board) == len(self._names)
        assert all(row["displayName"].startswith("The ") for row in board)
        self._tally.profits = [row["profit"] for row in board]
        self._teacher.run("calibration", "--before", "1h")

    def _keep(self) -> None:
        """Export and back up; check that nothing is missing."""
        self._teacher.run("export", "friday", "--anonymise")
        with self._folder.joinpath("friday", "users.csv").open() as users:
            assert len(list(csv.DictReader(users))) > len(self._names)
        self._teacher.run("db", "backup", "friday.backup", "--replay")
