"""Reading commits: one by its sha, those of a card, those of an agent.

A sha says nothing of whose it is: it is looked up in all workspaces of the caller at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from shared.core.actor import Actor, Permission
from shared.core.errors import FieldError, Invalid, NotFound
from shared.core.ids import bare_id
from shared.source.commits.agents import agent_id_of, is_known_to, live_agent_key
from shared.source.commits.changes import ChangedFile, load_changes
from shared.source.commits.rows import (
    SHA,
    SHORT_SHA,
    Commit,
    CommitFiles,
    commit_id,
    commits_by,
    commits_by_sha,
    links_of,
)
from shared.store import (
    CountedRows,
    IndexRow,
    RowKey,
    authorize,
    first_index_rows,
    get_all,
    get_many,
    load,
    read_ahead,
)
from shared.work.items.rows import ItemHead
from shared.work.projects.reading import begin_by_workspace, in_workspaces


@dataclass(frozen=True)
class CommitDetails:
    commit: Commit
    files: list[ChangedFile]


@dataclass(frozen=True)
class LinkedCommit:
    """A commit of a card, and the agent to whom the link gives it."""

    commit: Commit
    agent_id: str | None


def get_commit(actor: Actor, sha: str) -> CommitDetails:
    """Return a commit with its files, by its sha or the beginning of it.

    One round trip for who has asked this process before; one more for a workspace that it does not know of, for a short sha, and for files
    of more than 300 KB. Raises NotFound, Forbidden, Invalid for a beginning that several commits have.
    """
    sha = sha.lower()
    if not SHA.fullmatch(sha):
        sha = _complete(actor, sha)
    for commit, files in begin_by_workspace(actor, partial(_read, sha), Permission.PROJECT_READ)().values():
        if commit is not None:
            authorize(commit, actor, Permission.PROJECT_READ)
            return CommitDetails(commit, load_changes(files.files if files else None))
    raise NotFound(Commit.NAME)


def _complete(actor: Actor, beginning: str) -> str:
    """Return the sha that begins so. Raises NotFound, and Invalid if there are several."""
    if not SHORT_SHA.fullmatch(beginning):
        raise NotFound(Commit.NAME)
    reads = in_workspaces(actor, lambda ws_id: read_ahead(partial(_first_with, ws_id, beginning)))
    found = {row.sort for read in reads for row in read.result()}
    if len(found) > 1:
        raise Invalid(FieldError("commit_sha", "Several commits begin like this: more of the sha is needed", beginning))
    if not found:
        raise NotFound(Commit.NAME)
    return found.pop()


def _first_with(ws_id: str, beginning: str) -> list[IndexRow]:
    index, partition = commits_by_sha(ws_id)
    return first_index_rows(index, partition, 2, beginning)[0]


def _read(sha: str, ws_ids: Sequence[str]) -> list[tuple[Commit | None, CommitFiles | None]]:
    keys: list[RowKey] = []
    for ws_id in ws_ids:
        keys += [(Commit, *Commit.key(commit_id(ws_id, sha))), (CommitFiles, *CommitFiles.key_of(ws_id, sha))]
    rows: list[Any] = get_all(keys) if keys else []
    return list(zip(rows[::2], rows[1::2], strict=True))


def list_card_commits(actor: Actor, item_id: str, *, limit: int, offset: int = 0) -> tuple[list[LinkedCommit], int]:
    """Return a page of the commits that are linked to a card, linked last first, and how many they are. Two round trips; three past the
    head of a long list. Raises NotFound("card"), Forbidden."""
    rows = CountedRows(links_of(bare_id(item_id)), offset + limit, newest_first=True)
    item = load(ItemHead, item_id, actor, Permission.CARD_READ)
    page = rows.page(offset, limit, lambda _: True)
    links = page.rows()
    commits = _fetch(str(item.ws_id), [row.f["sha"] for row in links])
    shown = [
        LinkedCommit(commits[row.f["sha"]], row.f.get("agent_id") or commits[row.f["sha"]].agent_id)
        for row in links
        if row.f["sha"] in commits
    ]
    return shown, page.total


def _fetch(ws_id: str, shas: list[str]) -> dict[str, Commit]:
    rows = get_all([(Commit, *Commit.key(commit_id(ws_id, sha))) for sha in shas], to_show=True) if shas else []
    return {row.sha: row for row in rows if isinstance(row, Commit)}


def list_agent_commits(actor: Actor, agent: str, *, limit: int, offset: int = 0) -> tuple[list[Commit], int]:
    """Return a page of the commits of an agent in all the caller's workspaces, newest first, and how many they are. Two round trips; three
    past the head of a long list. Raises NotFound("agent") for an agent of nobody the caller knows."""
    agent_id = agent_id_of(agent)
    model, pk, sk = live_agent_key(agent_id)

    def begin(ws_ids: Sequence[str]) -> list[CountedRows]:
        return [CountedRows(commits_by(ws_id, agent_id), offset + limit, newest_first=True) for ws_id in ws_ids]

    begun = begin_by_workspace(actor, begin, Permission.PROJECT_READ)
    live = get_many([(model, pk, sk)])[0]
    lists = begun()
    skip = offset if len(lists) == 1 else 0  # of several lists, nobody knows how many of the first ones are in which
    pages = {ws_id: rows.page(skip, offset - skip + limit, lambda _: True) for ws_id, rows in lists.items()}
    total = sum(page.total for page in pages.values())
    if not total and not is_known_to(actor, agent_id, live):
        raise NotFound("agent")
    found = [(row.sort.rpartition("/")[2], row.id) for page in pages.values() for row in page.rows()]
    ids = [row_id for _, row_id in sorted(found, reverse=True)][offset - skip :][:limit]
    rows = get_all([(Commit, *Commit.key(one)) for one in ids], to_show=True) if ids else []
    return [row for row in rows if isinstance(row, Commit)], total
