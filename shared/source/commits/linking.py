"""Recording commits, and linking them to cards."""

from shared.core.actor import Actor, Permission
from shared.core.errors import ConditionFailed, NotFound
from shared.events import EventType, record
from shared.source.commits.agents import live_agent_name
from shared.source.commits.rows import Commit, CommitFiles, CommitLink, commits_by, link_id, links_of
from shared.store import (
    LastBlock,
    Operation,
    Place,
    authorize,
    check,
    create,
    enter,
    fetch,
    put,
    retrying,
    save,
    write,
)
from shared.work.boards.counting import require_writable
from shared.work.items.rows import ItemHead

_TRIES = 12  # of commits that are linked to one card at once


class _LinkedBefore(ConditionFailed):
    """The commit is linked to the card already."""


class _Known(ConditionFailed):
    """The commit is there already."""


def record_commit(actor: Actor, commit: Commit, files: str) -> bool:
    """Write a commit that has come, with its files (`store_changes`) and its event. Return whether it is new."""

    def attempt(_: int) -> None:
        place = _enter_agent(commit)
        write(create(commit, _Known), put(_files_row(commit, files)), *place.operations)

    record(
        commit,
        EventType.COMMIT_PUSHED,
        actor,
        commit_sha=commit.sha,
        message=commit.subject[:500],
        author=commit.author,
        branch=commit.branch,
        repo=commit.repo,
        files_changed=int(commit.file_count),
        insertions=int(commit.insertions),
        deletions=int(commit.deletions),
    )
    try:
        retrying(attempt, times=_TRIES)
    except _Known:
        return False
    return True


def link_commit(
    actor: Actor, item: ItemHead, commit: Commit, agent_id: str | None = None, last: LastBlock | None = None
) -> CommitLink:
    """Link a commit to a card of its workspace. A link that is there already is returned. One transaction, and before it the last block
    of the card's list, unless it is being read (`last`).

    Without an agent yet, the commit gets this one; a live agent's name is read first.

    Raises NotFound for a card that is gone, Forbidden, Conflict (archived project).
    """
    first = last or LastBlock(links_of(item.id))
    authorize(item, actor, Permission.CARD_EDIT)
    agent_name = live_agent_name(agent_id or commit.agent_id)

    def attempt(number: int) -> CommitLink:
        block = (LastBlock(links_of(item.id)) if number else first).result()
        current = (fetch(Commit, commit.id) or commit) if number else commit
        link = _new_link(actor, item, current, agent_id, agent_name)
        place = enter(links_of(item.id), block, "commit")
        link.counted_in = place.start
        write(
            create(link, _LinkedBefore),
            *place.operations,
            *_note_on(current, item, agent_id),
            require_writable(item.board_id),
            check(ItemHead(*ItemHead.key(item.id)), ItemHead.deleted_at.does_not_exist(), NotFound(ItemHead.NAME)),
        )
        return link

    try:
        return retrying(attempt, times=_TRIES)
    except _LinkedBefore:
        link = fetch(CommitLink, link_id(str(item.ws_id), commit.sha, item.id))
        if link is None:
            raise NotFound(Commit.NAME) from None
        return link


def _new_link(actor: Actor, item: ItemHead, commit: Commit, agent_id: str | None, agent_name: str | None) -> CommitLink:
    link = CommitLink.new(
        link_id(str(item.ws_id), commit.sha, item.id),
        org_id=item.org_id,
        ws_id=item.ws_id,
        proj_id=item.proj_id,
        item_id=item.id,
        sha=commit.sha,
        agent_id=agent_id or commit.agent_id,
        created_by=actor.summary,
    )
    record(
        link,
        EventType.COMMIT_LINKED,
        actor,
        item_id=item.id,
        item_title=item.title,
        commit_sha=commit.sha,
        message=commit.subject[:500],
        repo=commit.repo,
        url=commit.url,
        files_changed=int(commit.file_count),
        insertions=int(commit.insertions),
        deletions=int(commit.deletions),
        agent_id=link.agent_id,
        agent_name=agent_name,
        names_author=True if agent_id and not commit.agent_id else None,
    )
    return link


def _note_on(commit: Commit, item: ItemHead, agent_id: str | None) -> list[Operation]:
    """Return what writes on the commit that it has a card, and an agent, if it had none."""
    if commit.card_id and (commit.agent_id or not agent_id):
        return []
    commit.card_id = commit.card_id or item.id
    if commit.agent_id or not agent_id:
        return [save(commit)]
    commit.agent_id = agent_id
    return [*_enter_agent(commit).operations, save(commit)]


def _enter_agent(commit: Commit) -> Place:
    """Give a commit its place in the list of its agent, if it has one."""
    if not commit.agent_id:
        return Place(None, [])
    counted = commits_by(str(commit.ws_id), commit.agent_id)
    place = enter(counted, LastBlock(counted).result(), "commit")
    commit.counted_in = place.start
    return place


def _files_row(commit: Commit, files: str) -> CommitFiles:
    pk, sk = CommitFiles.key_of(str(commit.ws_id), commit.sha)
    return CommitFiles(pk=pk, sk=sk, files=files)
