"""Write how long a card was in the phase that it has left."""

from shared.events.change import Change
from shared.work.items.rows import ItemHead
from shared.work.phases.stints import end_stint


def react(change: Change) -> None:
    if change.kind != ItemHead.KIND:
        return
    before, after = change.before(ItemHead), change.after(ItemHead)
    if before is not None and before.phase_id != after.phase_id:
        event = change.event
        end_stint(before, after, event.id, event.at, event.actor, event.data.get("reason"))
