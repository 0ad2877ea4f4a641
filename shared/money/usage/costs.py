"""What model calls cost, by project, agent, phase, card and run: from sums, whatever the number of calls. Money is the customer's price."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from typing import Final

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import FieldError, Forbidden, Invalid, NotFound
from shared.core.ids import bare_id
from shared.money.usage.forecasting import HISTORY_DAYS
from shared.money.usage.reading import Sum, read_rollups
from shared.money.usage.rows import Rollup, UsageLine, card_partition, project_partition, workspace_partition
from shared.store import decode_cursor, encode_cursor, fetch_all, index_rows_before, load, read_ahead
from shared.work.items.rows import Item
from shared.work.projects.reading import in_workspaces
from shared.work.projects.rows import Project

ALL_MONTHS: Final = ("0", "9")


@dataclass
class CostSums:
    """A sum, its parts by `dimension`, and what was spent on each day of the last thirty and today."""

    dimension: str
    total: Sum = field(default_factory=Sum)
    parts: dict[str, Sum] = field(default_factory=dict)
    days: dict[date, int] = field(default_factory=dict)

    def add(self, value: str, row: Rollup) -> None:
        self.total.add(row)
        self.parts.setdefault(value, Sum()).add(row)


def begin_project_costs(project_id: str, dimension: str = "agent") -> Callable[[], CostSums]:
    """Begin to read what a project has cost by agent, phase or provider; the caller authorizes the project in between."""
    pk = project_partition(bare_id(project_id))
    return _begin(dimension, [(pk, f"{dimension.upper()}-M", None)], [(pk, "TOTAL", None)])


def project_of_costs(actor: Actor, project_id: str) -> Project:
    """Return the project, if the actor may see its usage. Raises NotFound, Forbidden."""
    project = load(Project, project_id, actor, Permission.USAGE_READ)
    if project.status == "deleted":
        raise NotFound(Project.NAME)
    return project


def visible_costs(actor: Actor, dimension: str, value: str | None = None) -> CostSums:
    """Return what all workspaces in which the actor may see usage have cost, by provider; or what one agent or phase (`value`) has cost
    there, by month. One round trip beside the decision who asks. Raises Forbidden if there is no such workspace."""
    begin = partial(_begin_workspace, dimension, value)
    whole = CostSums(dimension if value is None else "month")
    for part in in_workspaces(actor, begin, Permission.USAGE_READ):
        one = part()
        _merge(whole.total, one.total)
        for name, sum_ in one.parts.items():
            _merge(whole.parts.setdefault(name, Sum()), sum_)
        for day, price in one.days.items():
            whole.days[day] = whole.days.get(day, 0) + price
    if not any(actor.may(Permission.USAGE_READ, ws_id) for ws_id in actor.workspaces):
        raise Forbidden
    return whole


def _begin_workspace(dimension: str, value: str | None, ws_id: str) -> Callable[[], CostSums]:
    pk = workspace_partition(ws_id)
    daily = (pk, "TOTAL", None) if value is None or dimension == "phase" else (pk, dimension.upper(), value)
    return _begin(dimension if value is None else "month", [(pk, f"{dimension.upper()}-M", value)], [daily])


def card_costs(actor: Actor, card_id: str) -> CostSums:
    """Return what the runs of a card have cost, by agent. Raises NotFound, Forbidden."""
    sums = _begin("agent", [(card_partition(bare_id(card_id)), "AGENT-M", None)], [])
    load(Item, card_id, actor, Permission.USAGE_READ)
    return sums()


_Part = tuple[str, str, str | None]
"""A partition of sums, the dimension in it, and the only value that counts."""


def _begin(dimension: str, monthly: Sequence[_Part], daily: Sequence[_Part]) -> Callable[[], CostSums]:
    today = clock.now().date()
    first = today - timedelta(days=HISTORY_DAYS)
    months = [read_ahead(partial(_rows, part, *ALL_MONTHS)) for part in monthly]
    days = [read_ahead(partial(_rows, part, str(first), str(today))) for part in daily]

    def finish() -> CostSums:
        sums = CostSums(dimension)
        for read in months:
            for row in read.result():
                sums.add(row.day if dimension == "month" else row.value, row)
        for read in days:
            for row in read.result():
                day = date.fromisoformat(row.day)
                sums.days[day] = sums.days.get(day, 0) + int(row.price_micros)
        return sums

    return finish


def _rows(part: _Part, first: str, last: str) -> list[Rollup]:
    pk, dimension, value = part
    return [row for row in read_rollups(pk, dimension, first, last) if value is None or row.value == value]


def _merge(into: Sum, other: Sum) -> None:
    into.calls += other.calls
    into.tokens += other.tokens
    into.cost_micros += other.cost_micros
    into.price_micros += other.price_micros
    into.unpriced_calls += other.unpriced_calls
    into.name = other.name or into.name


@dataclass(frozen=True)
class LinePage:
    """A page of the ledger, newest first, and how many lines there are in all; `next` is where the next page goes on, None at the end."""

    lines: list[UsageLine]
    total: int
    next: str | None


@dataclass(frozen=True)
class LineFilter:
    """Which lines of the ledger are asked for: those of a project, or of an agent, or all."""

    project_id: str | None = None
    agent_id: str | None = None

    @property
    def words(self) -> tuple[str, ...]:
        return self.project_id or "", self.agent_id or ""


_Lines = Callable[[], tuple[list[tuple[str, str]], int]]
"""Waits for the sort keys and ids of the lines of one list, and how many it has."""


def list_lines(actor: Actor, wanted: LineFilter, *, limit: int, cursor: str | None = None) -> LinePage:
    """Return a page of the ledger. Two round trips. Raises NotFound, Forbidden, Invalid for a cursor that is none."""
    if wanted.project_id is not None and wanted.agent_id is not None:
        raise Invalid(FieldError("agent_id", "Ask for a project or for an agent", wanted.agent_id))
    bound = ("costs", actor.id, *wanted.words)
    position = decode_cursor(cursor, *bound)
    before = position["before"] if position else None
    if wanted.project_id is not None:
        project_id = bare_id(wanted.project_id)
        parts = [_begin_lines(4, f"PROJ#{project_id}#USE", (project_partition(project_id), "AGENT-M", None), before, limit)]
        project_of_costs(actor, project_id)
    else:
        parts = in_workspaces(actor, partial(_begin_ledger, wanted.agent_id, before, limit), Permission.USAGE_READ)
        if not any(actor.may(Permission.USAGE_READ, ws_id) for ws_id in actor.workspaces):
            raise Forbidden
    return _page([part() for part in parts], limit, bound)


def list_run_lines(actor: Actor, run_id: str, calls: int, *, limit: int, cursor: str | None = None) -> LinePage:
    """Return a page of the lines of a run that the actor may see, which has made so many calls. Two round trips."""
    bound = ("costs", actor.id, run_id)
    position = decode_cursor(cursor, *bound)
    rows = _sort_keys(2, f"RUN#{run_id}#USE", position["before"] if position else None, limit)
    return _page([(rows, calls)], limit, bound)


def _page(parts: Sequence[tuple[list[tuple[str, str]], int]], limit: int, bound: tuple[str, ...]) -> LinePage:
    rows = sorted((row for rows, _ in parts for row in rows), reverse=True)
    lines = fetch_all(UsageLine, [line_id for _, line_id in rows[:limit]], to_show=True)
    further = {"before": rows[limit - 1][0]} if len(rows) > limit else None
    return LinePage(lines, sum(total for _, total in parts), encode_cursor(further, *bound))


def _begin_ledger(agent_id: str | None, before: str | None, limit: int, ws_id: str) -> _Lines:
    index, partition = (1, f"WS#{ws_id}#USE") if agent_id is None else (3, f"WS#{ws_id}#AGENT#{agent_id}#USE")
    return _begin_lines(index, partition, (workspace_partition(ws_id), "AGENT-M", agent_id), before, limit)


def _begin_lines(index: int, partition: str, sums: _Part, before: str | None, limit: int) -> _Lines:
    rows = read_ahead(partial(_sort_keys, index, partition, before, limit))
    total = read_ahead(partial(_rows, sums, *ALL_MONTHS))
    return lambda: (rows.result(), sum(int(row.calls) for row in total.result()))


def _sort_keys(index: int, partition: str, before: str | None, limit: int) -> list[tuple[str, str]]:
    """Return the keys of one line more than a page has, newest first, `before` not included."""
    return [(row.sort, row.id) for row in index_rows_before(index, partition, limit, before)]
