"""Reading the audit trail: of a project, of an agent, of a workspace. The newest entries come first, at any depth in as many trips.

A page is one query of the log itself, continued by a cursor. How many entries there are is the count of those that are sealed, and of
the few that are not yet.
"""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Any

from shared.core.actor import Actor, Permission
from shared.core.errors import NotFound
from shared.core.ids import bare_id, is_id
from shared.insight.audit.rows import Block, Count, Late, block_key, workspace_tenant
from shared.insight.audit.sealing import log_entries, marks_of
from shared.source.commits.agents import is_known_to, live_agent_key
from shared.store import (
    Entity,
    ReadFuture,
    count,
    decode_cursor,
    encode_cursor,
    get,
    get_all,
    get_many,
    iterate,
    load,
    query,
    read_ahead,
)
from shared.work.activities.reading import read_activities
from shared.work.activities.rows import Activity, agent_partition, project_log
from shared.work.projects.reading import begin_by_workspace
from shared.work.projects.rows import Project

MAX_OFFSET = 1_000
"""Entries that a page without a cursor may skip: one megabyte. What is further is reached by the cursor."""
MAX_COUNTED = 5_000
"""Entries between two dates that are counted: further ones are not."""
_AFTER_ALL = "~"
_BROKEN = (LookupError, TypeError, ValueError)  # what a row raises whose attributes are not as we write them


@dataclass(frozen=True)
class Span:
    """A page of a trail: times from `start` until before `end` (ISO 8601), `offset` entries skipped or from a cursor on."""

    start: str = ""
    end: str = _AFTER_ALL
    limit: int = 100
    offset: int = 0
    cursor: str | None = None

    @property
    def is_whole(self) -> bool:
        return (self.start, self.end) == ("", _AFTER_ALL)

    @property
    def between(self) -> tuple[str, str]:
        return self.start or " ", self.end

    def continued(self, *bound_to: str) -> "Span":
        """Return the span from its cursor on. Raises Invalid for a cursor of another caller or another trail."""
        found = decode_cursor(self.cursor, "audit", *bound_to)
        return self if found is None else replace(self, end=found["before"], offset=0)


@dataclass(frozen=True)
class TrailPage:
    """Entries, newest first. `total` is None where it is not counted: between dates with more than MAX_COUNTED entries."""

    entries: list[Activity]
    total: int | None
    next_cursor: str | None


def project_trail(actor: Actor, project_id: str, span: Span) -> TrailPage:
    """Return a page of all that has happened in a project. Two round trips. Raises NotFound, Forbidden, Invalid for a foreign cursor."""
    bare, log = bare_id(project_id), project_log(bare_id(project_id))
    bound = (actor.id, bare, span.start)
    page = span.continued(*bound)
    number = page.offset + page.limit + 2  # one behind the page, and the cursor's own
    rows = read_ahead(lambda: query(Activity, log, between=page.between, newest_first=True, limit=number).rows)
    total = _Total(log, None, span)
    project = load(Project, project_id, actor, Permission.PROJECT_READ)
    total.begin(workspace_tenant(str(project.ws_id)))
    found = [row for row in rows.result() if row.position < page.end][page.offset :]
    return TrailPage(found[: page.limit], total.result(), _cursor(found, page.limit, bound))


def agent_trail(actor: Actor, agent_id: str, span: Span) -> TrailPage:
    """Return a page of what an agent has done in all workspaces of the actor. Two round trips: a query for each workspace, side by side;
    one more in a workspace that this process does not know of.

    Raises Invalid for a foreign cursor, NotFound("agent") for an agent that the actor does not know and that has done nothing there.
    """
    bare = bare_id(agent_id)
    if not is_id(bare):
        raise NotFound("agent")
    bound = (actor.id, bare, span.start)
    page = span.continued(*bound)
    number = page.offset + page.limit + 2
    options: Any = {"index": 3, "between": page.between, "newest_first": True, "limit": number}

    def begin(ws_id: str) -> tuple[ReadFuture[Any], _Total]:
        name = agent_partition(ws_id, bare)
        return read_ahead(partial(query, Entity, name, **options)), _Total(name, 3, span)

    begun = begin_by_workspace(actor, lambda ws_ids: map(begin, ws_ids), Permission.CARD_READ)
    live = get_many([live_agent_key(bare)])[0]
    lists = begun()
    for ws_id, (_, total) in lists.items():
        total.begin(workspace_tenant(ws_id))
    rows = heapq.merge(*(read.result().rows for read, _ in lists.values()), key=lambda row: str(row.gsi3sk), reverse=True)
    listed = list(islice((row for row in rows if str(row.gsi3sk) < page.end), page.offset, number))
    entries = read_activities([(row.pk, row.sk) for row in listed[: page.limit]])
    counted = sum(total.result() or 0 for _, total in lists.values())
    if not counted and not is_known_to(actor, bare, live):
        raise NotFound("agent")
    more = len(listed) > page.limit
    cursor = encode_cursor({"before": str(listed[page.limit - 1].gsi3sk)}, "audit", *bound) if more else None
    return TrailPage(entries, counted, cursor)


