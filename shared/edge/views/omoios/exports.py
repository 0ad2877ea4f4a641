"""omoios, section 17: the tables of exports: the tickets of a project, and the audit trail of a ticket, an agent or a project."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.channels.exports.rows import Export
from shared.channels.exports.tables import Column, Page, Source, TotalsMismatch
from shared.edge.views.omoios.audit import audit_entry
from shared.edge.views.omoios.tickets import APPROVED, ticket_status, upper
from shared.insight.audit.rows import canonical_entry
from shared.insight.audit.trails import block_entries, sealed_blocks
from shared.store import Entity, fetch_indexed, get, pages
from shared.work.activities.reading import read_activities
from shared.work.activities.rows import Activity, agent_partition, project_log
from shared.work.boards.rows import Counts
from shared.work.items.pending import approval_of
from shared.work.items.rows import Item

TICKETS, AUDIT, PROOF = "tickets", "audit-trail", "audit-proof"
"""The subjects of exports."""
_PAGE = 100
TICKET_COLUMNS: Final = (
    Column("id"),
    Column("title"),
    Column("description"),
    Column("phase_id"),
    Column("status"),
    Column("priority"),
    Column("approval_status"),
    Column("is_blocked", "flag"),
    Column("blocked_reason"),
    Column("assignee_id"),
    Column("assignee_name"),
    Column("labels", "json"),
    Column("due_date"),
    Column("created_at", "moment"),
    Column("updated_at", "moment"),
)
TICKET_FILTERS: Final = ("status", "priority", "phase_id", "assignee_id", "is_blocked")
"""What the tickets of an export can be filtered by."""
AUDIT_COLUMNS: Final = (
    Column("timestamp", "moment"),
    Column("type"),
    Column("description"),
    Column("id"),
    Column("entity_type"),
    Column("entity_id"),
    Column("ticket_id"),
    Column("project_id"),
    Column("agent_id"),
    Column("agent_name"),
    Column("actor_type"),
    Column("actor_id"),
    Column("actor_name"),
    Column("details", "json"),
)


def export_source(export: Export) -> Source:
    """Return the table of an export from its row."""
    tables: Mapping[str, Callable[[Mapping[str, Any]], Source]] = {TICKETS: TicketTable, AUDIT: AuditTable, PROOF: ProofTable}
    return tables[export.subject](export.ask)


@dataclass(frozen=True)
class TicketTable:
    """The tickets on the board of a project, in the order of the board. `ask`: project_id, board_id, filters."""

    ask: Mapping[str, Any]

    @property
    def columns(self) -> Sequence[Column]:
        return TICKET_COLUMNS

    @property
    def about(self) -> Mapping[str, Any]:
        filters = {name: ", ".join(map(str, values)) for name, values in self.ask["filters"].items()}
        return {"title": "Tickets", "project_id": self.ask["project_id"], "exported_at": self.ask["at"]} | filters

    def pages(self, cursor: Any) -> Iterator[Page]:
        partition = f"BOARD#{self.ask['board_id']}#ITEM"
        for page in pages(Entity, partition, index=1, limit=_PAGE, start=cursor):
            found = [_ticket_values(item) for item in fetch_indexed(Item, page.rows) if not item.deleted_at]
            yield Page([row for row in found if self._wants(row)], page.next_key)

    def _wants(self, row: tuple[Any, ...]) -> bool:
        shown = dict(zip((column.name for column in TICKET_COLUMNS), row, strict=True))
        return all(shown[name] in values for name, values in self.ask["filters"].items())

    def check(self, rows: int, sums: Mapping[str, int]) -> None:
        """Compare the rows with the count of the board, if all tickets were asked for and the board has not changed since."""
        counts = get(Counts, *Counts.key(self.ask["board_id"]))
        if counts is not None and not self.ask["filters"] and counts.cards == self.ask["cards"] != rows:
            raise TotalsMismatch(f"{rows} tickets where the board has {counts.cards}")


def _ticket_values(item: Item) -> tuple[Any, ...]:
    assignee = item.assignee or {}
    return (
        item.id,
        item.title,
        item.description,
        item.phase_id,
        ticket_status(item.status, item.status_before_block),
        upper(item.priority),
        approval_of(item) or APPROVED,
        item.is_blocked,
        item.blocked_reason,
        assignee.get("id"),
        assignee.get("name"),
        item.labels,
        item.due_date,
        item.created_at,
        item.updated_at,
    )


@dataclass(frozen=True)
class AuditTable:
    """Entries of the audit trail until a time, oldest first. `ask`: until, costs (the workspaces whose amounts are shown), and what they
    are about: ticket_id, agent_id with ws_ids, logs. What else is named is a filter."""

    ask: Mapping[str, Any]

    @property
    def columns(self) -> Sequence[Column]:
        return AUDIT_COLUMNS

    @property
    def about(self) -> Mapping[str, Any]:
        names = ("ticket_id", "agent_id", "project_id")
        return {"title": "Audit trail", "until": self.ask["until"]} | {
            name: self.ask[name] for name in names if self.ask.get(name)
        }

    def pages(self, cursor: Any) -> Iterator[Page]:
        parts = self._parts()
        place, start = cursor or (0, None)
        for number, (partition, index, first) in enumerate(parts):
            if number < place:
                continue
            between = (f"{first} ", f"{first}{self.ask['until']}")
            size = _PAGE if index else 5 * _PAGE
            for page in pages(
                Activity if index is None else Entity, partition, index=index, between=between, limit=size, start=start
            ):
                rows = page.rows if index is None else read_activities([(row.pk, row.sk) for row in page.rows])
                following = [number, page.next_key] if page.next_key else [number + 1, None] if number + 1 < len(parts) else None
                yield Page([self._values(row) for row in rows if isinstance(row, Activity) and self._wants(row)], following)
            start = None

    def _parts(self) -> list[tuple[str, int | None, str]]:
        """Return the partitions that hold the entries, each with its index and what the sort keys begin with: of the narrowest list."""
        if "ticket_id" in self.ask:
            return [(f"ITEM#{self.ask['ticket_id']}", 1, "ACT#")]
        if "agent_id" in self.ask:
            return [(agent_partition(ws_id, self.ask["agent_id"]), 3, "") for ws_id in self.ask["ws_ids"]]
        return [(log, None, "") for log in self.ask["logs"]]

    def _wants(self, row: Activity) -> bool:
        agent_id, project_id = self.ask.get("agent_id"), self.ask.get("project_id")
        return agent_id in (None, row.agent_id) and project_id in (None, row.proj_id)

    def _values(self, row: Activity) -> tuple[Any, ...]:
        entry = audit_entry(row, costs=row.ws_id in self.ask["costs"])
        return tuple(getattr(entry, column.name) for column in AUDIT_COLUMNS)

    def check(self, rows: int, sums: Mapping[str, int]) -> None:
        """Check that no entry is missing that was there when the export was asked for."""
        if rows < self.ask.get("expected", 0):
            raise TotalsMismatch(f"{rows} entries where the log has {self.ask['expected']}")


@dataclass(frozen=True)
class ProofTable:
    """The sealed entries with their blocks, which prove them without the platform. `ask`: tenant, blocks, last_hash, and the logs that
    are shown (None: all)."""

    ask: Mapping[str, Any]

    @property
    def columns(self) -> Sequence[Column]:
        return (Column("line"),)

    @property
    def about(self) -> Mapping[str, Any]:
        return {name: self.ask[name] for name in ("title", "tenant", "logs", "blocks", "last_hash", "exported_at")}

    def pages(self, cursor: Any) -> Iterator[Page]:
        logs = None if self.ask["logs"] is None else frozenset(self.ask["logs"])
        last = int(self.ask["blocks"])
        done = int(cursor or 0)
        if done >= last:
            yield Page([], None)
        for number, block in enumerate(sealed_blocks(self.ask["tenant"], done, last), done + 1):
            lines = [(canonical_entry(row),) for row in block_entries(block, logs)]
            line = f'{{"block":{block.body},"hash":"{block.hash}"}}'
            yield Page([*lines, (line,)], number if number < last else None)

    def check(self, rows: int, sums: Mapping[str, int]) -> None:
        """What is missing or was changed is in the file: to show it is what the file is for."""


def logs_of(project_ids: Iterable[str], ws_log: str) -> list[str]:
    return [ws_log, *(project_log(project_id) for project_id in project_ids)]
