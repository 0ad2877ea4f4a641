"""agentworks, section 8.1: usage, from daily sums."""

from typing import Literal

from shared.channels.exports import jobs
from shared.core.actor import Permission
from shared.core.errors import NotFound
from shared.core.money import usd
from shared.edge.contracts.agentworks import AGENTWORKS
from shared.edge.contracts.base import Shape
from shared.edge.http.call import Caller
from shared.edge.http.routing import Routes
from shared.money.billing.pricing import margin_percent
from shared.money.usage import queries
from shared.money.usage.exporting import export_usage, has_costs
from shared.money.usage.reading import Sum, Usage

routes = Routes(AGENTWORKS, "usage")

GroupBy = Literal["day", "week", "month"]
Format = Literal["csv", "xlsx", "json"]
Breakdown = Literal["project", "agent", "provider", "user"]


class UsagePeriod(Shape):
    start: str
    end: str


class UsageSummary(Shape):
    """Money in USD. `unpricedCalls` used a model without a known price; they are not in any amount. Only who sells the calls sees
    `totalCost` and `grossMargin`."""

    totalCalls: int
    totalTokens: int
    totalCost: float | None = None
    totalPrice: float
    grossMargin: float | None = None
    period: UsagePeriod
    unpricedCalls: int


class UsageBreakdown(Shape):
    """`percentage` is the share of the price, or of the calls if nothing was charged. `id` is the id behind the category's name. If all
    calls are unpriced, cost and price are 0 and have no meaning."""

    category: str
    id: str
    calls: int
    tokens: int
    cost: float | None = None
    price: float
    percentage: float
    unpricedCalls: int


class UsageTimelinePoint(Shape):
    """One day, week (from Monday) or month in UTC, with the time of its beginning; also those without usage."""

    timestamp: str
    calls: int
    cost: float | None = None
    price: float
    unpricedCalls: int


class UsageResponse(Shape):
    summary: UsageSummary
    breakdown: list[UsageBreakdown]
    timeline: list[UsageTimelinePoint]


@routes.get("/workspaces/{id}/usage", "usage.workspace", permission=Permission.USAGE_READ)
async def workspace_usage(
    id: str,
    caller: Caller,
    startDate: str | None = None,
    endDate: str | None = None,
    groupBy: GroupBy = "day",
    breakdown: Breakdown = "project",
) -> UsageResponse:
    """Get a workspace's usage, by default of this month. Both days are included."""
    usage = queries.get_workspace_usage(caller, id, startDate, endDate, groupBy, breakdown)
    return _usage_response(usage, costs=caller.sees_costs)


@routes.get("/projects/{id}/usage", "usage.project", permission=Permission.USAGE_READ)
async def project_usage(
    id: str,
    caller: Caller,
    startDate: str | None = None,
    endDate: str | None = None,
    groupBy: GroupBy = "day",
    breakdown: Breakdown = "agent",
) -> UsageResponse:
    """Get a project's usage."""
    usage = queries.get_project_usage(caller, id, startDate, endDate, groupBy, breakdown)
    return _usage_response(usage, costs=caller.sees_costs)


class ExportUsageResponse(Shape):
    """`exportId` and `status` (pending, running, completed, failed) are additions. While a large export is in progress, S3 refuses
    `downloadUrl`; `GET /exports/{id}` shows its progress."""

    downloadUrl: str
    expiresAt: str
    exportId: str
    status: str


@routes.get("/workspaces/{id}/usage/export", "usage.export", permission=Permission.USAGE_EXPORT)
async def export_workspace_usage(
    id: str, caller: Caller, format: Format, startDate: str, endDate: str, includeDetails: bool = False
) -> ExportUsageResponse:
    """Export usage as a file: a row for each day and project, or with details for each line of the ledger. Up to 2,000 lines are exported
    at once, more in the background. An earlier export is used again if nothing has changed since."""
    export = export_usage(caller, id, format, startDate, endDate, includeDetails)
    signed = jobs.file_url(export)
    return ExportUsageResponse(downloadUrl=signed.url, expiresAt=signed.expires_at, exportId=export.id, status=export.status)


class ExportStatus(Shape):
    """`progress` is in percent, if the number of rows is known; `size` in bytes. `downloadUrl` is new as soon as the file exists."""

    id: str
    status: str
    format: str
    rows: int
    totalRows: int | None = None
    progress: int | None = None
    size: int | None = None
    error: str | None = None
    createdAt: str
    finishedAt: str | None = None
    downloadUrl: str | None = None
    expiresAt: str | None = None


@routes.get("/exports/{id}", "exports.get", permission=Permission.USAGE_EXPORT, addition=True)
async def get_export(id: str, caller: Caller) -> ExportStatus:
    """Get the progress of an export, for six days after its request."""
    export = jobs.the_export(caller, id)
    if has_costs(export) and not caller.sees_costs:
        raise NotFound(export.NAME)
    done = export.status == "completed"
    signed = jobs.file_url(export) if done else None
    total = None if export.rows_total is None else int(export.rows_total)
    return ExportStatus(
        id=export.id,
        status=export.status,
        format=export.format,
        rows=int(export.rows_done),
        totalRows=total,
        progress=100 if done else min(99, 100 * int(export.rows_done) // total) if total else None,
        size=int(export.size or 0) if done else None,
        error=export.error,
        createdAt=export.created_at,
        finishedAt=export.finished_at,
        downloadUrl=signed.url if signed else None,
        expiresAt=signed.expires_at if signed else None,
    )


def _usage_response(usage: Usage, *, costs: bool) -> UsageResponse:
    total = usage.total
    return UsageResponse(
        summary=UsageSummary(
            totalCalls=total.calls,
            totalTokens=total.tokens,
            totalCost=usd(total.cost_micros) if costs else None,
            totalPrice=usd(total.price_micros),
            grossMargin=margin_percent(total.cost_micros, total.price_micros) if costs else None,
            period=UsagePeriod(start=usage.start.isoformat(), end=usage.end.isoformat()),
            unpricedCalls=total.unpriced_calls,
        ),
        breakdown=[
            UsageBreakdown(
                category=part.name or value,
                id=value,
                calls=part.calls,
                tokens=part.tokens,
                cost=usd(part.cost_micros) if costs else None,
                price=usd(part.price_micros),
                percentage=_share(part, total),
                unpricedCalls=part.unpriced_calls,
            )
            for value, part in sorted(usage.parts.items(), key=lambda one: (-one[1].price_micros, -one[1].calls, one[0]))
        ],
        timeline=[
            UsageTimelinePoint(
                timestamp=f"{day}T00:00:00.000Z",
                calls=one.calls,
                cost=usd(one.cost_micros) if costs else None,
                price=usd(one.price_micros),
                unpricedCalls=one.unpriced_calls,
            )
            for day, one in usage.timeline.items()
        ],
    )


def _share(part: Sum, total: Sum) -> float:
    of, whole = (part.price_micros, total.price_micros) if total.price_micros else (part.calls, total.calls)
    return round(100 * of / whole, 2) if whole else 0.0
