"""Commands that import the server: the arguments that they pass, and their output."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import pytest

from predmarket.bots.runner import run as run_house
from predmarket.exit_codes import ExitCode
from tests.support.command_line import Run


class OperateError(Exception):
    """The server's expected failure."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code


@dataclass
class SeedReport:
    """The report of `seed`."""

    lines: list[str] = field(default_factory=lambda: ["admin@example.com created", "market kept"])
    data: dict[str, object] = field(default_factory=lambda: {"users": 2})


@dataclass
class AuditReport:
    """The report of `audit`."""

    ok: bool
    checks: list[tuple[str, bool, str]]


@dataclass
class Written:
    """The report of `backup`."""

    size: int
    report: AuditReport


def _given(asked: dict[str, object]) -> list[tuple[str, object]]:
    return [(name, value) for name, value in asked.items() if value is not None]


class Server(ModuleType):
    """The modules ``start`` and ``maintenance`` of predmarket.server.process as agreed on."""

    OperateError = OperateError

    def __init__(self) -> None:
        super().__init__("predmarket.server")
        self.calls: list[tuple[object, ...]] = []
        self.holds = True

    def serve(
        self, settings_overrides: dict[str, str], seed: bool, force: bool, **asked: object
    ) -> int:
        self.calls.append(("serve", settings_overrides, seed, force, *_given(asked)))
        return 3

    def serve_demo(
        self, overrides: dict[str, str], force: bool, house: object, **asked: object
    ) -> int:
        self.calls.append(("serve_demo", overrides, force, house, *_given(asked)))
        return 4

    def seed(self, settings_overrides: dict[str, str], force: bool) -> SeedReport:
        self.calls.append(("seed", settings_overrides, force))
        return SeedReport()

    def set_role(self, overrides: dict[str, str], email: str, role: str) -> None:
        self.calls.append(("set_role", overrides, email, role))

    def db_upgrade(self, overrides: dict[str, str]) -> str:
        self.calls.append(("db_upgrade", overrides))
        return "0002"

    def db_current(self, overrides: dict[str, str]) -> str:
        self.calls.append(("db_current", overrides))
        raise OperateError("there is no database", ExitCode(5))

    def audit(
        self, overrides: dict[str, str], replay: bool, progress: Callable[[str, int, int], None]
    ) -> AuditReport:
        self.calls.append(("audit", overrides, replay))
        progress("ledger", 1, 2)
        return AuditReport(self.holds, [("money", True, "5.00"), ("shares", self.holds, "7")])

    def backup(self, overrides: dict[str, str], file: Path, replay: bool, _: object) -> Written:
        self.calls.append(("backup", overrides, file, replay))
        return Written(9, AuditReport(self.holds, [("money", self.holds, "5.00")]))

    def restore(self, overrides: dict[str, str], file: Path, replay: bool, _: object) -> Written:
        self.calls.append(("restore", overrides, file, replay))
        raise OperateError("there is an exchange", ExitCode(2))

    def doctor(self, overrides: dict[str, str]) -> list[tuple[str, bool, str]]:
        self.calls.append(("doctor", overrides))
        return [("database", True, "whole"), ("disk", self.holds, "9 MiB are free at /")]

    def config(self, overrides: dict[str, str]) -> list[tuple[str, str, str]]:
        self.calls.append(("config", overrides))
        return [("port", "8000", "default"), ("jwt_secret", "(hidden)", "env")]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    """A server that records its calls."""
    module = Server()
    for package in ("predmarket.server", "predmarket.server.process"):
        monkeypatch.setitem(sys.modules, package, ModuleType(package))
    for name in ("start", "maintenance", "backup", "operator_errors"):
        monkeypatch.setitem(sys.modules, f"predmarket.server.process.{name}", module)
    return module


def test_serve(run: Run, server: Server) -> None:
    """serve passes only the given overrides; the exit code is the server's."""
    words = "--host 0.0.0.0 --port 9000 --data-dir d --database-url u --redis-url r --seed"
    assert run("serve", *words.split()).code == 3
    assert run("serve", "--force").code == 3
    given = {
        "host": "0.0.0.0",
        "port": "9000",
        "data_dir": "d",
        "database_url": "u",
        "redis_url": "r",
    }
    assert [("serve", given, True, False), ("serve", {}, False, True)] == server.calls


def test_serve_demo(run: Run, server: Server) -> None:
    """serve --demo passes the house bots, since the server does not import them."""
    assert run("serve", "--demo", "--port", "9000").code == 4
    assert server.calls == [("serve_demo", {"port": "9000"}, False, run_house)]


