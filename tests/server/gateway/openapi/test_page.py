"""GET /docs and what it loads: all from here, under a policy that lets nothing else in."""

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from predmarket.server.gateway.context import ApiRequest
from predmarket.server.gateway.http.errors import answer_error
from predmarket.server.gateway.routes import openapi


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient[Litestar]]:
    """The routes of the page, alone."""
    app = Litestar(
        [openapi.router],
        exception_handlers={Exception: answer_error},
        request_class=ApiRequest,
        openapi_config=None,
    )
    with TestClient(app) as client:
        yield client


def test_everything_that_the_page_names_is_served(client: TestClient[Litestar]) -> None:
    """With its media type, to be kept; nothing comes from elsewhere."""
    page = client.get("/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    named = re.findall(r'(?:src|href)="([^"]*)"', page.text)
    assert {address.rpartition(".")[2] for address in named} == {"css", "js", "png"}
    kinds = {"css": "text/css", "js": "text/javascript", "png": "image/png"}
    for address in named:
        assert address.startswith("/docs/")
        answer = client.get(address)
        assert (answer.status_code, len(answer.content) > 100) == (200, True)
        assert answer.headers["content-type"].startswith(kinds[address.rpartition(".")[2]])
        assert "max-age" in answer.headers["cache-control"]
    started = client.get("/docs/start.js").text
    assert re.findall(r'url: "([^"]*)"', started) == ["/openapi.json"]
    assert "persistAuthorization: false" in started
    assert client.get("/openapi.json").json()["openapi"] == "3.1.0"


def test_the_page_runs_nothing_but_its_own_files(client: TestClient[Litestar]) -> None:
    """No inline script, no eval, no other host."""
    page = client.get("/docs")
    policy = dict(
        part.split(" ", 1) for part in page.headers["content-security-policy"].split("; ")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert not re.search(r"<script(?![^>]*src=)|<style|\son\w+=|https?:", page.text)


def test_no_other_file_is_served(client: TestClient[Litestar]) -> None:
    """Neither of the package nor from above it."""
    for name in ("swagger-editor.js", "..", "%2e%2e%2fcore.py", "..%2f..%2fpyproject.toml", "%00"):
        answer = client.get(f"/docs/{name}")
        assert (name, answer.status_code) == (name, 404)


def test_the_packages_code_is_not_run() -> None:
    """Its folder is found without importing it."""
    code = (
        "import sys; from predmarket.server.gateway.routes import openapi; openapi._files(); "
        "sys.exit('swagger_ui' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
