"""Dependencies between the cards of one board.

`blocks` is an order, so it must never contain a cycle. One row holds all `blocks` edges of a board and has a version: it is read
consistently, and a new edge is written on the condition that the row has not changed since. Of two opposite edges added at the same
time only one is written: the version refuses the slower one, which reads again and detects the cycle.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import Conflict, FieldError, Invalid, LimitExceeded, NotFound, TransitionRefused
from shared.core.ids import bare_id, derived_id, is_id
from shared.core.situations import Situation
from shared.core.wording import Wording
from shared.events import EventType, record
from shared.store import (
    Entity,
    IndexRow,
    JSONAttribute,
    NumberAttribute,
    Operation,
    Row,
    RowKey,
    UnicodeAttribute,
    authorize,
    collection,
    count,
    create,
    delete,
    fetch_all,
    get,
    get_all,
    get_many,
    load,
    put,
    read_ahead,
    retrying,
    save,
    stale,
    write,
)
from shared.work.boards.counting import require_writable
from shared.work.boards.rows import Board
from shared.work.items.rows import Item, ItemHead

MAX_RELATED = (
    500  # dependencies of a card, above which it takes none that blocks nothing: all are shown with it, each about 1.5 KB
)
MAX_EDGES = 2_000  # of a board: a row of 160 KB; DynamoDB's limit is 400 KB


class _DependencyExists(Conflict):
    def __init__(self) -> None:
        super().__init__(Situation.DEPENDENCY_EXISTS, "This dependency exists already")


class Dependency(Entity):
    """A dependency of `item_id` on `dependency_id` (or a relation to it, or a duplicate of it).

    A second row, `BACK`, lists it in the index of the other card. The id is derived from both cards and the type, so that the same
    dependency is always the same row.
    """

    KIND = "DEP"
    NAME = "dependency"

    item_id = UnicodeAttribute()
    dependency_id = UnicodeAttribute()
    board_id = UnicodeAttribute()
    type = UnicodeAttribute()  # blocks | relates_to | duplicates
    created_by = JSONAttribute()

    def indexes(self) -> dict[int, tuple[str, str]]:
        end = self.item_id if self.sk == "META" else self.dependency_id
        return {1: (f"ITEM#{end}", f"DEP#{self.created_at}#{self.id}")}

    def filters(self) -> dict[str, Any]:
        return {"item_id": self.item_id, "dependency_id": self.dependency_id}

    @property
    def back(self) -> "Dependency":
        """The second row, which lists the dependency at the other card. It carries no event."""
        values: dict[str, Any] = {
            name: value for name, value in self.attribute_values.items() if name not in {"event", "event_id"}
        }
        return Dependency(**values | {"sk": "BACK"})


class DependencyGraph(Row):
    """All `blocks` edges of a board as [dependent, blocker] ids, at `BOARD#<id>, GRAPH`."""

    TABLE = "core_table"

    kind = UnicodeAttribute(default="GRAPH")
    edges = JSONAttribute(default=list)
    version = NumberAttribute(default=0)

    @classmethod
    def key(cls, board_id: str) -> tuple[str, str]:
        return f"BOARD#{board_id}", "GRAPH"


def begin_blocks(board_id: str) -> Callable[[], list[tuple[str, str]]]:
    """Begin to read which cards of a board block others, as (dependent, blocker); what is returned waits for them."""
    read = read_ahead(lambda: get(DependencyGraph, *DependencyGraph.key(board_id), consistent=False))

    def edges() -> list[tuple[str, str]]:
        graph = read.result()
        return [(dependent, blocker) for dependent, blocker in graph.edges] if graph is not None else []

    return edges


def count_blockers(edges: Sequence[tuple[str, str]]) -> int:
    """Count the cards that are not done and block one that is not done either. One round trip, none without edges."""
    ids = list(dict.fromkeys(card for edge in edges for card in edge))
    rows = get_all([(ItemHead, *ItemHead.key(one)) for one in ids], consistent=False) if ids else []
    is_open = {
        row.id
        for row in rows
        if isinstance(row, ItemHead) and row.status != "done" and not row.deleted_at and not row.archived_at
    }
    return len({blocker for dependent, blocker in edges if blocker in is_open and dependent in is_open})


@dataclass(frozen=True)
class ResolvedDependency:
    """A dependency with its two cards: `dependent` depends on `blocker` (or relates to it, or duplicates it)."""

    dependency: Dependency
    dependent: Item
    blocker: Item


def create_dependency(actor: Actor, item_id: str, dependency_id: str, kind: str) -> ResolvedDependency:
    """Make a card depend on another card of its board (or relate to it, or duplicate it). Two reads and one transaction.

    Raises NotFound (either card), Forbidden, Invalid (the card itself, another board), and Conflict: DEPENDENCY_EXISTS, DEPENDENCY_CYCLE,
    DEPENDENCIES_DISABLED on this board, or PROJECT_ARCHIVED.
    """
    dependent, blocker = _load_pair(actor, item_id, dependency_id)
    if dependent.id == blocker.id:
        raise Invalid(FieldError("dependency_id", "A card cannot depend on itself", dependency_id))
    if dependent.board_id != blocker.board_id:
        raise Invalid(FieldError("dependency_id", "The two cards are on different boards", dependency_id))
    board, graph = get_many(
        [(Board, *Board.key(dependent.board_id)), (DependencyGraph, *DependencyGraph.key(dependent.board_id))]
    )
    _refuse_switched_off(board)
    dependency = _new_dependency(actor, dependent, blocker, kind)
    free = Dependency.pk.does_not_exist() | Dependency.deleted_at.exists()
    rows = [put(dependency, free, _DependencyExists), put(dependency.back), require_writable(dependent.board_id)]
    if kind == "blocks":
        _write_with_graph(
            dependent.board_id,
            rows,
            add=(dependent, blocker),
            first=graph or DependencyGraph(*DependencyGraph.key(dependent.board_id)),
        )
    else:
        for card in (dependent, blocker):
            _refuse_many_related(card)
        write(*rows)
    return ResolvedDependency(dependency, dependent, blocker)


def new_blockers(
    actor: Actor, board: Board, graph: DependencyGraph | None, pairs: Sequence[tuple[ItemHead, ItemHead]]
) -> list[Operation]:
    """Return the operations that make cards of a board depend on others: pairs of the dependent and the blocker, at least one.

    Their transaction is refused with `stale` if another one has changed the board's edges since the graph was read. Raises Conflict
    (a cycle, dependencies switched off), LimitExceeded.
    """
    _refuse_switched_off(board)
    graph = graph or DependencyGraph(*DependencyGraph.key(board.id))
    edges, operations = [*graph.edges], []
    for dependent, blocker in pairs:
        edges = _add_edge(edges, dependent, blocker, there={one.id for pair in pairs for one in pair})
        dependency = _new_dependency(actor, dependent, blocker, "blocks")
        operations += [create(dependency, _DependencyExists), put(dependency.back)]
    unchanged = DependencyGraph.version == graph.version if graph.version else DependencyGraph.version.does_not_exist()
    changed = DependencyGraph(*DependencyGraph.key(board.id), edges=edges, version=int(graph.version) + 1)
    return [*operations, put(changed, unchanged, stale)]


def _refuse_switched_off(board: Board | Row | None) -> None:
    if not isinstance(board, Board) or not board.settings.get("enableCardDependencies", True):
        raise Conflict(Situation.DEPENDENCIES_DISABLED, "Dependencies are switched off on this board")


def _new_dependency(actor: Actor, dependent: ItemHead, blocker: ItemHead, kind: str) -> Dependency:
    """Build a dependency with its event, not yet written."""
    dependency = Dependency.new(
        derived_id("dependency", dependent.id, blocker.id, kind),
        org_id=dependent.org_id,
        ws_id=dependent.ws_id,
        proj_id=dependent.proj_id,
        item_id=dependent.id,
        dependency_id=blocker.id,
        board_id=dependent.board_id,
        type=kind,
        created_by=actor.summary,
    )
    record(dependency, EventType.DEPENDENCY_ADDED, actor, **_event_data(dependency), title=blocker.title)
    return dependency


def _refuse_many_related(card: ItemHead) -> None:
    """Raise LimitExceeded if a card has so many dependencies that a card can no longer show them. A race may add a few."""
    if count(Dependency, f"ITEM#{card.id}", index=1, prefix="DEP#") >= MAX_RELATED:
        reason = Wording("A {card} with {limit} dependencies takes no more that block nothing", limit=MAX_RELATED)
        raise LimitExceeded(Situation.LIMIT_REACHED, reason, {"limit": MAX_RELATED})


def delete_dependency(actor: Actor, dependency_id: str) -> None:
    """Delete a dependency; it disappears from both cards. Raises NotFound, Forbidden, Conflict (archived)."""
    dependency = load(Dependency, dependency_id, actor, Permission.CARD_EDIT)
    back = dependency.back
    dependency.deleted_at = clock.iso()
    record(dependency, EventType.DEPENDENCY_REMOVED, actor, **_event_data(dependency))
    rows = [save(dependency, NotFound(Dependency.NAME)), delete(back), require_writable(dependency.board_id)]
    if dependency.type == "blocks":
        _write_with_graph(dependency.board_id, rows, remove=[dependency.item_id, dependency.dependency_id])
    else:
        write(*rows)


def list_dependencies(actor: Actor, item_id: str) -> tuple[Item, list[ResolvedDependency]]:
    """Return a card and all its dependencies in both directions, oldest first, without those whose other card is deleted.

    Reads the card and the index at once, then one batch for each 25 dependencies, all at once. Raises NotFound, Forbidden.
    """
    found = read_ahead(lambda: collection(1, f"ITEM#{bare_id(item_id)}", "DEP#"))
    item = load(Item, item_id, actor, Permission.CARD_READ)
    index = found.result()
    return item, resolve_dependencies(item, index, get_all(dependency_keys(item, index), consistent=False))


def dependency_keys(item: Item, index: Sequence[IndexRow]) -> list[RowKey]:
    """Return the keys of the rows that `resolve_dependencies` needs: the dependencies and the other cards."""
    others = dict.fromkeys(end for row in index for end in (row.f["item_id"], row.f["dependency_id"]) if end != item.id)
    return [(Dependency, *Dependency.key(row.id)) for row in index] + [(Item, *Item.key(other)) for other in others]


def resolve_dependencies(item: Item, index: Sequence[IndexRow], rows: Sequence[Row | None]) -> list[ResolvedDependency]:
    """Join dependencies with their cards, from the rows of `dependency_keys`; those that are deleted are left out."""
    cards = {row.id: row for row in rows if isinstance(row, Item) and not row.deleted_at} | {item.id: item}
    dependencies = {row.id: row for row in rows if isinstance(row, Dependency) and not row.deleted_at}
    resolved = []
    for index_row in index:
        row = dependencies.get(index_row.id)
        if row is not None and row.item_id in cards and row.dependency_id in cards:
            resolved.append(ResolvedDependency(row, cards[row.item_id], cards[row.dependency_id]))
    return resolved


def open_blockers(item: ItemHead) -> list[ItemHead]:
    """Return the unfinished cards on which this card depends. One consistent read, and one more if it depends on any."""
    graph = get(DependencyGraph, *DependencyGraph.key(item.board_id))
    blockers = [edge[1] for edge in (graph.edges if graph else []) if edge[0] == item.id]
    return [blocker for blocker in fetch_all(ItemHead, blockers) if blocker.status != "done" and not blocker.deleted_at]


def refuse_open_dependencies(item: ItemHead) -> None:
    """Raise TransitionRefused if the card depends on unfinished cards."""
    blockers = open_blockers(item)
    if blockers:
        titles = ", ".join(blocker.title for blocker in blockers[:5])
        template = f"The {{card}} depends on {len(blockers)} unfinished {{card{'s' if len(blockers) > 1 else ''}}}: {{titles}}"
        details = {"rule": "dependency", "item_ids": [blocker.id for blocker in blockers]}
        raise TransitionRefused(Wording(template, titles=titles), details)


def _event_data(row: Dependency) -> dict[str, Any]:
    """Return the data of a dependency's events."""
    return {
        "board_id": row.board_id,
        "item_id": row.item_id,
        "to_item_id": row.dependency_id,
        "dependency_type": row.type,
    }


