"""Issues of a repository as GitHub lists them, and making one of a card."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import ConditionFailed, Conflict, NotFound
from shared.core.ids import bare_id
from shared.core.situations import Situation
from shared.source.repositories.connecting import github_of
from shared.source.repositories.github import Denied, Github, Missing, Moved, Refused, TokenRefused, TooManyRequests
from shared.source.repositories.issues import footer_of, link_issue
from shared.source.repositories.rows import Intent, IssueLink, Repository, issue_reference
from shared.store import Operation, authorize, check, create, delete, get, get_many, id_of, put, retrying, stale, write
from shared.work.boards.counting import require_writable
from shared.work.items.rows import Item, ItemHead
from shared.work.items.rules import refuse_archived

_UNDER_WAY: Final = 60  # seconds after which nobody is making the issue any more: a request has 29
_KEPT: Final = 86_400
_REFUSALS: Final = (Denied, Missing, Moved, Refused, TokenRefused, TooManyRequests)
"""Answers after which surely no issue was made."""


class _UnderWay(ConditionFailed):
    """Somebody makes an issue of this card, or began to."""


@dataclass(frozen=True)
class ListedIssue:
    number: int
    title: str
    state: str
    url: str
    card_id: str | None


def list_issues(actor: Actor, repository_id: str, *, state: str, page: int, limit: int) -> list[ListedIssue]:
    """Return a page of the issues of a repository, newest first, as GitHub has them now, with the cards that they are linked to.

    Two round trips and a request to GitHub. What GitHub counts among issues and is a pull request is left out, so a page may have fewer.
    Raises NotFound, Forbidden, TokenRefused, Upstream (with the seconds to wait if GitHub allows no more requests).
    """
    repository = _load(actor, repository_id, Permission.PROJECT_READ)
    path = "/repos/{owner}/{repo}/issues{?state,per_page,page}"
    names = repository.names | {"state": state, "per_page": str(limit), "page": str(page)}
    found = [one for one in github_of(repository).get(path, names).data if "pull_request" not in one]
    keys: list[Any] = [(IssueLink, *_key(repository, int(one["number"]))) for one in found]
    rows: list[Any] = get_many(keys) if keys else []
    links = {int(row.number): row.item_id for row in rows if row is not None}
    return [_listed(one, links.get(int(one["number"]))) for one in found]


def _listed(issue: Mapping[str, Any], card_id: str | None) -> ListedIssue:
    return ListedIssue(int(issue["number"]), str(issue["title"]), str(issue["state"]), str(issue["html_url"]), card_id)


def _key(repository: Repository, number: int) -> tuple[str, str]:
    return IssueLink.key_in(repository.id, issue_reference(repository.reference_name, number))


def _load(actor: Actor, repository_id: str, permission: Permission) -> Repository:
    rows: list[Any] = get_many([(Repository, *Repository.key(id_of(Repository, repository_id)))])
    return _authorized(rows[0], actor, permission)


def _authorized(repository: Repository | None, actor: Actor, permission: Permission) -> Repository:
    if repository is None or repository.deleted_at:
        raise NotFound(Repository.NAME)
    return authorize(repository, actor, permission)


def open_issue(actor: Actor, repository_id: str, card_id: str, title: str, body: str) -> IssueLink:
    """Make an issue of a card at GitHub and link the two; a card that has one keeps it. Three round trips.

    Raises NotFound (repository; card: it must be of the same project), Forbidden, Conflict (archived; an issue is just being made),
    Refused, TokenRefused, Upstream.
    """
    return retrying(lambda _: _open(actor, repository_id, card_id, title, body))


def _open(actor: Actor, repository_id: str, card_id: str, title: str, body: str) -> IssueLink:
    repository, card = _read(actor, repository_id, card_id)
    if card.issue and (link := get(IssueLink, *IssueLink.key_in(repository.id, card.issue))) is not None:
        return link
    intent = _begin(actor, card)
    github = github_of(repository)
    issue = None if intent is None else _begun_before(github, repository, card)
    if issue is None:
        issue = _create(github, repository, card, title, body)
    return link_issue(actor, repository, issue, card)


def _read(actor: Actor, repository_id: str, card_id: str) -> tuple[Repository, Item]:
    keys: list[Any] = [(Repository, *Repository.key(id_of(Repository, repository_id))), (Item, *Item.key(bare_id(card_id)))]
    rows: list[Any] = get_many(keys)
    repository = _authorized(rows[0], actor, Permission.CARD_EDIT)
    card: Item | None = rows[1]
    if card is None or card.deleted_at or card.proj_id != repository.proj_id:
        raise NotFound(Item.NAME)
    refuse_archived(card)
    return repository, card


def _begin(actor: Actor, card: Item) -> Intent | None:
    """Write that an issue is being made. Return the intent of an attempt before, of which nobody knows how it ended; None: this is the
    first one. Raises Conflict while somebody else is at it, and a version conflict if somebody was done since the card was read."""
    pk, sk = Intent.key_of(card.id)
    now = clock.epoch()
    intent = Intent(pk=pk, sk=sk, at=now, by=actor.summary, ttl=now + _KEPT)
    with suppress(_UnderWay):
        write(create(intent, _UnderWay), _has_issue_as_read(card), require_writable(card.board_id))
        return None
    try:
        write(put(intent, Intent.at < now - _UNDER_WAY, _UnderWay), _has_issue_as_read(card))
    except _UnderWay:
        raise Conflict(Situation.VERSION_CONFLICT, "An issue is just being made of this; look again in a minute") from None
    return intent


def _has_issue_as_read(card: Item) -> Operation:
    """Return the condition that nobody has linked the card to an issue since it was read."""
    unchanged = ItemHead.issue == card.issue if card.issue else ItemHead.issue.does_not_exist()
    return check(ItemHead(*ItemHead.key(card.id)), unchanged, stale)


def _begun_before(github: Github, repository: Repository, card: Item) -> Mapping[str, Any] | None:
    """Return the issue that an attempt before has made, if GitHub had made it when its answer was lost."""
    path = "/repos/{owner}/{repo}/issues?state=all&sort=created&direction=desc&per_page=100"
    mark = footer_of(card.id).rpartition("\n")[2]
    for issue in github.get(path, repository.names).data:
        if mark in str(issue.get("body") or ""):
            found: Mapping[str, Any] = issue
            return found
    return None


def _create(github: Github, repository: Repository, card: Item, title: str, body: str) -> Mapping[str, Any]:
    try:
        made: Mapping[str, Any] = github.send(
            "POST", "/repos/{owner}/{repo}/issues", repository.names, {"title": title, "body": body + footer_of(card.id)}
        )
    except _REFUSALS:
        write(delete(Intent(*Intent.key_of(card.id))))
        raise
    return made
