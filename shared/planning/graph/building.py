"""The graph of tasks, built from the rows of indexes: what waits for what, who contains whom, and what was discovered where."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from shared.planning.graph.paths import longest_chain
from shared.store import IndexRow
from shared.work.tasks.statuses import ENDED, RANKS

RESOLVED_TASKS: Final = frozenset({"completed", "cancelled"})
RESOLVED_DISCOVERIES: Final = frozenset({"resolved", "invalid"})


@dataclass(frozen=True)
class Edge:
    """An edge from what comes first to what comes after it. `kind` is depends_on, ticket_contains, ticket_blocks or spawned_from."""

    source: str
    target: str
    kind: str
    discovery_id: str | None = None


@dataclass(frozen=True)
class TicketNode:
    """A card: how many tasks of it there are, and which unfinished cards block it."""

    row: IndexRow
    task_count: int
    blocked_by: list[str]


@dataclass(frozen=True)
class TaskNode:
    """A task: whether it waits for another one, and how many depend on it."""

    row: IndexRow
    created_at: str
    is_blocked: bool
    blocks_count: int


@dataclass(frozen=True)
class DiscoveryNode:
    row: IndexRow
    discovered_at: str
    was_boosted: bool
    """Whether a task that it became has a higher priority."""


@dataclass(frozen=True)
class TaskGraph:
    """A graph. The edges are listed by their targets; the numbers are those of the whole graph."""

    tickets: list[TicketNode]
    tasks: list[TaskNode]
    discoveries: list[DiscoveryNode]
    edges: Mapping[str, list[Edge]]
    critical_path: list[str]
    total_tasks: int
    blocked_count: int
    resolved_count: int

    @property
    def edge_count(self) -> int:
        return sum(map(len, self.edges.values()))


@dataclass(frozen=True)
class GraphRows:
    """What a graph is built from: index rows, each with the time of its creation. `outside`: tasks beside `tasks` that some of them depend
    on. `dependents`: how many depend on a task, if that is more than can be seen here. `blocks`: [dependent, blocker] of cards."""

    tasks: Sequence[tuple[IndexRow, str]]
    tickets: Sequence[IndexRow]
    discoveries: Sequence[tuple[IndexRow, str]] = ()
    outside: Sequence[tuple[IndexRow, str]] = ()
    dependents: Mapping[str, int] = field(default_factory=dict)
    blocks: Iterable[Sequence[str]] = ()


def ticket_node_id(item_id: str) -> str:
    return f"ticket-{item_id}"


def discovery_node_id(discovery_id: str) -> str:
    return f"discovery-{discovery_id}"


def build_graph(rows: GraphRows, *, include_resolved: bool = True) -> TaskGraph:
    """Build a graph, with or without what is done. Each row and each edge is looked at a fixed number of times."""
    known = {row.id: row for row, _ in (*rows.outside, *rows.tasks)}
    shown = {row.id: row for row in known.values() if include_resolved or row.f["status"] not in RESOLVED_TASKS}
    dependents = Counter(needed for row in known.values() for needed in row.f.get("depends_on", ())) | Counter(rows.dependents)
    waits = [(needed, row.id) for row in shown.values() for needed in row.f.get("depends_on", ()) if needed in shown]
    edges: dict[str, list[Edge]] = {}
    for needed, task_id in waits:
        _add(edges, Edge(needed, task_id, "depends_on"))
    tickets = _tickets(rows, shown, edges)
    discoveries = _discoveries(rows, shown, edges, include_resolved)
    created = {row.id: at for row, at in (*rows.outside, *rows.tasks)}
    blocked = {row.id for row, _ in rows.tasks if _is_blocked(row, known)}
    number = len(blocked)
    blocked |= {row.id for row, _ in rows.outside if row.f["status"] not in ENDED and row.f.get("waiting")}
    tasks = [TaskNode(row, created[row.id], row.id in blocked, dependents[row.id]) for row in shown.values()]
    resolved = sum(row.f["status"] in RESOLVED_TASKS for row, _ in rows.tasks)
    return TaskGraph(tickets, tasks, discoveries, edges, longest_chain(shown, waits), len(rows.tasks), number, resolved)


def _is_blocked(row: IndexRow, known: Mapping[str, IndexRow]) -> bool:
    """Tell whether a task waits for another one. One that is not known was deleted or archived."""
    needed = (known.get(one) for one in row.f.get("depends_on", ()))
    return row.f["status"] not in ENDED and any(one is not None and one.f["status"] != "completed" for one in needed)


def _tickets(rows: GraphRows, shown: Mapping[str, IndexRow], edges: dict[str, list[Edge]]) -> list[TicketNode]:
    """Return the cards that contain a task or block each other, and add their edges."""
    cards = {row.id: row for row in rows.tickets}
    counts = Counter(row.f["item_id"] for row, _ in rows.tasks)
    blocks = [(blocker, blocked) for blocked, blocker in rows.blocks if blocker in cards and blocked in cards]
    linked = {end for pair in blocks for end in pair}
    blocked_by: dict[str, list[str]] = {}
    for blocker, blocked in blocks:
        _add(edges, Edge(ticket_node_id(blocker), ticket_node_id(blocked), "ticket_blocks"))
        if cards[blocker].f["status"] != "done":
            blocked_by.setdefault(blocked, []).append(blocker)
    for row in shown.values():
        if row.f["item_id"] in cards:
            _add(edges, Edge(ticket_node_id(row.f["item_id"]), row.id, "ticket_contains"))
    return [
        TicketNode(row, counts[row.id], blocked_by.get(row.id, []))
        for row in cards.values()
        if counts[row.id] or row.id in linked
    ]


def _discoveries(
    rows: GraphRows, shown: Mapping[str, IndexRow], edges: dict[str, list[Edge]], include_resolved: bool
) -> list[DiscoveryNode]:
    """Return the discoveries, and add the edges from the task at which each was made, and to the tasks that it became."""
    nodes = []
    for row, at in rows.discoveries:
        if not include_resolved and row.f["status"] in RESOLVED_DISCOVERIES:
            continue
        name = discovery_node_id(row.id)
        if row.f.get("task_id") in shown:
            _add(edges, Edge(row.f["task_id"], name, "spawned_from", row.id))
        spawned = [one for one in row.f["spawned"] if one in shown]
        for one in spawned:
            _add(edges, Edge(name, one, "spawned_from", row.id))
        boosted = any(RANKS[shown[one].f["priority"]] < RANKS[row.f["priority"]] for one in spawned)
        nodes.append(DiscoveryNode(row, at, boosted))
    return nodes


def _add(edges: dict[str, list[Edge]], edge: Edge) -> None:
    edges.setdefault(edge.target, []).append(edge)