def _load_pair(actor: Actor, item_id: str, other_id: str) -> tuple[Item, Item]:
    """Read two cards; the actor must be able to edit the first one. Raises NotFound, Forbidden."""
    ids = [bare_id(item_id), bare_id(other_id)]
    if not all(map(is_id, ids)):
        raise NotFound(Item.NAME)
    items: list[Item] = []
    for row, permission in zip(get_many([(Item, *Item.key(one)) for one in ids]), (Permission.CARD_EDIT, None), strict=True):
        if not isinstance(row, Item) or row.deleted_at:
            raise NotFound(Item.NAME)
        items.append(authorize(row, actor, permission))
    return items[0], items[1]


def _write_with_graph(
    board_id: str,
    rows: Sequence[Operation],
    *,
    add: tuple[ItemHead, ItemHead] | None = None,
    remove: list[str] | None = None,
    first: Row | None = None,
) -> None:
    """Write the rows together with the board's changed edges, and retry if another request changed the edges meanwhile.

    `first` is the graph if the caller has just read it.
    """

    def attempt(number: int) -> None:
        current = (
            first if isinstance(first, DependencyGraph) and not number else get(DependencyGraph, *DependencyGraph.key(board_id))
        )
        graph = current or DependencyGraph(*DependencyGraph.key(board_id))
        edges: list[list[str]] = [edge for edge in graph.edges if edge != remove]
        if add is not None:
            edges = _add_edge(edges, *add)
        unchanged = DependencyGraph.version == graph.version if graph.version else DependencyGraph.version.does_not_exist()
        graph.edges, graph.version = edges, int(graph.version) + 1
        write(*rows, put(graph, unchanged, stale))

    retrying(attempt, times=8)


