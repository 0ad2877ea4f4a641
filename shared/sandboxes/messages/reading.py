"""Read messages: one with its answer, and those that a sandbox has sent and received."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from shared.core.actor import Actor, Permission
from shared.core.errors import NotFound
from shared.sandboxes.lifecycle.rows import Sandbox
from shared.sandboxes.messages.rows import Message, received_by, sent_by
from shared.sandboxes.messages.sending import SANDBOX, own_sandbox
from shared.store import count, fetch, fetch_all, get_many, id_of, index_rows_before, load, read_ahead

SENT, RECEIVED, BOTH = "sent", "received", "both"
COUNTED: Final = 10_000
"""Messages of a direction that are counted: past it the total says "so many at least"."""
_LAST: Final = "~"


@dataclass(frozen=True)
class Answered:
    message: Message
    response: Message | None


@dataclass(frozen=True)
class MessageQuery:
    """`since` and `before` are places in the list: a time, or a time and an id as `Page.next` has them."""

    direction: str = BOTH
    limit: int = 50
    since: str | None = None
    before: str | None = None


@dataclass(frozen=True)
class Page:
    """Messages, newest first; how many match, up to COUNTED of a direction; and where the next page begins, None at the end."""

    messages: list[Message]
    total: int
    next: str | None


def get_message(actor: Actor, message_id: str) -> Answered:
    """Return a message and its answer. One round trip, two if it has one. Raises NotFound and Forbidden; to a sandbox every message
    that it has neither sent nor gets is unknown."""
    message = load(Message, message_id, actor, Permission.WORKSPACE_READ)
    if actor.kind == SANDBOX and actor.id not in (message.from_sandbox, message.to_sandbox):
        raise NotFound(Message.NAME)
    return Answered(message, fetch(Message, message.response_id) if message.response_id else None)


def list_messages(actor: Actor, sandbox_id: str, query: MessageQuery) -> Page:
    """Return messages of a sandbox, newest first. Two round trips. Raises NotFound and Forbidden."""
    bare = id_of(Sandbox, sandbox_id)
    places = [(1, sent_by(bare))] if query.direction != RECEIVED else []
    places += [(2, received_by(bare))] if query.direction != SENT else []
    reads = [
        read_ahead(partial(index_rows_before, index, partition, query.limit, query.before, since=query.since))
        for index, partition in places
    ]
    counts = [read_ahead(_counting(index, partition, query)) for index, partition in places]
    own_sandbox(get_many([(Sandbox, *Sandbox.key(bare))])[0], actor, Permission.WORKSPACE_READ)
    rows = sorted((row for read in reads for row in read.result()), key=lambda row: row.sort, reverse=True)
    shown = rows[: query.limit]
    messages = fetch_all(Message, [row.id for row in shown], to_show=True)
    return Page(messages, sum(one.result() for one in counts), shown[-1].sort if len(rows) > query.limit else None)


def _counting(index: int, partition: str, query: MessageQuery) -> Callable[[], int]:
    return lambda: count(Message, partition, index=index, between=(query.since or "0", _LAST), at_most=COUNTED)
