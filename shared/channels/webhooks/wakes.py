"""Wake the worker for a webhook: it delivers what waits there.

`webhook-delivery` is a FIFO queue with the webhook as its message group, so that one call works for a webhook at a time: that keeps the
order, and a receiver that hangs takes one place of the worker and no more. A FIFO queue has no delays; a wake that waits goes through
`webhook-retry`, for at most a quarter of an hour, and the scheduled job sends the later ones.

    {org, webhook, at_once?, later?}
"""

from collections.abc import Sequence

from shared.channels.webhooks.rows import DUE, State
from shared.core import clock, queues
from shared.core.ids import new_id
from shared.store import iterate_shards, process_all

LONGEST_DELAY = 900  # seconds: SQS's own limit


def wake(org_id: str, webhook_id: str, *, at_once: bool = False) -> None:
    """Wake the worker. `at_once`: what waits for its next attempt is tried now, because its owner has done something about it."""
    body = {"org": org_id, "webhook": webhook_id} | ({"at_once": True} if at_once else {})
    queues.send("webhook_delivery_queue", body, MessageGroupId=webhook_id, MessageDeduplicationId=new_id())


def wake_all(org_id: str, webhook_ids: Sequence[str]) -> None:
    """Wake the worker for several webhooks; one request for ten."""
    attributes = [{"MessageGroupId": one, "MessageDeduplicationId": new_id()} for one in webhook_ids]
    bodies = [{"org": org_id, "webhook": one} for one in webhook_ids]
    queues.send_all("webhook_delivery_queue", list(zip(bodies, attributes, strict=True)))


def wake_later(org_id: str, webhook_id: str, seconds: int, *, at_once: bool = False) -> None:
    """Wake the worker in so many seconds; the scheduled job does if they are more than SQS can wait. Only what is now is `at_once`."""
    if seconds <= 0:
        wake(org_id, webhook_id, at_once=at_once)
    elif seconds <= LONGEST_DELAY:
        body = {"org": org_id, "webhook": webhook_id, "later": True}
        queues.send("webhook_retry_queue", body, DelaySeconds=seconds)


def wake_due(until: float) -> int:
    """Wake the worker for every webhook that is due. Return how many there were. Stops at `until` (`time.monotonic`)."""
    due = ("0", f"{clock.epoch():010d}~")
    rows = iterate_shards(State, DUE, until, index=1, between=due, limit=100)
    return process_all(DUE.name, rows, _wake, lambda row: f"webhook {row.webhook_id}")


def _wake(state: State) -> int:
    wake(state.org_id, state.webhook_id)
    return 1