def _add_edge(edges: list[list[str]], dependent: ItemHead, blocker: ItemHead, *, there: Collection[str] = ()) -> list[list[str]]:
    """Return the edges with a new one. Edges of deleted cards are removed if they would cause a cycle or exceed the limit. `there` are
    not deleted, although they may not have been written yet.

    Raises Conflict(DEPENDENCY_CYCLE), LimitExceeded.
    """
    while path := find_path(edges, [blocker.id], dependent.id):
        remaining = _without_deleted(edges, set(path).difference(there))
        if len(remaining) == len(edges):
            cards = {"item_ids": [dependent.id, *path]}
            raise Conflict(Situation.DEPENDENCY_CYCLE, "This dependency would create a cycle", cards)
        edges = remaining
    if len(edges) >= MAX_EDGES:
        edges = _without_deleted(edges, {card for edge in edges for card in edge}.difference(there))
    if len(edges) >= MAX_EDGES:
        raise LimitExceeded(Situation.LIMIT_REACHED, f"A board holds at most {MAX_EDGES:,} blocking dependencies")
    return [*edges, [dependent.id, blocker.id]]


def _without_deleted(edges: list[list[str]], cards: Collection[str]) -> list[list[str]]:
    """Return the edges without those of deleted cards. Only the cards with these ids are read."""
    deleted = set(cards) - {item.id for item in fetch_all(ItemHead, cards) if not item.deleted_at}
    return [edge for edge in edges if deleted.isdisjoint(edge)]


def find_path(edges: Sequence[Sequence[str]], starts: Sequence[str], goal: str) -> list[str]:
    """Return the ids on a path from one of `starts` to `goal` along the edges; empty if there is none. Visits each card once."""
    blockers: dict[str, list[str]] = {}
    for dependent, blocker in edges:
        blockers.setdefault(dependent, []).append(blocker)
    came_from = dict.fromkeys(starts, "")
    stack = list(came_from)[::-1]
    while stack:
        card = stack.pop()
        if card == goal:
            path = []
            while card:
                path.append(card)
                card = came_from[card]
            return path[::-1]
        for blocker in blockers.get(card, []):
            if blocker not in came_from:
                came_from[blocker] = card
                stack.append(blocker)
    return []
