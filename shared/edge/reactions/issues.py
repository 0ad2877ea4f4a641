"""Tell GitHub of a card that is kept in step with an issue: its title, its text, whether it is done.

What happened at GitHub is not told to it; of what else was not changed by a person, the worker finds by the link that both sides agree.
"""

from shared.events.change import Change
from shared.source.repositories.messages import send
from shared.source.repositories.rows import repository_id_of
from shared.source.repositories.work import ACTOR
from shared.work.items.rows import ItemHead

_FIELDS = frozenset({"title", "description", "status"})


def react(change: Change) -> None:
    if change.kind != ItemHead.KIND or change.event.actor["id"] == ACTOR or not _FIELDS & change.event.changes.keys():
        return
    card = change.after(ItemHead)
    if card.issue and not card.deleted_at:
        send({"repository": repository_id_of(str(card.proj_id)), "card": card.id}, once=change.event.id)
