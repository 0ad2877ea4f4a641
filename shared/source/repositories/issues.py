"""Issues and cards, kept in step both ways: title, text, and whether it is done.

Each side's change is told to the other once. What a side was told comes back as an event of its own; it agrees with the fingerprints of the
link then, and goes no further.
"""

import hashlib
import logging
import re
from collections.abc import Mapping
from typing import Any, Final

from shared.core.actor import Actor
from shared.core.errors import ConditionFailed, Conflict, Invalid, NotFound, TransitionRefused
from shared.core.ids import derived_id, is_id
from shared.core.settings import settings
from shared.events import EventType, record
from shared.source.repositories.rows import Intent, IssueLink, Repository, issue_reference
from shared.source.repositories.work import Work, login_of
from shared.store import Ephemeral, create, delete, fetch, get, is_stale, update, update_with_retry, write
from shared.work.items.creating import NewItem, create_item
from shared.work.items.rows import Item, ItemHead
from shared.work.items.updating import update_item

log = logging.getLogger(__name__)
FIELDS: Final = ("title", "body", "state")
_FIRST_PHASE: Final = "PHASE_BACKLOG"  # nobody here has looked at it yet, and this phase has no limit
_MARK: Final = re.compile(r"<!-- cadre:ticket-([0-9a-f-]{36}) -->\s*\Z")
_LINK: Final = re.compile(r"---\s*Ticket: \S+\Z")  # anybody writes issues: neither begins with what may be repeated
_MAX_TEXT: Final = 30_000  # bytes of a description that comes from GitHub: a card has 40,000 as JSON


class _Known(ConditionFailed):
    """The issue has its card already."""


def footer_of(card_id: str) -> str:
    """Return the end of the text of an issue that was made of a card: a link for people, and a mark by which we know it again."""
    base = (settings().app_url or settings().public_url).rstrip("/")
    return f"\n\n---\nTicket: {base}/cards/{card_id}\n<!-- cadre:ticket-{card_id} -->"


def content_of(issue: Mapping[str, Any]) -> dict[str, str]:
    """Return what an issue and its card have in common, as GitHub has it."""
    return {"title": str(issue.get("title") or ""), "body": _split_footer(issue)[0], "state": str(issue.get("state") or "open")}


def _split_footer(issue: Mapping[str, Any]) -> tuple[str, str | None]:
    """Return the text of an issue without the end that we have given it, and the id in its mark; None: it has none."""
    body = str(issue.get("body") or "").replace("\r\n", "\n")
    mark = _MARK.search(body)
    if mark is None:
        return body, None
    return _LINK.sub("", body[: mark.start()].rstrip()).rstrip(), mark[1]


def content_of_card(card: Item) -> dict[str, str]:
    """Return the same as the card has it."""
    return {"title": card.title, "body": card.description or "", "state": "closed" if card.status == "done" else "open"}


def fingerprints(content: Mapping[str, str]) -> dict[str, str]:
    return {name: hashlib.sha256(content[name].strip().encode()).hexdigest()[:16] for name in FIELDS}


def link_issue(actor: Actor, repository: Repository, issue: Mapping[str, Any], card: Item) -> IssueLink:
    """Link an issue to a card, with the event that it was created. Return the link, also one that is there already. One transaction."""
    reference = issue_reference(repository.reference_name, int(issue["number"]))
    link: IssueLink = IssueLink.of(
        repository,
        reference,
        number=int(issue["number"]),
        item_id=card.id,
        title=str(issue.get("title") or "")[:500],
        url=str(issue.get("html_url") or ""),
        seen=fingerprints(content_of(issue)),
        sent=fingerprints(content_of_card(card)),
        changed_at=str(issue.get("updated_at") or ""),
    )
    said: dict[str, Any] = {"number": int(issue["number"]), "repo": repository.full_name, "title": link.title, "url": link.url}
    record(link, EventType.ISSUE_CREATED, actor, item_id=card.id, **said)
    pk, sk = Item.key(card.id)
    named = update(ItemHead(pk=pk, sk=sk), [ItemHead.issue.set(reference), ItemHead.version.add(1)], ItemHead.pk.exists(), _Known)
    ended: Ephemeral = Intent(*Intent.key_of(card.id))
    try:
        write(create(link, _Known), named, delete(ended))
    except _Known:
        found = get(IssueLink, *IssueLink.key_in(repository.id, reference))
        if found is None:
            raise NotFound(Item.NAME) from None
        return found
    return link


def work_off_issue(work: Work, payload: Mapping[str, Any]) -> None:
    """Make the card of an issue, or bring it up to date with the issue. Issues from before the connection stay without a card. A
    repetition, and what is older than what is known, changes nothing."""
    issue, repository = payload["issue"], work.repository
    if "pull_request" in issue or payload.get("action") not in ("opened", "edited", "closed", "reopened"):
        return
    actor = work.actor(login_of(payload))
    reference = issue_reference(repository.reference_name, int(issue["number"]))
    link = get(IssueLink, *IssueLink.key_in(repository.id, reference))
    if link is None:
        card = _made_here(repository, issue)
        if card is None and str(issue.get("created_at") or "") >= str(repository.connected_at)[:19]:
            card = _create_card_if_allowed(actor, repository, issue, reference)
        if card is None:
            return
        link = link_issue(actor, repository, issue, card)
    _bring_up_to_date(actor, link, issue)


