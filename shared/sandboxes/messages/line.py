"""The line of a recipient: what it has not acknowledged yet, in the order in which each sender has sent it."""

from typing import Any, Final

from shared.core.errors import CadreError, LimitExceeded
from shared.core.situations import Situation
from shared.sandboxes.messages.rows import Line, MessageHead, Pair
from shared.store import Operation, create, delete, query, stale, update, update_now

MAX_WAITING: Final = 1_000
"""Messages of one sender that wait for one recipient; our choice: an hour's messages of a person (the document's rate)."""
_PAGE: Final = 50


def enter_line(message: MessageHead, pair: Pair | None, attempt: int = 0) -> list[Operation]:
    """Give a message the next number of its pair; return what puts it into the line in the transaction that writes it.

    `pair` is the row as it was read. Whoever loses a race takes a number that nobody else can have. The write raises LimitExceeded if too
    many wait.
    """
    row = Pair.of(message.from_sandbox, message.to_sandbox)
    room = Pair.waiting.does_not_exist() | (Pair.waiting < MAX_WAITING)
    if attempt:
        message.number = int(Pair.decode(update_now(row, [Pair.last.add(1)])).last)
        return [update(row, [Pair.waiting.add(1)], room, _refusal), create(Line.of(message))]
    last = int(pair.last) if pair is not None else 0
    message.number = last + 1
    unchanged = Pair.last == last if pair is not None else Pair.last.does_not_exist()
    return [update(row, [Pair.last.add(1), Pair.waiting.add(1)], unchanged & room, _refusal), create(Line.of(message))]


def leave_line(message: MessageHead) -> list[Operation]:
    """Return what takes a message out of the line, in the transaction that settles it."""
    pair = Pair.of(message.from_sandbox, message.to_sandbox)
    return [delete(Line.of(message)), update(pair, [Pair.waiting.add(-1)])]


def first_of_each(recipient: str) -> list[Line]:
    """Return the first message of each sender in the line of a recipient. One query for each fifty senders or for a sender of so many."""
    firsts: dict[str, Line] = {}
    start = "0"
    while True:
        page = query(Line, Line.partition(recipient), between=(start, "~"), limit=_PAGE, consistent=True)
        for line in page.rows:
            firsts.setdefault(line.sender, line)
        if page.next_key is None:
            return list(firsts.values())
        start = f"{page.rows[-1].sender}#~"  # what else this sender has waits behind its first


def _refusal(raw: dict[str, Any] | None) -> CadreError:
    if raw is not None and int(Pair.decode(raw).waiting) >= MAX_WAITING:
        reason = f"{MAX_WAITING:,} messages of this sandbox wait for this recipient already"
        return LimitExceeded(Situation.LIMIT_REACHED, reason, {"limit": MAX_WAITING})
    return stale()
