"""`python -m benchmarks.empty …`: the `predmarket` command, its exchange with one route more.

POST /v1/empty asks who the user is and does nothing, on the same server in the same process. What
an order costs beyond it is the exchange's own.
"""

from unittest.mock import patch

from litestar import post

from predmarket import cli
from predmarket.server.gateway.app import Application, litestar
from predmarket.server.gateway.app import create_app as create_exchange
from predmarket.server.gateway.guards import signed_in
from predmarket.server.gateway.services import Services

PATH = "/v1/empty"


@post(PATH, guards=[signed_in], status_code=200)
async def empty() -> dict[str, str]:
    """Do nothing."""
    return {}


def create_app(services: Services) -> Application:
    """Return the exchange's application with the empty route."""
    litestar(kalshi=services.settings.kalshi, faults=False).register(empty)
    return create_exchange(services)


if __name__ == "__main__":
    with patch("predmarket.server.process.runtime.create_app", create_app):
        cli.main()
