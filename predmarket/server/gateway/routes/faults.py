"""Route of the faults on demand. It is there only if the exchange was started with --fault."""

from litestar import Router, get, put
from litestar.params import JSONBody

from predmarket.contracts.faults import Faults, FaultSpec, SetFaults
from predmarket.enums import AdminAction
from predmarket.server.gateway.api_request import ApiRequest
from predmarket.server.gateway.context import FaultControl
from predmarket.server.gateway.guards import admin
from predmarket.server.gateway.openapi.notes import notes
from predmarket.server.read_model.queries.admin_log import EXCHANGE, add_act


@get("/", opt=notes())
async def show_faults(request: ApiRequest) -> Faults:
    """Show the faults in force, and how often each has struck since they were set."""
    return _shown(_control(request))


@put("/", opt=notes())
async def set_faults(request: ApiRequest, data: JSONBody[SetFaults]) -> Faults:
    """Have other faults from now on, on open connections too; none ends them."""
    control, services = _control(request), request.services
    actor_id, now = request.principal.user_id, services.core.now()
    async with services.db.write() as connection:
        action = AdminAction.FAULTS_SET
        await add_act(connection, now, actor_id, action, EXCHANGE, faults=data.faults)
    control.change(FaultSpec.read(data.faults))
    return _shown(control)


def _control(request: ApiRequest) -> FaultControl:
    control = request.context.faults
    assert control is not None  # else this route is not there
    return control


def _shown(control: FaultControl) -> Faults:
    return Faults(str(control.spec), control.injected)


router = Router(
    "/v1/faults",
    route_handlers=[show_faults, set_faults],
    guards=[admin],
    tags=["operations"],
    include_in_schema=False,
)
