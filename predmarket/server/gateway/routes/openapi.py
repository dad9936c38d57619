"""Routes of the API's document, and of the page that shows it and tries the API.

The page is Swagger UI from an installed package, so it needs no internet. Its content policy allows
its own scripts and calls to this exchange, nothing else. Only the files listed here are served.
"""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import msgspec
from litestar import Response, Router, get
from litestar.params import FromPath

from predmarket.enums import ErrorCode as E
from predmarket.server.errors import Refusal
from predmarket.server.gateway.api_request import ApiRequest
from predmarket.server.gateway.openapi.document import document
from predmarket.server.gateway.openapi.notes import notes

DOCUMENT = "document"

# Swagger UI sets styles on its elements and shows images as data; it needs no more than this.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)

PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>predmarket API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" type="image/png" sizes="32x32" href="/docs/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""

START = """\
window.ui = SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "list",
  filter: true,
  persistAuthorization: false,
  tryItOutEnabled: true,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
});
"""

_TYPES = {".js": "text/javascript", ".css": "text/css", ".png": "image/png"}
_PACKAGED = ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png")
_KEPT = "public, max-age=86400"


@get("/openapi.json", opt=notes())
async def openapi(request: ApiRequest) -> Response[bytes]:
    """Describe the API: this document."""
    state = request.app.state
    if DOCUMENT not in state:
        state[DOCUMENT] = msgspec.json.encode(document(request.app))
    return Response(state[DOCUMENT], media_type="application/json")


@get("/docs", opt=notes(media="text/html"))
async def docs(request: ApiRequest) -> Response[str]:
    """Show the API's document as a page that can try it out."""
    del request
    headers = {"content-security-policy": POLICY, "cache-control": "no-cache"}
    return Response(PAGE, media_type="text/html", headers=headers)


@get("/docs/{file:str}", include_in_schema=False)
async def docs_file(request: ApiRequest, file: FromPath[str]) -> Response[bytes]:
    """Serve one file of the page."""
    del request
    content = _files().get(file)
    if content is None:
        raise Refusal(E.NOT_FOUND)
    kind = _TYPES[Path(file).suffix]
    return Response(content, media_type=kind, headers={"cache-control": _KEPT})


@cache
def _files() -> dict[str, bytes]:
    """Return the page's files by name, read once."""
    spec = find_spec("swagger_ui")  # finds the folder without running its code
    assert spec is not None  # a dependency of ours
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "static"
    return {"start.js": START.encode()} | {name: (folder / name).read_bytes() for name in _PACKAGED}


router = Router("/", route_handlers=[openapi, docs, docs_file], tags=["operations"])