def _cursor(found: list[Activity], limit: int, bound: tuple[str, ...]) -> str | None:
    return encode_cursor({"before": found[limit - 1].position}, "audit", *bound) if len(found) > limit else None


class _Total:
    """How many entries a list has, or how many lie between the dates of a span: being counted, however many they are.

    The count of what is sealed is read ahead; `begin` reads what is not in it.
    """

    def __init__(self, name: str, index: int | None, span: Span) -> None:
        self._name, self._index, self._span = name, index, span
        self._sealed = read_ahead(lambda: get(Count, f"AUDIT#{name}", "COUNT") or Count.of(name)) if span.is_whole else None
        self._reads: list[ReadFuture[Any]] = []

    def begin(self, tenant: str) -> None:
        """Begin to count what is not sealed. Where the sealed ones were asked for ahead, that is the second round trip."""
        if self._sealed is None:
            between = self._span.between
            counted = partial(count, Activity, self._name, index=self._index, between=between, at_most=MAX_COUNTED + 1)
            self._reads = [read_ahead(counted)]
            return
        position = self._sealed.result().position
        behind = partial(count, Activity, self._name, index=self._index, between=(f"{position} ", _AFTER_ALL))
        self._reads = [read_ahead(behind), read_ahead(lambda: late_entries(tenant, self._name, position))]

    def result(self) -> int | None:
        """Return the number; None where it is too large to be counted."""
        numbers = [read.result() for read in self._reads]
        if self._sealed is None:
            return None if numbers[0] > MAX_COUNTED else int(numbers[0])
        return int(self._sealed.result().entries) + int(sum(numbers))


def late_entries(tenant: str, name: str, position: str) -> int:
    """Return how many entries of a list came so late that its count has passed them and does not have them yet."""
    rows = iterate(Late, f"AUDIT#{tenant}", prefix="LATE#", consistent=True)
    return sum(name in (one.log, one.agent) and one.position <= position for one in rows)


def list_total(tenant: str, name: str) -> int:
    """Return how many entries a log has. Two round trips."""
    total = _Total(name, None, Span())
    total.begin(tenant)
    return total.result() or 0


def sealed_blocks(tenant: str, after: int = 0, last: int | None = None) -> Iterator[Block]:
    """Yield the blocks of a chain behind number `after`, in order, up to number `last`."""
    between = (block_key(after + 1), block_key(last) if last is not None else "BLOCK#~")
    if last is None or last > after:
        yield from iterate(Block, f"AUDIT#{tenant}", between=between, limit=20, consistent=True)


def unsealed_entries(tenant: str, after: str) -> Iterator[Activity]:
    """Yield what has happened in a tenant's logs behind a position that is not sealed, in order. Strongly consistent."""
    yield from heapq.merge(*(log_entries(one.log, after, _AFTER_ALL) for one in marks_of(tenant)), key=lambda row: row.position)


def block_entries(block: Block, logs: frozenset[str] | None = None) -> list[Activity]:
    """Return the entries of a block that are in these logs, in its order. What was erased is left out."""
    keys = [(log, position) for log, position, _ in block.listed if logs is None or log in logs]
    return [row for row in read_entries(keys) if isinstance(row, Activity)]


@dataclass(frozen=True)
class Unreadable:
    """An entry that somebody has changed so that it cannot be read."""


def read_entries(keys: Sequence[tuple[str, str]]) -> list[Activity | Unreadable | None]:
    """Return entries by log and position; None for what is not there."""
    whole: list[Any] = [(Activity, *key) for key in dict.fromkeys(keys)]
    try:
        rows = get_all(whole)
    except _BROKEN:
        rows = [_read_entry(key) for key in whole]
    found = dict(zip(dict.fromkeys(keys), rows, strict=True))
    return [row if isinstance(row := found[key], Activity | Unreadable) else None for key in keys]


def _read_entry(key: Any) -> Any:
    try:
        return get_many([key])[0]
    except _BROKEN:
        return Unreadable()
