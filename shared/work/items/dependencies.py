"""Which card waits for which: dependencies between the cards of one board.

`blocks` makes an order, so it must never make a circle. All `blocks` edges of a board stand in one row with a version: reading it is
one consistent read, and whoever adds an edge writes it on the condition that nobody changed it since. Two opposite edges made at the
same time cannot both land: the slower one is refused by the version, reads again and finds the circle.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import Conflict, FieldError, Invalid, LimitExceeded, NotFound, TransitionRefused
from shared.core.ids import bare_id, derived_id, is_id
from shared.core.situations import Situation
from shared.events import EventType, record
from shared.store import (
    Entity,
    IndexRow,
    JSONAttribute,
    NumberAttribute,
    Operation,
    Row,
    UnicodeAttribute,
    authorize,
    collection,
    delete,
    fetch_all,
    get,
    get_many,
    load,
    put,
    retrying,
    save,
    stale,
    write,
)
from shared.work.boards.counting import require_writable
from shared.work.boards.rows import Board
from shared.work.items.rows import Item

MAX_EDGES = 2_000  # of a board: a row of 160 KB; DynamoDB's limit is 400 KB
_DEPENDENCY_EXISTS = Conflict(Situation.DEPENDENCY_EXISTS, "This dependency exists already")


class Dependency(Entity):
    """`item_id` waits for `dependency_id` (or relates to it, or duplicates it). A second row, `BACK`, puts it into the other card's
    collection. Its id follows from its ends and its type: the same dependency twice is the same row."""

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
        return {"item_id": self.item_id, "dependency_id": self.dependency_id, "type": self.type}

    @property
    def back(self) -> "Dependency":
        """The row of the other end: it carries no event."""
        values: dict[str, Any] = {
            name: value for name, value in self.attribute_values.items() if name not in {"event", "event_id"}
        }
        return Dependency(**values | {"sk": "BACK"})


class DependencyGraph(Row):
    """At `BOARD#<id>, GRAPH`: every `blocks` edge of the board as [who waits, for whom]."""

    TABLE = "core_table"

    kind = UnicodeAttribute(default="GRAPH")
    edges = JSONAttribute(default=list)
    version = NumberAttribute(default=0)

    @classmethod
    def key(cls, board_id: str) -> tuple[str, str]:
        return f"BOARD#{board_id}", "GRAPH"


@dataclass(frozen=True)
class ResolvedDependency:
    """A dependency with the cards at its ends."""

    dependency: Dependency
    dependent: Item
    on: Item


def create_dependency(actor: Actor, item_id: str, dependency_id: str, kind: str) -> ResolvedDependency:
    """Let a card wait for another one of its board (or relate to it, or duplicate it).

    Raises NotFound (either card), Forbidden, Invalid (itself, another board), Conflict: "exists", "cycle", "state" in an archived
    project or where the board has no dependencies. Two reads and one transaction.
    """
    dependent, on = _load_pair(actor, item_id, dependency_id)
    if dependent.id == on.id:
        raise Invalid(FieldError("dependency_id", "A card cannot depend on itself", dependency_id))
    if dependent.board_id != on.board_id:
        raise Invalid(FieldError("dependency_id", "The two cards are on different boards", dependency_id))
    board, graph = get_many(
        [(Board, *Board.key(dependent.board_id)), (DependencyGraph, *DependencyGraph.key(dependent.board_id))]
    )
    if not isinstance(board, Board) or not board.settings.get("enableCardDependencies", True):
        raise Conflict(Situation.DEPENDENCIES_DISABLED, "Dependencies are switched off on this board")
    made = Dependency.new(
        derived_id("dependency", dependent.id, on.id, kind),
        org_id=dependent.org_id,
        ws_id=dependent.ws_id,
        proj_id=dependent.proj_id,
        item_id=dependent.id,
        dependency_id=on.id,
        board_id=dependent.board_id,
        type=kind,
        created_by=actor.summary,
    )
    record(made, EventType.DEPENDENCY_ADDED, actor, **_event_data(made), title=on.title)
    free = Dependency.pk.does_not_exist() | Dependency.deleted_at.exists()
    rows = [put(made, free, _DEPENDENCY_EXISTS), put(made.back), require_writable(dependent.board_id)]
    if kind == "blocks":
        _write_with_graph(
            dependent.board_id,
            rows,
            add=(dependent, on),
            first=graph or DependencyGraph(*DependencyGraph.key(dependent.board_id)),
        )
    else:
        write(*rows)
    return ResolvedDependency(made, dependent, on)


def delete_dependency(actor: Actor, dependency_id: str) -> None:
    """Remove it from both cards. Raises NotFound, Forbidden, Conflict (archived)."""
    gone = load(Dependency, dependency_id, actor, Permission.CARD_EDIT)
    back = gone.back
    gone.deleted_at = clock.iso()
    record(gone, EventType.DEPENDENCY_REMOVED, actor, **_event_data(gone))
    rows = [save(gone, NotFound(Dependency.NAME)), delete(back), require_writable(gone.board_id)]
    if gone.type == "blocks":
        _write_with_graph(gone.board_id, rows, remove=[gone.item_id, gone.dependency_id])
    else:
        write(*rows)


def list_dependencies(actor: Actor, item_id: str) -> tuple[Item, list[ResolvedDependency]]:
    """A card and every dependency it has part in, oldest first; those whose other end is deleted are left out.

    The card, one query, and one batch for each fifty dependencies.
    """
    item = load(Item, item_id, actor, Permission.CARD_READ)
    index = collection(1, f"ITEM#{item.id}", "DEP#")
    return item, resolve_dependencies(item, index, read_dependency_rows(item, index))


def dependency_keys(item: Item, index: Sequence[IndexRow]) -> list[tuple[type[Row], str, str]]:
    """What must be read to show the dependencies of an index slice: the rows, and the cards at the other ends."""
    others = dict.fromkeys(one for row in index for one in (row.f["item_id"], row.f["dependency_id"]) if one != item.id)
    return [(Dependency, *Dependency.key(row.id)) for row in index] + [(Item, *Item.key(other)) for other in others]


def read_dependency_rows(item: Item, index: Sequence[IndexRow]) -> list[Row | None]:
    keys = dependency_keys(item, index)
    return [row for start in range(0, len(keys), 100) for row in get_many(keys[start : start + 100])]


def resolve_dependencies(item: Item, index: Sequence[IndexRow], rows: Sequence[Row | None]) -> list[ResolvedDependency]:
    """Links from the rows that `end_keys` names; deleted dependencies and cards are left out."""
    cards = {row.id: row for row in rows if isinstance(row, Item) and not row.deleted_at} | {item.id: item}
    found = {row.id: row for row in rows if isinstance(row, Dependency) and not row.deleted_at}
    links = []
    for one in index:
        row = found.get(one.id)
        if row is not None and row.item_id in cards and row.dependency_id in cards:
            links.append(ResolvedDependency(row, cards[row.item_id], cards[row.dependency_id]))
    return links


def open_blockers(item: Item) -> list[Item]:
    """The unfinished cards this one waits for. One consistent read, and one more where it waits for any."""
    graph = get(DependencyGraph, *DependencyGraph.key(item.board_id))
    waits_for = [edge[1] for edge in (graph.edges if graph else []) if edge[0] == item.id]
    return [one for one in fetch_all(Item, waits_for) if one.status != "done" and not one.deleted_at]


def refuse_open_dependencies(item: Item) -> None:
    """Raises TransitionRefused while the card waits for unfinished ones."""
    waiting = open_blockers(item)
    if waiting:
        titles = ", ".join(one.title for one in waiting[:5])
        raise TransitionRefused(
            f"The card depends on {len(waiting)} unfinished card{'s' if len(waiting) > 1 else ''}: {titles}",
            {"rule": "dependency", "item_ids": [one.id for one in waiting]},
        )


def _event_data(row: Dependency) -> dict[str, Any]:
    """What its events say of a dependency."""
    return {
        "board_id": row.board_id,
        "item_id": row.item_id,
        "to_item_id": row.dependency_id,
        "dependency_type": row.type,
    }


def _load_pair(actor: Actor, item_id: str, other_id: str) -> tuple[Item, Item]:
    ids = [bare_id(item_id), bare_id(other_id)]
    if not all(map(is_id, ids)):
        raise NotFound(Item.NAME)
    found: list[Item] = []
    for row, permission in zip(get_many([(Item, *Item.key(one)) for one in ids]), (Permission.CARD_EDIT, None), strict=True):
        if not isinstance(row, Item) or row.deleted_at:
            raise NotFound(Item.NAME)
        found.append(authorize(row, actor, permission))
    return found[0], found[1]


def _write_with_graph(
    board_id: str,
    rows: Sequence[Operation],
    *,
    add: tuple[Item, Item] | None = None,
    remove: list[str] | None = None,
    first: Row | None = None,
) -> None:
    """Write the rows together with the board's edges, from what stands there (`first`, where it was just read): again when somebody else
    changed them meanwhile."""

    def attempt(number: int) -> None:
        stands = (
            first if isinstance(first, DependencyGraph) and not number else get(DependencyGraph, *DependencyGraph.key(board_id))
        )
        graph = stands or DependencyGraph(*DependencyGraph.key(board_id))
        edges: list[list[str]] = [edge for edge in graph.edges if edge != remove]
        if add is not None:
            edges = _add_edge(edges, *add)
        unchanged = DependencyGraph.version == graph.version if graph.version else DependencyGraph.version.does_not_exist()
        graph.edges, graph.version = edges, int(graph.version) + 1
        write(*rows, put(graph, unchanged, stale))

    retrying(attempt, times=8)


def _add_edge(edges: list[list[str]], dependent: Item, on: Item) -> list[list[str]]:
    """The edges and the new one. Edges of deleted cards go when they stand in the way."""
    while path := _find_path(edges, on.id, dependent.id):
        living = _without_deleted(edges, path)
        if len(living) == len(edges):
            cards = {"item_ids": [dependent.id, *path]}
            raise Conflict(Situation.DEPENDENCY_CYCLE, "This would make the cards wait for each other in a circle", cards)
        edges = living
    if len(edges) >= MAX_EDGES:
        edges = _without_deleted(edges, {card for edge in edges for card in edge})
    if len(edges) >= MAX_EDGES:
        raise LimitExceeded(Situation.LIMIT_REACHED, f"A board holds at most {MAX_EDGES:,} blocking dependencies")
    return [*edges, [dependent.id, on.id]]


def _without_deleted(edges: list[list[str]], cards: Collection[str]) -> list[list[str]]:
    """The edges without those of the cards that are deleted among `cards`."""
    dead = set(cards) - {one.id for one in fetch_all(Item, cards) if not one.deleted_at}
    return [edge for edge in edges if dead.isdisjoint(edge)]


def _find_path(edges: Sequence[Sequence[str]], start: str, goal: str) -> list[str]:
    """The cards from `start` to `goal` along who waits for whom; empty where there is no way. Visits each card once."""
    waits_for: dict[str, list[str]] = {}
    for dependent, on in edges:
        waits_for.setdefault(dependent, []).append(on)
    came_from: dict[str, str] = {start: ""}
    left = [start]
    while left:
        card = left.pop()
        if card == goal:
            path = []
            while card:
                path.append(card)
                card = came_from[card]
            return path[::-1]
        for following in waits_for.get(card, []):
            if following not in came_from:
                came_from[following] = card
                left.append(following)
    return []
