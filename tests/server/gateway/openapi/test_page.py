"""GET /docs loads only the exchange's own files, under a policy that permits nothing else."""

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from predmarket.server.gateway.api_request import ApiRequest
from predmarket.server.gateway.http.errors import answer_error
from predmarket.server.gateway.routes import openapi


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient[Litestar]]:
    """Return a client of the page's routes alone."""
    app = Litestar(
        [openapi.router],
        exception_handlers={Exception: answer_error},
        request_class=ApiRequest,
        openapi_config=None,
    )
    with TestClient(app) as client:
        yield client


def test_everything_that_the_page_names_is_served(client: TestClient[Litestar]) -> None:
    """All files that the page names are served here, cacheable and with their media types."""
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
    """The page has no inline script, no eval and no other host."""
    page = client.get("/docs")
    policy = dict(
        part.split(" ", 1) for part in page.headers["content-security-policy"].split("; ")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert not re.search(r"<script(?![^>]*src=)|<style|\son\w+=|https?:", page.text)


def test_no_other_file_is_served(client: TestClient[Litestar]) -> None:
    """Other files of the package or above it are not served."""
    for name in ("swagger-editor.js", "..", "%2e%2e%2fcore.py", "..%2f..%2fpyproject.toml", "%00"):
        answer = client.get(f"/docs/{name}")
        assert (name, answer.status_code) == (name, 404)


def test_the_packages_code_is_not_run() -> None:
    """The package's folder is found without an import of the package."""
    code = (
        "import sys; from predmarket.server.gateway.routes import openapi; openapi._files(); "
        "sys.exit('swagger_ui' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
