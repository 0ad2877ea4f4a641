"""Linking a commit to a card by hand: one that nobody has pushed since the repository was connected is fetched from GitHub."""

from typing import Any

from shared.core.actor import Actor, Permission
from shared.core.errors import CadreError, NotFound
from shared.core.situations import Situation
from shared.source.commits.agents import find_agent
from shared.source.commits.linking import link_commit
from shared.source.commits.reading import get_commit
from shared.source.commits.rows import SHA, Commit, CommitLink, commit_id, links_of
from shared.source.repositories.connecting import github_of
from shared.source.repositories.github import Missing, Refused
from shared.source.repositories.pushes import fetch_commit, save_commit
from shared.source.repositories.rows import Repository, repository_id_of
from shared.store import LastBlock, authorize, fetch, get_many, id_of
from shared.work.items.rows import ItemHead


class NoRepository(CadreError):
    """A commit is not known here, and the project has no repository at GitHub where it could be."""

    def __init__(self) -> None:
        super().__init__(
            Situation.NOT_FOUND,
            "This commit was never pushed here, and the project has no connected repository from which it could be fetched; connect one",
        )


def link_by_hand(actor: Actor, item_id: str, sha: str, agent: str | None) -> CommitLink:
    """Link a commit, by its sha or the beginning of it, to a card. A link that is there already is returned. Two round trips; one more for
    an agent and for a commit in a workspace that this process does not know of, and a request to GitHub for one that never came.

    Raises NotFound (card, commit, agent), NoRepository, Forbidden, Conflict (archived), Invalid, and what asking GitHub raises.
    """
    sha = sha.lower()
    bare = id_of(ItemHead, item_id)
    likely = sorted(actor.likely_workspaces)
    last = LastBlock(links_of(bare))
    keys: list[Any] = [(ItemHead, *ItemHead.key(bare)), *((Commit, *Commit.key(commit_id(ws_id, sha))) for ws_id in likely)]
    item, *rows = get_many(keys)
    if not isinstance(item, ItemHead) or item.deleted_at:
        raise NotFound(ItemHead.NAME)
    authorize(item, actor, Permission.CARD_EDIT)
    ws_id = str(item.ws_id)
    commit = next((row for row in rows if isinstance(row, Commit) and row.ws_id == ws_id), None)
    if commit is None and ws_id not in likely:
        commit = fetch(Commit, commit_id(ws_id, sha))
    if commit is None:
        commit = (None if SHA.fullmatch(sha) else _shortened(actor, sha, ws_id)) or _fetched(actor, item, sha)
    agent_id = find_agent(agent, ws_id)
    if agent and agent_id is None:
        raise NotFound("agent")
    return link_commit(actor, item, commit, agent_id, last)


def _shortened(actor: Actor, beginning: str, ws_id: str) -> Commit | None:
    """Return the commit of the workspace whose sha begins so; None if none has come. Raises Invalid if there are several."""
    try:
        commit = get_commit(actor, beginning).commit
    except NotFound:
        return None
    return commit if commit.ws_id == ws_id else None


def _fetched(actor: Actor, item: ItemHead, sha: str) -> Commit:
    """Fetch a commit that is not known here from the repository of the card's project. Raises NotFound if GitHub has none, and NoRepository
    if there is nobody to ask."""
    repository = fetch(Repository, repository_id_of(str(item.proj_id)))
    if repository is None or repository.deleted_at:
        raise NoRepository
    try:
        commit, files = fetch_commit(github_of(repository), repository, sha)
    except (Missing, Refused):  # 422 is GitHub's answer for a sha of nothing
        raise NotFound(Commit.NAME) from None
    save_commit(actor, commit, files)
    return fetch(Commit, commit.id) or commit