def _made_here(repository: Repository, issue: Mapping[str, Any]) -> Item | None:
    """Return the card of which somebody is making this issue here, by its mark. Anybody can write one: there must be such an intent."""
    named = _split_footer(issue)[1]
    if named is None or not is_id(named) or get(Intent, *Intent.key_of(named)) is None:
        return None
    card = fetch(Item, named)
    return card if card is not None and card.proj_id == repository.proj_id and not card.deleted_at else None


def _create_card_if_allowed(actor: Actor, repository: Repository, issue: Mapping[str, Any], reference: str) -> Item | None:
    """Make the card of an issue; None if the board has rules that no issue keeps (a field that every card must have)."""
    try:
        return _create_card(actor, repository, issue, reference)
    except (Invalid, TransitionRefused) as error:
        log.warning("an issue gets no card", extra={"repository": repository.id, "issue": reference, "reason": error.message})
        return None


def _create_card(actor: Actor, repository: Repository, issue: Mapping[str, Any], reference: str) -> Item:
    content = content_of(issue)
    labels = [str(one.get("name") or "")[:50] for one in issue.get("labels") or [] if isinstance(one, dict)]
    new = NewItem(
        title=content["title"][:500] or reference,
        type="bug" if "bug" in (label.lower() for label in labels) else "task",
        description=_cut(content["body"]),
        phase_id=_FIRST_PHASE,
        labels=[label for label in labels if label][:20],
        external_links=[{"id": derived_id("link", reference), "title": reference, "url": issue["html_url"], "type": "github"}],
    )
    return create_item(actor, repository.board_id, new, item_id=derived_id("github-issue", repository.id, reference), force=True)


def _cut(text: str) -> str:
    return text.encode()[:_MAX_TEXT].decode(errors="ignore")


def _bring_up_to_date(actor: Actor, link: IssueLink, issue: Mapping[str, Any]) -> None:
    """Change on the card what has changed in the issue."""
    changed_at, content = str(issue.get("updated_at") or ""), content_of(issue)
    now = fingerprints(content)
    if changed_at < str(link.changed_at) or now == link.seen:
        return
    changes: dict[str, Any] = {}
    if now["title"] != link.seen.get("title"):
        changes["title"] = content["title"][:500]
    if now["body"] != link.seen.get("body"):
        changes["description"] = _cut(content["body"])
    if now["state"] != link.seen.get("state"):
        changes["status"] = "done" if content["state"] == "closed" else "open"
    card = _apply(actor, str(link.item_id), changes)
    if card is None:
        return

    def change(row: IssueLink) -> None:
        row.seen, row.changed_at = now, changed_at
        row.title = content["title"][:500]
        row.sent = fingerprints(content_of_card(card))

    update_with_retry(lambda: get(IssueLink, str(link.pk), str(link.sk)) or link, change)


def _apply(actor: Actor, card_id: str, changes: Mapping[str, Any]) -> Item | None:
    """Change a card; what a rule of its board refuses (an open dependency) stays as it is. Return the card, None if it is gone."""
    try:
        return update_item(actor, card_id, changes)
    except NotFound:
        return None
    except (Conflict, Invalid) as error:
        if is_stale(error):
            raise
        log.info("a card does not follow its issue", extra={"card": card_id, "reason": error.message})
    others = {name: value for name, value in changes.items() if name != "status"}
    card = fetch(Item, card_id)
    if card is None or card.archived_at or not others or "status" not in changes:
        return card
    return update_item(actor, card_id, others)


def work_off_card(work: Work, card_id: str) -> None:
    """Bring the issue of a card up to date with the card. Raises what asking GitHub raises."""
    card = fetch(Item, card_id)
    if card is None or card.deleted_at or not card.issue:
        return
    link = get(IssueLink, *IssueLink.key_in(work.repository.id, card.issue))
    if link is None:  # of a repository that the project had before
        return
    content = content_of_card(card)
    now = fingerprints(content)
    changed = [name for name in FIELDS if now[name] != link.sent.get(name)]
    if not changed:
        return
    sent = {name: content[name] for name in changed if now[name] != link.seen.get(name)}
    answer: Mapping[str, Any] = {}
    if sent:
        body = sent | ({"body": sent["body"] + footer_of(card.id)} if "body" in sent else {})
        names = work.repository.names | {"number": str(int(link.number or 0))}
        answer = work.github.send("PATCH", "/repos/{owner}/{repo}/issues/{number}", names, body)

    def change(row: IssueLink) -> None:
        row.sent = now
        row.seen = row.seen | {name: now[name] for name in sent}
        row.changed_at = max(str(row.changed_at), str(answer.get("updated_at") or ""))

    update_with_retry(lambda: get(IssueLink, str(link.pk), str(link.sk)) or link, change)
