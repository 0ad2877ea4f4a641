"""Keep the index of words: what is made or named anew is filed, what is gone is taken out. The current row decides, so it is idempotent."""

from collections.abc import Callable, Mapping
from typing import Final

from shared.events import EventType
from shared.events.change import Change
from shared.insight.search.filing import file_entry, remove_entry
from shared.insight.search.rows import Entry
from shared.source.commits.rows import Commit
from shared.store import fetch
from shared.work.items.rows import Item
from shared.work.tasks.rows import Task

_TITLED: Final = frozenset({"title", "description", "labels", "tags", "archived_at", "subject", "message"})
"""Changes of these fields change what is found, or whether it is."""
_EXCERPT: Final = 500  # characters of a text that is no title: more words than an entry is filed under


def react(change: Change) -> None:
    file = _FILERS.get(change.kind)
    if file is None or change.ws_id is None:
        return
    existed, _ = change.existed()
    if not existed or change.event.type is EventType.ITEM_DELETED or _TITLED & change.event.changes.keys():
        file(change.id, str(change.ws_id))


def _file_card(card_id: str, ws_id: str) -> None:
    card = fetch(Item, card_id)
    if card is None or card.deleted_at or card.archived_at:
        remove_entry(ws_id, "ticket", card_id)
        return
    tags = [f"{tag['key']} {tag['value']}" for tag in card.tags]
    body = " ".join([*card.labels, *tags, (card.description or "")[:_EXCERPT]])
    file_entry(Entry("ticket", card.id, ws_id, card.proj_id, card.created_at, card.title, body))


def _file_task(task_id: str, ws_id: str) -> None:
    task = fetch(Task, task_id)
    if task is None or task.deleted_at or task.archived_at:
        remove_entry(ws_id, "task", task_id)
        return
    body = f"{task.task_type} {(task.description or '')[:_EXCERPT]}"
    file_entry(Entry("task", task.id, ws_id, task.proj_id, task.created_at, task.title, body))


def _file_commit(commit_id: str, ws_id: str) -> None:
    commit = fetch(Commit, commit_id)
    if commit is None or commit.deleted_at:
        remove_entry(ws_id, "commit", commit_id)
        return
    body = f"{commit.sha} {commit.author} {commit.message[:_EXCERPT]}"
    file_entry(Entry("commit", commit.id, ws_id, commit.proj_id, commit.date, commit.subject, body))


_FILERS: Final[Mapping[str, Callable[[str, str], None]]] = {
    Item.KIND: _file_card,
    Task.KIND: _file_task,
    Commit.KIND: _file_commit,
}
