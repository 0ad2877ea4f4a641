"""What a validator is given of a task: its result, the documents, changes, tests, builds and discoveries of the work.

All of it is bounded: what is too long is cut, and a list has its newest entries.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.core.ids import bare_id, is_id
from shared.runs.agent_runs.rows import Run
from shared.runs.validation.criteria import CHANGE, CLAIM, DISCOVERY, DOCUMENT, Material
from shared.runs.validation.running import BuildSeen, CaseSeen, Ran
from shared.source.commits.changes import load_changes
from shared.source.commits.rows import Commit, CommitFiles, commit_id
from shared.store import IndexRow, fetch, fetch_all, first_index_rows, get_all
from shared.work.discoveries.rows import Discovery, discoveries_of_task
from shared.work.documents.reading import read_texts
from shared.work.documents.rows import Document
from shared.work.items.rows import Item
from shared.work.items.tracing import INDEX, TEST, links_between, partition_of
from shared.work.tasks.rows import TaskHead
from shared.work.testing.rows import TestCase

FindBuilds = Callable[[str], Sequence[BuildSeen]]
"""Finds the newest builds of a card, newest first. Builds stand above runs, so who calls knows them."""
_DOCUMENTS: Final = 10
_COMMITS: Final = 10
_CASES: Final = 100
_DISCOVERIES: Final = 20
_LONGEST: Final = 1_000_000  # bytes of a document that is read
CUT: Final = 12_000  # characters of a text


@dataclass(frozen=True)
class Work:
    """Everything that a validator looks at."""

    material: list[Material]
    ran: Ran


def gather(task: TaskHead, card: Item, find_builds: FindBuilds) -> Work:
    """Return what a task has brought. Some ten round trips, for a worker that nobody waits for."""
    run = fetch(Run, str(task.work_run_id)) if task.work_run_id else None
    documents = _documents(task, run)
    links = _rows(1, f"ITEM#{card.id}", _COMMITS, "GIT#")
    validation = task.validation or {}
    times = [
        *(str(one.versioned_at) for one in documents),
        *(row.sort.removeprefix("GIT#").partition("#")[0] for row in links),
        str(task.started_at or task.created_at),
        str(validation.get("failed_at") or ""),
    ]
    newest = str(links[0].f["sha"]) if links else None
    texts = read_texts([one for one in documents if int(one.size) <= _LONGEST])
    material = [
        *(Material("result", _cut(text)) for text in _texts(task.result)),
        *([Material("summary", _cut(run.result_summary))] if run is not None and run.result_summary else []),
        *(Material(f"document {one.title}", _cut(texts[one.id]), DOCUMENT) for one in documents if one.id in texts),
        *_changes(str(task.ws_id), [str(row.f["sha"]) for row in links]),
        *_discoveries(task.id),
    ]
    ran = Ran(_cases(card), find_builds(card.id), max(times), validation.get("commit_sha") or newest)
    return Work([one for one in material if one.text.strip()], ran)


def _rows(index: int, partition: str, number: int, prefix: str = "") -> list[IndexRow]:
    return first_index_rows(index, partition, number, prefix, newest_first=True)[0]


def _cut(text: str) -> str:
    return text if len(text) <= CUT else f"{text[:CUT]}\n[cut]"


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts of a result, whatever its form."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for one in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(one)
    elif value is not None:
        yield json.dumps(value)


def _documents(task: TaskHead, run: Run | None) -> list[Document]:
    """Return the documents of the work: those that its run has written, and those of the project that its result names."""
    named = [str(one.get("id")) for one in ((run.result_data if run is not None else None) or {}).get("documents", [])]
    ids = [bare_id(one) for one in (*named, *_named_documents(task.result)) if is_id(bare_id(one))]
    found = fetch_all(Document, list(dict.fromkeys(ids))[:_DOCUMENTS])
    return [one for one in found if one.proj_id == task.proj_id and not one.deleted_at]


def _named_documents(result: Any) -> Iterator[str]:
    if not isinstance(result, Mapping):
        return
    for name in ("document_id", "document_ids", "documents"):
        value = result.get(name)
        for one in value if isinstance(value, list) else [value]:
            named = one.get("id") if isinstance(one, Mapping) else one
            if isinstance(named, str):
                yield named


def _changes(ws_id: str, shas: list[str]) -> Iterator[Material]:
    keys: list[Any] = [
        key
        for sha in shas
        for key in ((Commit, *Commit.key(commit_id(ws_id, sha))), (CommitFiles, *CommitFiles.key_of(ws_id, sha)))
    ]
    rows: list[Any] = get_all(keys) if keys else []
    for commit, files in zip(rows[::2], rows[1::2], strict=True):
        if commit is None:
            continue
        yield Material(f"message of commit {commit.sha[:12]}", _cut(commit.message), CLAIM)
        for file in load_changes(files.files if files else None):
            if file.patch:
                yield Material(f"commit {commit.sha[:12]} {file.path}"[:200], _cut(file.patch), CHANGE)


def _discoveries(task_id: str) -> Iterator[Material]:
    rows = _rows(2, discoveries_of_task(task_id), _DISCOVERIES)
    for one in fetch_all(Discovery, [row.id for row in rows]):
        if one.status in ("open", "in_progress"):
            yield Material(f"discovery {one.type}", _cut(one.description), DISCOVERY)


def _cases(card: Item) -> list[CaseSeen]:
    """Return the test cases of a card and, if it is a requirement, those of its features."""
    rows = _rows(1, f"ITEM#{card.id}", _CASES, "TC#")
    between = links_between(card.id, TEST, TEST)
    rows += first_index_rows(INDEX, partition_of(card.proj_id), _CASES, between=between)[0]
    cases = fetch_all(TestCase, list(dict.fromkeys(row.id for row in rows)))
    return [
        CaseSeen(one.id, one.name, one.acceptance_criteria or [], one.automation_script_path, one.last_status, one.last_result_at)
        for one in cases
        if not one.deleted_at
    ]
