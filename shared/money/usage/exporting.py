"""Export of usage: a row for each day and project, or with details a row for each ledger line. Both add up to the ledger."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, ClassVar, Final

from shared.channels.exports import jobs
from shared.channels.exports.file_writer import MAX_ROWS, MAX_ROWS_IN_REQUEST
from shared.channels.exports.rows import Export, new_export
from shared.channels.exports.tables import Column, Page, Source, TotalsMismatch
from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import FieldError, Invalid
from shared.core.ids import bare_id
from shared.money.usage.periods import parse_date_range
from shared.money.usage.reading import Sum, daily_totals, read_rollups
from shared.money.usage.rows import Rollup, UsageLine, workspace_partition
from shared.people.tenancy.workspaces import authorize_workspace
from shared.store import fetch_indexed, pages, read_ahead

SUBJECT: Final = "usage"
LINES_PER_PAGE = 100  # ledger lines a page: one batch read
_ROLLUPS_PER_PAGE = 1_000  # daily sums a page
_SETTLING_TIME = timedelta(hours=1)  # a line has the time at which its call ended, but is written a little later

COST: Final = "costUsd"
"""The column that only who sells the calls gets (`Actor.sees_costs`)."""
DAY_COLUMNS: Final = (
    Column("date", "date"),
    Column("projectId"),
    Column("project"),
    Column("calls", "number", summed=True),
    Column("tokens", "number", summed=True),
    Column(COST, "money", summed=True),
    Column("priceUsd", "money", summed=True),
    Column("unpricedCalls", "number", summed=True),
)
LINE_COLUMNS: Final = (
    Column("timestamp", "moment"),
    Column("id"),
    Column("projectId"),
    Column("project"),
    Column("cardId"),
    Column("runId"),
    Column("agentId"),
    Column("agent"),
    Column("userId"),
    Column("user"),
    Column("provider"),
    Column("model"),
    Column("inputTokens", "number", summed=True),
    Column("cacheReadTokens", "number", summed=True),
    Column("cacheWriteTokens", "number", summed=True),
    Column("outputTokens", "number", summed=True),
    Column("tokensEstimated", "flag"),
    Column("priced", "flag"),
    Column(COST, "money", summed=True),
    Column("priceUsd", "money", summed=True),
    Column("priceTable"),
)
"""`priced` is false if the model has no known price: cost and price are then empty, not zero."""


def export_usage(actor: Actor, ws_id: str, format_: str, start: str, end: str, details: bool) -> Export:
    """Export the usage of these days (UTC, both included); a small export is created at once (`jobs.start_export`).

    One query for the totals, which also show whether an earlier export is still complete. Raises Invalid for invalid days and for more
    lines than the format allows.
    """
    first, last = parse_date_range(start, end)
    summed = read_ahead(lambda: _sum_usage(bare_id(ws_id), first, last))
    workspace, costs = authorize_workspace(actor, ws_id, Permission.USAGE_EXPORT), actor.sees_costs
    total = summed.result()
    if details and total.calls > MAX_ROWS[format_]:
        most = f"{MAX_ROWS[format_]:,} lines as {format_}; there are {total.calls:,}"
        raise Invalid(FieldError("include_details", f"At most {most}: ask for fewer days, or without details", details))
    export = new_export(
        SUBJECT,
        format_,
        {
            "first": str(first),
            "last": str(last),
            "details": details,
            "costs": costs,
            "expected": _expected_totals(total, details=details, costs=costs),
            "open": last >= (clock.now() - _SETTLING_TIME).date(),
        },
        f"usage-{'lines-' if details else ''}{first}-{last}",
        rows_total=total.calls if details else None,
        ws_id=workspace,
        org_id=actor.org_id,
        requested_by=actor.summary,
    )
    return jobs.start_export(export, export_source(export), at_once=not details or total.calls <= MAX_ROWS_IN_REQUEST)


def export_source(export: Export) -> Source:
    """Return the table of a usage export from its row."""
    ask = export.ask
    first, last = date.fromisoformat(ask["first"]), date.fromisoformat(ask["last"])
    table = LineTable if ask["details"] else DailyTable
    return table(str(export.ws_id), first, last, dict(ask["expected"]), bool(ask["open"]), has_costs(export))


def has_costs(export: Export) -> bool:
    """Tell whether an export has the column `costUsd`; one that was asked for before the column was withheld from customers has it."""
    return export.subject == SUBJECT and bool(export.ask.get("costs", True))


def _sum_usage(ws_id: str, first: date, last: date) -> Sum:
    total = Sum()
    for row in daily_totals(workspace_partition(ws_id), first, last):
        total.add(row)
    return total


def _expected_totals(total: Sum, *, details: bool, costs: bool) -> dict[str, int]:
    """Return the totals of the ledger under the names of their columns."""
    figures = {"priceUsd": total.price_micros, "calls": total.calls} | ({COST: total.cost_micros} if costs else {})
    return figures if details else figures | {"tokens": total.tokens, "unpricedCalls": total.unpriced_calls}


@dataclass
class _Table:
    ws_id: str
    first: date
    last: date
    expected: dict[str, int]
    """The totals when the export was requested."""
    open: bool
    """Whether the last day was not over then, so that there may be more usage now."""
    costs: bool

    all_columns: ClassVar[Sequence[Column]]

    @property
    def columns(self) -> Sequence[Column]:
        return [column for column in self.all_columns if self.costs or column.name != COST]

    def _row(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the values of the columns that are shown, of the values of all."""
        shown = zip(self.all_columns, values, strict=True)
        return values if self.costs else tuple(value for column, value in shown if column.name != COST)

    @property
    def about(self) -> Mapping[str, Any]:
        return {
            "title": "Usage",
            "workspaceId": self.ws_id,
            "startDate": str(self.first),
            "endDate": str(self.last),
            "timezone": "UTC",
            "currency": "USD",
        }

    def check(self, rows: int, sums: Mapping[str, int]) -> None:
        """Check that the rows add up to the expected totals; an open last day may have more. Raises TotalsMismatch."""
        actual = {"calls": rows, **sums}
        for name, expected in self.expected.items():
            if actual.get(name, 0) != expected and not (self.open and actual.get(name, 0) > expected):
                raise TotalsMismatch(f"{name} is {actual.get(name, 0)} where the books say {expected}")


