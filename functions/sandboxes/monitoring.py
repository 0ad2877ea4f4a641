"""aintandem, sections 3 and 7: the logs and metrics of sandboxes."""

from typing import Annotated

from pydantic import Field

from shared.core import clock
from shared.core.actor import Permission
from shared.core.ids import bare_id
from shared.edge.contracts.fields import Date
from shared.edge.http.call import Caller
from shared.edge.http.routing import Routes
from shared.edge.views.aintandem.monitoring import (
    AggregateMetrics,
    Granularity,
    Level,
    SandboxLogs,
    SandboxMetrics,
    aggregate_metrics,
    sandbox_logs,
    sandbox_metrics,
)
from shared.sandboxes.logs.reading import LogQuery, read_log
from shared.sandboxes.metrics import reading


def publish(routes: Routes) -> None:
    """Add the operations of this module to those of the area."""
    routes.get("/sandboxes/{sandbox_id}/logs", "sandboxes.logs", permission=Permission.WORKSPACE_READ)(get_logs)
    routes.get("/sandboxes/{sandbox_id}/metrics", "metrics.sandbox", permission=Permission.WORKSPACE_READ)(get_metrics)
    routes.get(
        "/workspaces/{workspace_id}/metrics/aggregate", "metrics.workspaceAggregate", permission=Permission.WORKSPACE_READ
    )(get_aggregate)


async def get_logs(
    sandbox_id: str,
    caller: Caller,
    limit: Annotated[int, Field(ge=1, le=1_000)] = 100,
    since: Date | None = None,
    level: Level | None = None,
) -> SandboxLogs:
    """Read the newest lines of a sandbox's log, oldest first. `level` leaves out what is less important; `total` counts the lines that
    match, with `level` or `since` among the newest 10,000."""
    moment = _moment(since)
    return sandbox_logs(read_log(caller, sandbox_id, LogQuery(limit, moment, level)), moment)


async def get_metrics(sandbox_id: str, caller: Caller) -> SandboxMetrics:
    """Read the last measurements of a sandbox, and the counts of its messages of the last 400 days."""
    return sandbox_metrics(*reading.sandbox_metrics(caller, sandbox_id))


async def get_aggregate(
    workspace_id: str, caller: Caller, since: Date | None = None, granularity: Granularity = "hour"
) -> AggregateMetrics:
    """Sum up what was measured of all sandboxes of a workspace since a time: minutes are kept for 2 days, hours for 30, days for 400.

    Without `since` it is the last hour of minutes, the last day of hours, the last 30 days.
    """
    found = reading.aggregate(caller, workspace_id, _moment(since), granularity)
    return aggregate_metrics(bare_id(workspace_id), found, granularity)


def _moment(text: str | None) -> str | None:
    return clock.iso(clock.parse(text)) if text else None
