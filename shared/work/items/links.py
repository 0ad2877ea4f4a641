"""Links from a card to other systems: a pull request, a design, a page."""

from typing import Any, Final

from shared.core import web_addresses
from shared.core.actor import Actor, Permission
from shared.core.errors import FieldError, Invalid, LimitExceeded, NotFound
from shared.core.ids import bare_id, new_id
from shared.core.situations import Situation
from shared.events import EventType, record
from shared.store import Operation, load, update_with_retry
from shared.work.boards.counting import require_writable
from shared.work.items.rows import Item
from shared.work.items.rules import refuse_archived, refuse_oversized

MAX_LINKS: Final = 50
_TYPE_BY_HOST: Final = {  # the type of a link that is created without one
    "github.com": "github",
    "gist.github.com": "github",
    "figma.com": "design",
    "www.figma.com": "design",
    "docs.google.com": "docs",
}


def add_link(actor: Actor, item_id: str, url: str, title: str | None = None, kind: str | None = None) -> dict[str, Any]:
    """Add a link to a card and return it: {id, title, url, type}. An existing link with the same URL is returned instead.

    Raises NotFound, Forbidden, Invalid (a wrong URL; more than 10,000 bytes of links), LimitExceeded, Conflict (archived). One read, one
    transaction.
    """
    host = _parse_host(url)
    link = {"id": new_id(), "title": title or host, "url": url, "type": kind or _TYPE_BY_HOST.get(host, "other")}
    existing: list[dict[str, Any]] = []

    def change(item: Item) -> list[Operation]:
        refuse_archived(item)
        links: list[dict[str, Any]] = item.external_links
        existing[:] = [one for one in links if one.get("url") == url]
        if existing:
            return []
        if len(links) >= MAX_LINKS:
            raise LimitExceeded(Situation.LIMIT_REACHED, f"A card holds at most {MAX_LINKS} links", {"limit": MAX_LINKS})
        item.external_links = [*links, link]
        refuse_oversized(item)
        record(item, EventType.ITEM_UPDATED, actor, changes={"external_links": [None, link]}, board_id=item.board_id)
        return [require_writable(item.board_id)]

    update_with_retry(lambda: load(Item, item_id, actor, Permission.CARD_EDIT), change)
    return existing[0] if existing else link


def remove_link(actor: Actor, item_id: str, link_id: str) -> None:
    """Remove a link from a card. Raises NotFound (card, link), Forbidden, Conflict (archived)."""

    def change(item: Item) -> list[Operation]:
        refuse_archived(item)
        removed = next((one for one in item.external_links if one["id"] == bare_id(link_id)), None)
        if removed is None:
            raise NotFound("link")
        item.external_links = [one for one in item.external_links if one is not removed]
        record(item, EventType.ITEM_UPDATED, actor, changes={"external_links": [removed, None]}, board_id=item.board_id)
        return [require_writable(item.board_id)]

    update_with_retry(lambda: load(Item, item_id, actor, Permission.CARD_EDIT), change)


def _parse_host(url: str) -> str:
    """Return the host of a URL. Raises Invalid unless it is an http(s) URL that a page can safely show as a link."""
    host = web_addresses.parse_host(url)
    if host is None:
        raise Invalid(FieldError("url", web_addresses.EXPECTED, url[:200]))
    return host
