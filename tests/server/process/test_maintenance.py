"""Maintenance of an exchange: seed, roles, schema, audit, and a real process's life."""

import stat
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from predmarket.server.process import maintenance, start
from predmarket.server.process.operator_errors import OperateError
from predmarket.server.settings import Settings, unknown_variables
from predmarket.server.storage import migrations
from predmarket.server.storage.database import sync_engine
from predmarket.variables import SERVERS
from tests.support.exchange import ANSWER_S, ExchangeProcess


@pytest.fixture
def overrides(tmp_path: Path, database_url: str) -> dict[str, str]:
    """Return settings of an exchange on an empty database with its schema."""
    migrations.upgrade(database_url)
    return {"data_dir": str(tmp_path / "data"), "database_url": database_url}


def quiet(_what: str, _done: int, _of: int) -> None:
    """Show no progress."""


def test_seeding_twice_changes_nothing(overrides: dict[str, str]) -> None:
    """A second seed changes nothing, and the audit passes afterwards."""
    first = start.seed(overrides, force=False)
    assert "admin@example.com created (ADMIN)" in first.lines
    assert "user@example.com received 1000.000000" in first.lines
    maintenance.set_role(overrides, "User@example.com ", "ADMIN")
    second = start.seed(overrides, force=False)
    assert second.lines == [
        "admin@example.com was there (ADMIN)",
        "user@example.com was there (ADMIN)",
        "admin@example.com had received 10000.000000",
        "user@example.com had received 1000.000000",
        "market will-it-rain-tomorrow was there",
    ]
    report = maintenance.audit(overrides, replay=True, progress=quiet)
    assert report.ok, report.checks
    assert len(report.checks) > 15
    engine = sync_engine(overrides["database_url"])
    with engine.connect() as connection:
        query = text("SELECT actor_id, action, details FROM admin_log WHERE seq IS NULL")
        assert connection.execute(query).all() == [(None, "USER_ROLE", '{"role":"ADMIN"}')]
    engine.dispose()


def test_the_seed_users_are_named(overrides: dict[str, str]) -> None:
    """A user seeded under an earlier name is renamed; a name that somebody chose stays."""
    engine = sync_engine(overrides["database_url"])
    query = text("SELECT email, full_name FROM users ORDER BY id")
    for former, name in (
        (None, "Admin User"),
        ("Admin", "Admin User"),
        ("Grace", "Grace"),
        ("", ""),
    ):
        if former is not None:
            change = text("UPDATE users SET full_name = :name WHERE email = 'admin@example.com'")
            with engine.begin() as connection:
                connection.execute(change, {"name": former})
        start.seed(overrides, force=False)
        with engine.connect() as connection:
            assert connection.execute(query).all() == [
                ("admin@example.com", name),
                ("user@example.com", "Test User"),
            ]
    engine.dispose()


def test_what_is_refused(overrides: dict[str, str], tmp_path: Path) -> None:
    """Each refusal is one line, with the exit code of its kind."""
    start.seed(overrides, force=False)
    missing = {"data_dir": str(tmp_path / "none")}
    unused = {"data_dir": str(tmp_path / "unused")}
    maintenance.db_upgrade(unused)
    for call, exit_code in (
        (lambda: maintenance.set_role(overrides, "nobody@example.com", "ADMIN"), 5),
        (lambda: start.seed({**overrides, "host": "0.0.0.0"}, force=False), 2),
        (lambda: start.serve({**overrides, "host": "0.0.0.0"}, seed=False), 2),
        (lambda: start.serve({"data_dir": ""}, seed=False), 2),
        (lambda: start.serve({"port": "x"}, seed=False), 2),
        (lambda: maintenance.audit(missing, replay=False, progress=quiet), 5),
        (lambda: maintenance.audit(unused, replay=True, progress=quiet), 5),
        (lambda: maintenance.db_current(missing), 5),
        (lambda: maintenance.db_upgrade({"database_url": "postgresql://nobody@127.0.0.1:1/x"}), 3),
        (lambda: maintenance.config({"database_url": "mysql://x"}), 2),
    ):
        with pytest.raises(OperateError) as refused:
            call()
        assert refused.value.exit_code == exit_code, refused.value.message
        assert "\n" not in refused.value.message
    assert not (tmp_path / "none").exists()


def test_a_shared_database_that_is_behind_is_refused(postgres_url: str, tmp_path: Path) -> None:
    """serve refuses an outdated shared database, because others may be using its schema."""
    given = {"database_url": postgres_url, "data_dir": str(tmp_path), "port": "0"}
    with pytest.raises(OperateError, match="predmarket db upgrade"):
        start.serve(given, seed=False)
    with pytest.raises(OperateError, match="predmarket db upgrade"):
        maintenance.set_role(given, "ann@example.com", "ADMIN")
    assert maintenance.db_current(given) == "none"
    assert maintenance.db_upgrade(given) == maintenance.db_current(given) == migrations.head()