class DailyTable(_Table):
    all_columns = DAY_COLUMNS

    def pages(self, cursor: Any) -> Iterator[Page]:
        between = (f"PROJECT#{self.first}#", f"PROJECT#{self.last}#~")
        for page in pages(Rollup, workspace_partition(self.ws_id), between=between, limit=_ROLLUPS_PER_PAGE, start=cursor):
            yield Page([self._row(_day_values(row)) for row in page.rows], page.next_key)


def _day_values(row: Rollup) -> tuple[Any, ...]:
    figures = (row.calls, row.tokens, row.cost_micros, row.price_micros, row.unpriced_calls)
    return row.day, row.value, row.name or row.value, *(int(one) for one in figures)


class LineTable(_Table):
    all_columns = LINE_COLUMNS

    def pages(self, cursor: Any) -> Iterator[Page]:
        names = self._project_names()
        between = (f"{self.first}T", f"{self.last}T~")
        for page in pages(UsageLine, f"WS#{self.ws_id}#USE", index=1, between=between, limit=LINES_PER_PAGE, start=cursor):
            lines = fetch_indexed(UsageLine, page.rows)
            yield Page([self._row(_line_values(line, names)) for line in lines], page.next_key)

    def _project_names(self) -> dict[str, str]:
        """Return the project names as of the latest line of each project in these months."""
        rows = read_rollups(workspace_partition(self.ws_id), "PROJECT-M", str(self.first)[:7], str(self.last)[:7])
        return {row.value: row.name for row in rows if row.name}


def _line_values(line: UsageLine, project_names: Mapping[str, str]) -> tuple[Any, ...]:
    project_id = str(line.proj_id)
    return (
        line.at,
        line.id,
        project_id,
        project_names.get(project_id, project_id),
        line.item_id,
        line.run_id,
        line.agent_id,
        line.agent_name,
        line.user["id"],
        line.user["name"],
        line.provider,
        line.model,
        int(line.input_tokens),
        int(line.cache_read_tokens),
        int(line.cache_write_tokens),
        int(line.output_tokens),
        bool(line.estimated),
        not line.unpriced,
        None if line.unpriced else int(line.provider_cost_micros),
        None if line.unpriced else int(line.customer_price_micros),
        line.price_version,
    )