def test_what_a_start_is_asked_for(run: Run, server: Server) -> None:
    """serve passes the admin and the ready descriptor; --demo refuses --admin."""
    words = ("--admin", "ann@example.com", "--ready-fd", "7")
    assert run("serve", *words).code == 3
    assert server.calls == [
        ("serve", {}, False, False, ("admin", "ann@example.com"), ("ready_fd", 7))
    ]
    assert run("serve", "--demo", *words).code == 2


def test_seed(run: Run, server: Server) -> None:
    """seed prints lines for people and data for programs."""
    assert run("seed").out == "admin@example.com created\nmarket kept\n"
    assert json.loads(run("seed", "--force", "--data-dir", "d", "--json").out) == {"users": 2}
    assert server.calls == [("seed", {}, False), ("seed", {"data_dir": "d"}, True)]


def test_set_role(run: Run, server: Server) -> None:
    """A role is accepted in any case."""
    ran = run("user", "set-role", "ann@example.com", "admin", "--database-url", "u", "--json")
    assert json.loads(ran.out) == {"email": "ann@example.com", "role": "ADMIN"}
    assert server.calls == [("set_role", {"database_url": "u"}, "ann@example.com", "ADMIN")]


def test_db(run: Run, server: Server) -> None:
    """db prints a revision, or the server's failure with its exit code."""
    assert run("db", "upgrade").out == "revision  0002\n"
    ran = run("db", "current")
    assert (ran.code, ran.err) == (5, "error: NOT_FOUND: there is no database\n")


def test_backups(run: Run, server: Server) -> None:
    """backup prints the file, its size and its audit; exit code 1 when the audit fails."""
    ran = run("db", "backup", "monday", "--replay")
    assert (ran.code, ran.out) == (0, "CHECK  OK   DETAIL\nmoney  yes  5.00\n")
    server.holds = False
    ran = run("db", "backup", "monday", "--data-dir", "d", "--json")
    assert ran.code == 1
    found = json.loads(ran.out)
    assert (found["file"], found["bytes"], found["ok"]) == ("monday", 9, False)
    ran = run("db", "restore", "monday")
    assert (ran.code, ran.err) == (2, "error: there is an exchange\n")
    assert server.calls == [
        ("backup", {}, Path("monday"), True),
        ("backup", {"data_dir": "d"}, Path("monday"), False),
        ("restore", {}, Path("monday"), False),
    ]


def test_audit(run: Run, server: Server) -> None:
    """audit has exit code 1 on a violation, and no progress bar off a terminal."""
    ran = run("audit", "--replay")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == "CHECK   OK   DETAIL\nmoney   yes  5.00\nshares  yes  7\n"
    server.holds = False
    ran = run("audit", "--json")
    assert (ran.code, json.loads(ran.out)["ok"]) == (1, False)
    assert json.loads(ran.err)["error"]["code"] == "AUDIT_FAILED"
    assert server.calls == [("audit", {}, True), ("audit", {}, False)]


def test_doctor(run: Run, server: Server, home: Path) -> None:
    """doctor prints a line per check; exit code 1 on a problem, the session file's included."""
    assert run("doctor", "--data-dir", "d").code == 0
    server.holds = False
    ran = run("doctor", "--json")
    assert ran.code == 1
    found = json.loads(ran.out)
    assert found["ok"] is False
    assert [check["name"] for check in found["checks"]] == ["database", "disk", "session"]
    assert json.loads(ran.err)["error"]["code"] == "UNHEALTHY"
    server.holds = True
    home.mkdir()
    (home / "session.json").touch(mode=0o644)
    (home / "session.json").chmod(0o644)
    ran = run("doctor")
    assert (ran.code, "wrong: session" in ran.err) == (1, True)
    assert server.calls[:2] == [("doctor", {"data_dir": "d"}), ("doctor", {})]


def test_config_show(run: Run, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """config show prints the client's and the server's settings with origins, without secrets."""
    monkeypatch.setenv("PREDMARKET_API_KEY", "SECRET")
    ran = run("-P", "x", "config", "show", "--json")
    rows = {(row["scope"], row["name"]): row for row in json.loads(ran.out)}
    assert rows["client", "profile"]["origin"] == "flag"
    assert rows["client", "url"]["origin"] == "env"
    assert rows["client", "api_key"] == {
        "scope": "client",
        "name": "api_key",
        "value": "(hidden)",
        "origin": "env",
    }
    assert rows["server", "port"]["value"] == "8000"
    assert "SECRET" not in ran.out + ran.err
