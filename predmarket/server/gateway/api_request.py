"""The type of all requests, which decodes bodies exactly."""

from typing import Any, get_args

from litestar import Request
from litestar.datastructures import State
from litestar.exceptions import InternalServerException

from predmarket.contracts import requests
from predmarket.enums import ErrorCode
from predmarket.server.errors import Refusal
from predmarket.server.gateway.auth.authenticator import CHALLENGE, Headers, header
from predmarket.server.gateway.auth.principals import Principal
from predmarket.server.gateway.context import Context, context_of
from predmarket.server.gateway.guards import COUNTED, READER, count_sign_in
from predmarket.server.gateway.services import Services


def require_json(headers: Headers) -> None:
    """Refuse a body of another type than JSON. Raises Refusal UNSUPPORTED_MEDIA_TYPE."""
    kind = header(headers, b"content-type")
    if kind is not None and kind.partition(";")[0].strip().lower() != "application/json":
        raise Refusal(ErrorCode.UNSUPPORTED_MEDIA_TYPE)


class ApiRequest(Request[Principal | None, Any, State]):
    """A request that decodes its body directly into its handler's contract."""

    @property
    def context(self) -> Context:
        """Return the context."""
        return context_of(self)

    @property
    def services(self) -> Services:
        """Return the services."""
        return self.context.services

    @property
    def principal(self) -> Principal:
        """Return the sender, whom a guard has identified."""
        principal = self.user
        assert principal is not None
        return principal

    def charge(self, rows: int) -> None:
        """Have the reader pay for rows that the answer's content does not show."""
        self.scope["state"][READER].charge(rows)

    async def count_sign_in(self) -> None:
        """Count this call as a registration or login of its address. Raises Refusal."""
        await count_sign_in(self)

    async def json(self) -> Any:  # noqa: ANN401 -- the base class says so
        """Return the body as the handler's ``data``, never through floats.

        Raises Invalid, Refusal UNSUPPORTED_MEDIA_TYPE, and UNAUTHENTICATED if the sender's session
        ended, or the permissions changed, while the body arrived.
        """
        field = self.scope["route_handler"].parsed_data_field
        assert field is not None  # the handler has a data parameter
        require_json(self.scope["headers"])
        kinds = get_args(field.annotation) or (field.annotation,)
        body = await self.body()
        try:
            data = requests.decode(body, kinds[0])
        except requests.Invalid:
            if self.scope["state"].get(COUNTED):
                await self.count_sign_in()
            raise
        who = self.scope.get("user")  # None if no guard identified the sender
        if who is not None and who != await self.context.gate.identify(self.scope):
            raise Refusal(ErrorCode.UNAUTHENTICATED, headers=CHALLENGE)
        return data

    async def body(self) -> bytes:
        """Return the body. Raises Refusal if the client left before it was whole."""
        try:
            return await super().body()
        except InternalServerException:  # no defect of ours, and nobody gets the answer
            raise Refusal(ErrorCode.REQUEST_TIMEOUT) from None
