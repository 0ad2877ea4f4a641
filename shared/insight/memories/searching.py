"""Searching memories: in all of an actor's workspaces, or in one project."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from shared.agents.embeddings.registry import search_embedder
from shared.core.actor import Actor, Permission
from shared.core.errors import FieldError, Invalid
from shared.core.ids import bare_id
from shared.insight.memories.ranking import Indexed, Ranked, SearchQuery, rank
from shared.insight.memories.rows import PARTS, Memory, MemoryIndex, Uses, part_of
from shared.store import Entity, ReadFuture, RowKey, get_all, load, read_ahead, update, write
from shared.store.queries import raw_rows
from shared.work.projects.reading import by_workspace
from shared.work.projects.rows import Project

_COUNTED: Final = 50  # uses that one transaction counts


@dataclass(frozen=True)
class Found:
    memory: Memory
    score: float
    similarity: float
    uses: int
    """How often it was handed out, this time too."""


def begin_memories(ws_id: str, *, task_type: str = "", newest: int | None = None) -> Callable[[], list[Indexed]]:
    """Begin to read the index of a workspace's memories; return what waits for it.

    With a type of tasks it is only that type's; with `newest` so many of each part, the newest first.
    """
    parts: list[ReadFuture[list[Indexed]]] = [
        read_ahead(partial(_read, part_of(ws_id, number), task_type, newest)) for number in range(PARTS)
    ]
    return lambda: [one for part in parts for one in part.result()]


def _read(partition: str, task_type: str, newest: int | None) -> list[Indexed]:
    prefix = f"{task_type}#" if task_type else ""
    rows = raw_rows(MemoryIndex, partition, prefix=prefix, newest_first=newest is not None, limit=newest)
    return [indexed(raw) for raw in rows]


def indexed(raw: dict[str, Any]) -> Indexed:
    """Return a raw row as searches see it: ten thousand of them are read at once."""
    task_type, _, memory_id = raw["SK"]["S"].rpartition("#")
    return Indexed(
        memory_id,
        task_type,
        raw["task_id"]["S"],
        raw["proj_id"]["S"],
        raw["memory_type"]["S"],
        raw["success"]["BOOL"],
        raw["model"]["S"],
        raw["vector"]["S"],
        float(raw["step"]["N"]),
        raw["words"]["S"],
    )


class MemorySearch:
    """A search. It begins to read when it is made; ask it when it is known who asks."""

    def __init__(self, actor: Actor) -> None:
        self._actor = actor
        self._begun = {ws_id: begin_memories(ws_id) for ws_id in actor.likely_workspaces}

    def _rows_of(self, ws_id: str) -> list[Indexed]:
        return (self._begun.get(ws_id) or begin_memories(ws_id))()

    def in_workspace(self, ws_id: str, query: SearchQuery) -> list[Ranked]:
        """Return what is found in one workspace. The caller has checked that the actor may read there."""
        return self._ranked(query, self._rows_of(ws_id))

    def everywhere(self, query: SearchQuery) -> list[Ranked]:
        """Return what is found in all workspaces whose cards the actor may read."""
        begun = by_workspace(self._actor, lambda ws_id: self._begun.get(ws_id) or begin_memories(ws_id), Permission.CARD_READ)
        return self._ranked(query, [one for read in begun.values() for one in read()])

    def _ranked(self, query: SearchQuery, rows: Sequence[Indexed]) -> list[Ranked]:
        if self._actor.project_id is not None:  # an agent sees its project only
            query = replace(query, project_id=self._actor.project_id)
        chosen = search_embedder()
        vector = chosen.embed([query.text])[0] if rows and query.mode != "keyword" else []
        return rank(query, rows, model_name(), vector)


def model_name() -> str:
    """Return the name and the dimension of what makes vectors now."""
    chosen = search_embedder()
    return f"{chosen.name}@{chosen.dimension}"


def search_memories(actor: Actor, query: SearchQuery, beside: Callable[[Sequence[Found]], None] | None = None) -> list[Found]:
    """Return the memories that answer a question best, and count that they were handed out. `beside` gets them before they are counted.

    Three round trips: the index, beside the decision who asks (or the project); the memories; their counts. Raises NotFound (project),
    Forbidden, Invalid (two weights of 0), Upstream (the service that makes vectors does not answer).
    """
    if query.mode == "hybrid" and not query.semantic_weight + query.keyword_weight:
        raise Invalid(FieldError("semantic_weight", "One of the two weights must be above 0"))
    search = MemorySearch(actor)
    if query.project_id is None:
        return hand_out(search.everywhere(query), beside)
    project = load(Project, query.project_id, actor, Permission.CARD_READ)
    return hand_out(search.in_workspace(str(project.ws_id), replace(query, project_id=bare_id(query.project_id))), beside)


def hand_out(ranked: Sequence[Ranked], beside: Callable[[Sequence[Found]], None] | None = None) -> list[Found]:
    """Read the memories that were ranked and count that they are handed out. Two round trips. What is no longer there is left out."""
    found = found_in(ranked, get_all(keys_of(ranked)))
    if beside is not None:
        beside(found)
    count_uses([one.memory for one in found])
    return found


def keys_of(ranked: Sequence[Ranked]) -> list[RowKey]:
    """Return the keys of memories that were ranked and of their uses."""
    return keys_with_uses(Memory, [one.indexed.memory_id for one in ranked])


def keys_with_uses(model: type[Entity], ids: Sequence[str]) -> list[RowKey]:
    """Return the keys of rows, each followed by that of its uses."""
    uses = [Uses.of(model.KIND, one) for one in ids]
    return [
        key for one, used in zip(ids, uses, strict=True) for key in ((model, *model.key(one)), (Uses, str(used.pk), str(used.sk)))
    ]


def found_in(ranked: Sequence[Ranked], rows: Sequence[Any]) -> list[Found]:
    """Return what was ranked with its rows (`keys_of`), as handed out once more. What is no longer there is left out."""
    return [
        Found(memory, one.score, one.similarity, (int(uses.number) if uses else 0) + 1)
        for one, memory, uses in zip(ranked, rows[::2], rows[1::2], strict=True)
        if memory is not None and not memory.deleted_at
    ]


def count_uses(entities: Sequence[Entity]) -> None:
    """Count that memories or patterns were handed out. One round trip for fifty."""
    for start in range(0, len(entities), _COUNTED):
        write(*(update(Uses.of(one.KIND, one.id), USED) for one in entities[start : start + _COUNTED]))


USED: Final = (Uses.number.add(1), Uses.kind.set("USES"))
