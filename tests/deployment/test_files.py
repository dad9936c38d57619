"""The deployment files, as far as they can be checked without Docker."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from dotenv import dotenv_values

from predmarket.server.settings import Settings
from predmarket.variables import PREFIX

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
COMPOSE_ALONE = {"POSTGRES_PASSWORD", "REDIS_PASSWORD"}


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        ("vendor.compose-spec", "docker-compose.yml"),
        ("vendor.github-workflows", ".github/workflows/ci.yml"),
        ("vendor.github-workflows", ".github/workflows/release.yml"),
        ("vendor.dependabot", ".github/dependabot.yml"),
        ("vendor.github-issue-forms", ".github/ISSUE_TEMPLATE/bug_report.yml"),
        ("vendor.github-issue-forms", ".github/ISSUE_TEMPLATE/feature_request.yml"),
        ("vendor.github-issue-config", ".github/ISSUE_TEMPLATE/config.yml"),
    ],
)
def test_the_schema_holds(schema: str, file: str) -> None:
    """Each file is valid under its schema from check-jsonschema."""
    command: list[str | Path] = [BIN / "check-jsonschema", "--builtin-schema", schema, ROOT / file]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_hadolint_finds_nothing() -> None:
    """hadolint reports nothing, not even advice."""
    command = [BIN / "hadolint", ROOT / "Dockerfile"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_image_is_run_safely() -> None:
    """The image runs without root, forwards signals to the process, and has a health check."""
    final = (ROOT / "Dockerfile").read_text().rpartition("FROM ")[2]
    assert re.search(r"^USER [1-9]\d*$", final, re.MULTILINE)
    entry = re.findall(r"^(?:ENTRYPOINT|CMD) (.*)$", final, re.MULTILINE)
    assert [json.loads(command) for command in entry] == [["predmarket"], ["serve"]]
    assert "HEALTHCHECK" in final
    assert "/healthz" in final
    assert " pip install" not in final


def test_compose_demands_its_secrets() -> None:
    """Compose stops with a message when a secret is missing, and contains none itself."""
    text = (ROOT / "docker-compose.yml").read_text()
    for name in ("PREDMARKET_JWT_SECRET", *COMPOSE_ALONE):
        uses = re.findall(rf"\$\{{{name}[^}}]*\}}", text)
        assert uses
        assert all(use.startswith(f"${{{name}:?set it") for use in uses)
    for hardening in ("read_only: true", "cap_drop: [ALL]", "no-new-privileges:true"):
        assert hardening in text


def test_compose_runs_a_core_and_two_gateways() -> None:
    """Each process waits for its servers and the schema, restarts, and has time to stop."""
    text = (ROOT / "docker-compose.yml").read_text()
    assert re.findall(r"command: \[serve, --role, (\w+)\]", text) == ["core", "gateway", "gateway"]
    assert len(re.findall(r"<<: \[\*exchange, \*served\]", text)) == 3
    served = text.partition("x-served:")[2].partition("\nservices:")[0]
    for promise in ("service_completed_successfully", "unless-stopped", "stop_grace_period: 15s"):
        assert promise in served


def test_compose_passes_every_setting_on() -> None:
    """Every process gets each value of .env, but for those that image and commands set."""
    text = (ROOT / "docker-compose.yml").read_text()
    decided = {"HOST", "PORT", "DATA_DIR", "ROLE", "WORKERS"}
    fixed = {"DATABASE_URL", "REDIS_URL", "METRICS_HOST", "METRICS_PORT", "LOG_FORMAT"}
    settings = {name.upper() for name in Settings.model_fields}
    for name in settings - decided:
        assert len(re.findall(rf"^    {PREFIX}{name}: \S", text, re.MULTILINE)) == 1, name
    for name in settings - decided - fixed:
        assert f"    {PREFIX}{name}: ${{{PREFIX}{name}:" in text, name
    assert f"${{{PREFIX}PORT:-8000}}:8000" in text


def test_the_example_names_every_setting() -> None:
    """The example has every setting and no other, each after a line of explanation."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    named = {line.partition("=")[0] for line in lines if re.match(r"[A-Z_]+=", line)}
    assert named == {PREFIX + name.upper() for name in Settings.model_fields} | COMPOSE_ALONE
    values = dotenv_values(ROOT / ".env.example")
    assert not any(values[name] for name in ("PREDMARKET_JWT_SECRET", *COMPOSE_ALONE))


def test_the_settings_for_a_class_can_be_read(tmp_path: Path) -> None:
    """Each setting in docs/class.md exists and its value is accepted."""
    text = (ROOT / "docs" / "class.md").read_text().partition("<<'END'\n")[2].partition("END\n")[0]
    given = dict(line.split("=", 1) for line in text.splitlines())
    fields = {name.removeprefix(PREFIX).lower(): value for name, value in given.items()}
    assert fields.keys() <= Settings.model_fields.keys()
    settings = Settings.load({**fields, "data_dir": str(tmp_path)})
    assert (settings.on_loopback, settings.auth_rate_limit) == (False, (60, 60))


def test_the_example_holds_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example, read as a .env file, changes no setting."""
    for name in os.environ:
        if name.startswith(PREFIX):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    defaults = Settings.load()
    (tmp_path / ".env").write_text((ROOT / ".env.example").read_text())
    assert Settings.load() == defaults
