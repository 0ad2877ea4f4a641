"""Reading the graph of a card's or a project's tasks."""

from collections import Counter
from functools import partial
from itertools import islice
from typing import Final

from shared.core.actor import Actor, Permission
from shared.core.errors import NotFound
from shared.core.ids import bare_id
from shared.planning.graph.building import GraphRows, TaskGraph, build_graph
from shared.store import CountedRows, IndexRow, fetch_all, get, id_of, index_row, index_rows, load, read_ahead
from shared.work.boards.creating import board_id_of
from shared.work.discoveries.rows import discoveries_of_project
from shared.work.items.dependencies import DependencyGraph
from shared.work.items.rows import Item
from shared.work.projects.reading import by_workspace
from shared.work.projects.rows import Project
from shared.work.tasks.dependencies import read_graph
from shared.work.tasks.listing import created_at
from shared.work.tasks.rows import MAX_CARD_TASKS, Task, tasks_of, tasks_of_card

MAX_CARDS: Final = 5_000  # cards of a board that are in the graph: four queries
MAX_DISCOVERIES: Final = 1_000  # the newest of a project


def project_graph(actor: Actor, project_id: str, *, include_resolved: bool = True, include_discoveries: bool = True) -> TaskGraph:
    """Return the graph of all tasks of a project with the cards that contain them, which block each other.

    Two round trips; three where the workspace has so many tasks that they are read in blocks, side by side. Raises NotFound, Forbidden.
    """
    bare = id_of(Project, project_id)
    begun = by_workspace(actor, lambda ws_id: CountedRows(tasks_of(ws_id), 0), Permission.CARD_READ)
    cards = read_ahead(partial(_first, 1, f"BOARD#{board_id_of(bare)}#ITEM", MAX_CARDS))
    edges = read_ahead(lambda: get(DependencyGraph, *DependencyGraph.key(board_id_of(bare)), consistent=False))
    found = read_ahead(partial(_newest_discoveries, bare)) if include_discoveries else None
    project = load(Project, bare, actor, Permission.CARD_READ)
    if project.status == "deleted":
        raise NotFound(Project.NAME)
    rows = begun[str(project.ws_id)].all(lambda label: label.endswith(f" {bare}"))
    blocks = edges.result()
    return build_graph(
        GraphRows(
            [(row, created_at(row)) for row in rows],
            cards.result(),
            [(row, row.sort.partition("#")[0]) for row in found.result()] if found is not None else [],
            blocks=blocks.edges if blocks else [],
        ),
        include_resolved=include_resolved,
    )


def card_graph(actor: Actor, item_id: str, *, include_resolved: bool = True, include_discoveries: bool = True) -> TaskGraph:
    """Return the graph of a card's tasks, with those of other cards on which they depend. Two round trips. Raises NotFound, Forbidden."""
    bare = bare_id(item_id)
    tasks_read = read_ahead(partial(_first, 2, tasks_of_card(bare), MAX_CARD_TASKS))
    found = read_ahead(partial(_card_discoveries, bare)) if include_discoveries else None
    card = load(Item, item_id, actor, Permission.CARD_READ)
    tasks = tasks_read.result()
    ids = {row.id for row in tasks}
    all_edges = read_ahead(partial(read_graph, str(card.proj_id), consistent=False))
    needed = dict.fromkeys(one for row in tasks for one in row.f.get("depends_on", ()) if one not in ids)
    outside = [one for one in fetch_all(Task, needed) if not one.deleted_at and not one.archived_at]
    _, edges = all_edges.result()
    card.set_index_keys()
    return build_graph(
        GraphRows(
            [(row, row.sort.partition("#")[0]) for row in tasks],
            [index_row(card)],
            [(row, row.sort.removeprefix("DSC#").partition("#")[0]) for row in found.result()] if found is not None else [],
            [(index_row(one, 2), one.created_at) for one in outside],
            Counter(one for _, one in edges),
        ),
        include_resolved=include_resolved,
    )


def _first(index: int, partition: str, number: int) -> list[IndexRow]:
    return list(islice(index_rows(index, partition), number))


def _newest_discoveries(proj_id: str) -> list[IndexRow]:
    rows = index_rows(4, discoveries_of_project(proj_id), newest_first=True)
    return list(islice(rows, MAX_DISCOVERIES))[::-1]


def _card_discoveries(item_id: str) -> list[IndexRow]:
    return list(islice(index_rows(1, f"ITEM#{item_id}", "DSC#"), MAX_DISCOVERIES))