@pytest.mark.parametrize("shared", [False, True])
def test_a_database_of_a_newer_version_is_refused(
    shared: bool, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Every command refuses a database of a newer version in one line and leaves it unchanged.

    There is no downgrade.
    """
    file = tmp_path / "predmarket.db"
    url = request.getfixturevalue("postgres_url") if shared else f"sqlite:///{file}"
    given = {"database_url": url, "data_dir": str(tmp_path), "port": "0"}
    maintenance.db_upgrade(given)
    engine = sync_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    for call in (
        lambda: start.serve(given, seed=False),
        lambda: maintenance.db_upgrade(given),
        lambda: maintenance.audit(given, replay=False, progress=quiet),
        lambda: maintenance.set_role(given, "ann@example.com", "ADMIN"),
    ):
        with pytest.raises(OperateError, match="9999, which this version") as refused:
            call()
        assert refused.value.exit_code == 2
    assert maintenance.db_current(given) == "9999"


def test_unknown_variables_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Unknown variables with our prefix are named, from the environment and from .env."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("PREDMARKET_PLOUGH=9\nOTHER=1\n")
    monkeypatch.setenv("PREDMARKET_SERVICE_HOST", "9")  # set by Kubernetes
    monkeypatch.setenv("PREDMARKET_PORT", "9")
    monkeypatch.setenv("PREDMARKET_PROFILE", "x")
    assert unknown_variables() == ["PREDMARKET_PLOUGH", "PREDMARKET_SERVICE_HOST"]
    Settings.load()


@pytest.mark.parametrize("in_file", [False, True])
def test_a_mistyped_setting_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, in_file: bool
) -> None:
    """A mistyped setting refuses the start; ignoring it would open another exchange's folder."""
    monkeypatch.chdir(tmp_path)
    if in_file:
        (tmp_path / ".env").write_text("PREDMARKET_DATADIR=x\n")
    else:
        monkeypatch.setenv("PREDMARKET_DATADIR", "x")
    with pytest.raises(OperateError, match=r"DATADIR is no setting; .* PREDMARKET_DATA_DIR\?"):
        maintenance.config({})


def test_a_missing_exchange(tmp_path: Path) -> None:
    """Without an exchange the message names the flag and the variable for another place."""
    for given, named in (
        ({"data_dir": str(tmp_path)}, "--data-dir or PREDMARKET_DATA_DIR"),
        (
            {"database_url": f"sqlite:///{tmp_path}/x.db"},
            "--database-url or PREDMARKET_DATABASE_URL",
        ),
    ):
        with pytest.raises(OperateError, match=f"no exchange at .*: .* with {named}") as caught:
            maintenance.audit(given, replay=False, progress=quiet)
        assert caught.value.exit_code == 5
    assert not [*tmp_path.iterdir()]


def test_the_names_of_settings_are_the_settings() -> None:
    """The separate list of setting names equals the settings, for readers that do not load them."""
    assert {name.upper() for name in Settings.model_fields} == SERVERS


def test_a_process_from_start_to_end(tmp_path: Path) -> None:
    """A process's files are private to its owner.

    A second process is refused, and SIGTERM exits with 0.
    """
    url = f"sqlite:///{tmp_path / 'predmarket.db'}"
    daemon = ExchangeProcess(
        tmp_path, url, "--seed", settings={"BOGUS": "1", "LOG_FORMAT": "console"}
    )
    daemon.start()
    try:
        body = {"email": "user@example.com", "password": "password123"}
        login = httpx.post(f"{daemon.url}/v1/auth/login", json=body, timeout=ANSWER_S)
        assert login.status_code == 200
        for name in ("predmarket.db", "predmarket.db-wal", "predmarket.db.lock"):
            assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
        command = [sys.executable, "-m", "predmarket.cli"]
        flags = ["--data-dir", str(tmp_path), "--database-url", url]
        for words in (["seed"], ["user", "set-role", "user@example.com", "ADMIN"]):
            refused = subprocess.run(
                [*command, *words, *flags], capture_output=True, text=True, check=False
            )
            assert refused.returncode == 2
            assert "in use by" in refused.stderr
        taken = subprocess.run(
            [*command, "serve", "--port", str(daemon.port), "--data-dir", str(tmp_path / "other")],
            capture_output=True,
            text=True,
            check=False,
        )
        assert taken.returncode == 2
        assert "choose another with --port" in taken.stderr
        assert daemon.stop() == 0
    finally:
        daemon.kill()
    log = (tmp_path / "log").read_text()
    assert "PREDMARKET_BOGUS is not a setting of predmarket" in log
    assert "  predmarket auth login user@example.com" in log
    assert f"  export PREDMARKET_URL={daemon.url}\n" in log  # the port differs from the default
    assert "Traceback" not in log
