"""Threads and their messages: begin, send, read, close."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import Conflict, FieldError, Invalid, LimitExceeded, NotFound
from shared.core.ids import bare_id, new_id
from shared.core.situations import Situation
from shared.events import EventType, record
from shared.runs.threads.agents import agent_id_of, participants, require_in
from shared.runs.threads.rows import (
    ABANDONED,
    ENDED_WELL,
    HANDOFF,
    MAX_MESSAGES,
    Message,
    Thread,
    ThreadPart,
    messages_of,
    threads_about,
    threads_of,
    threads_with,
)
from shared.store import (
    IndexRow,
    Operation,
    ReadFuture,
    authorize,
    create,
    fetch_all,
    get_many,
    id_of,
    index_rows,
    load,
    page_of,
    read_ahead,
    retrying,
    save,
    update,
    update_with_retry,
    write,
)
from shared.work.items.rows import ItemHead
from shared.work.projects.creating import default_workspace_id
from shared.work.projects.reading import in_workspaces
from shared.work.tasks.rows import TaskHead

_LISTED: Final = 5_000  # threads of a workspace, a card or an agent of which a page can be asked for, the newest


class ThreadClosed(Conflict):
    def __init__(self, thread: Thread) -> None:
        super().__init__(Situation.THREAD_STATUS, f"This thread is {thread.status}", {"status": thread.status})


@dataclass(frozen=True)
class NewThread:
    type: str
    participants: Sequence[str]
    ticket_id: str | None = None
    task_id: str | None = None
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class NewMessage:
    from_agent_id: str
    type: str
    content: str
    to_agent_id: str | None = None
    details: dict[str, Any] = field(default_factory=dict)


def create_thread(actor: Actor, new: NewThread) -> Thread:
    """Begin a thread in the workspace of its ticket or task, else in the one of its live agents, else in the actor's own.

    Raises NotFound, Forbidden, Invalid (no such agent, or the task is not of the ticket). Two round trips and a transaction.
    """
    who = read_ahead(lambda: participants(new.participants, "participants"))
    card, task = _subjects(actor, new.ticket_id, new.task_id)
    found = who.result()
    holder = card or task
    live = next((one.live for one in found if one.live is not None), None)
    org_id: str | None
    proj_id: str | None
    if holder is not None:
        ws_id, org_id, proj_id = str(holder.ws_id), holder.org_id, holder.proj_id
    elif live is not None and live.ws_id in actor.workspaces:
        ws_id, org_id, proj_id = str(live.ws_id), live.org_id, None
        actor.require(Permission.CARD_EDIT, ws_id)
    else:
        ws_id, org_id, proj_id = default_workspace_id(actor, actor.org_id, Permission.CARD_EDIT), actor.org_id, None
    require_in(ws_id, found, "participants")
    thread = Thread.new(
        new_id(),
        org_id=org_id,
        ws_id=ws_id,
        proj_id=proj_id,
        type=new.type,
        participants=[one.id for one in found],
        item_id=card.id if card else task.item_id if task else None,
        task_id=task.id if task else None,
        details=new.details,
        created_by=actor.summary,
    )
    write(*beginning(actor, thread))
    return thread


def beginning(actor: Actor, thread: Thread) -> list[Operation]:
    """Return the operations that write a new thread, with its event."""
    record(
        thread,
        EventType.THREAD_CREATED,
        actor,
        type=thread.type,
        card_id=thread.item_id,
        task_id=thread.task_id,
        participants=thread.participants,
    )
    return [create(thread), *(create(ThreadPart.of(thread, one)) for one in thread.participants)]


def _subjects(actor: Actor, ticket_id: str | None, task_id: str | None) -> tuple[ItemHead | None, TaskHead | None]:
    """Return the ticket and the task that are named. One round trip. Raises NotFound, Forbidden, Invalid."""
    keys: list[Any] = []
    if ticket_id is not None:
        keys.append((ItemHead, *ItemHead.key(id_of(ItemHead, ticket_id))))
    if task_id is not None:
        keys.append((TaskHead, *TaskHead.key(id_of(TaskHead, task_id))))
    rows: list[Any] = get_many(keys) if keys else []
    for model, row in zip((one[0] for one in keys), rows, strict=True):
        if row is None or row.deleted_at:
            raise NotFound(model.NAME)
        authorize(row, actor, Permission.CARD_EDIT)
    card = rows[0] if ticket_id is not None else None
    task = rows[-1] if task_id is not None else None
    if card is not None and task is not None and task.item_id != card.id:
        raise Invalid(FieldError("task_id", "This task is of another ticket", task_id))
    return card, task


def list_threads(
    actor: Actor,
    *,
    agent_id: str | None = None,
    item_id: str | None = None,
    status: str | None = None,
    limit: int,
    offset: int = 0,
) -> tuple[list[Thread], int]:
    """Return a page of the threads of a card, of an agent, or of all the actor's workspaces, newest first, and how many there are.

    Two round trips. Raises NotFound, Forbidden (of the card).
    """
    agent = agent_id_of(agent_id) if agent_id is not None else None
    if item_id is not None:
        found = read_ahead(lambda: _newest(2, threads_about(bare_id(item_id))))
        load(ItemHead, item_id, actor, Permission.CARD_READ)
        rows = [row for row in found.result() if agent is None or agent in row.f["participants"]]
    else:
        reads = in_workspaces(actor, _begin(agent), Permission.CARD_READ)
        rows = sorted((row for read in reads for row in read.result()), key=lambda row: row.sort, reverse=True)
    page, total = page_of((row for row in rows if status in (None, row.f["status"])), offset, limit)
    return fetch_all(Thread, [row.sort.rpartition("#")[2] for row in page], to_show=True), total


def _begin(agent_id: str | None) -> Callable[[str], ReadFuture[list[IndexRow]]]:
    def begin(ws_id: str) -> ReadFuture[list[IndexRow]]:
        index, partition = (1, threads_of(ws_id)) if agent_id is None else (3, threads_with(ws_id, agent_id))
        return read_ahead(lambda: _newest(index, partition))

    return begin


def _newest(index: int, partition: str) -> list[IndexRow]:
    return list(islice(index_rows(index, partition, newest_first=True), _LISTED))


def close_thread(actor: Actor, thread_id: str) -> Thread:
    """Close a thread: nothing more is said in it. A handoff that nobody has answered is withdrawn by it.

    Raises NotFound, Forbidden, Conflict(THREAD_STATUS) if it was closed before. One read and one transaction.
    """

    def change(thread: Thread) -> list[Operation]:
        require_active(thread)
        return closing(actor, thread, ABANDONED if thread.type == HANDOFF else ENDED_WELL)

    return update_with_retry(lambda: load(Thread, thread_id, actor, Permission.CARD_EDIT), change)


def require_active(thread: Thread) -> None:
    if not thread.is_active:
        raise ThreadClosed(thread)


def closing(actor: Actor, thread: Thread, status: str, outcome: str | None = None, by: str | None = None) -> list[Operation]:
    """Close a thread in place, with its event. Return what is written with it."""
    before, thread.status, thread.closed_at = thread.status, status, clock.iso()
    record(
        thread,
        EventType.THREAD_CLOSED,
        actor,
        changes={"status": [before, status]},
        type=thread.type,
        card_id=thread.item_id,
        task_id=thread.task_id,
        outcome=outcome,
        agent_id=by,
    )
    parts = (ThreadPart(pk=f"THR#{thread.id}", sk=f"PART#{one}") for one in thread.participants)
    return [update(part, [ThreadPart.status.set(status)]) for part in parts]


def send_message(actor: Actor, thread_id: str, new: NewMessage) -> Message:
    """Say something in a thread, to one participant or to all. One read and one transaction.

    Raises NotFound, Forbidden, Conflict(THREAD_STATUS), LimitExceeded, Invalid for who takes no part in it.
    """
    message_id = new_id()

    def attempt(_: int) -> Message:
        thread = load(Thread, thread_id, actor, Permission.CARD_EDIT)
        require_active(thread)
        for name, value in (("from_agent_id", new.from_agent_id), ("to_agent_id", new.to_agent_id)):
            if value is not None and agent_id_of(value) not in thread.participants:
                raise Invalid(FieldError(name, f"{value} takes no part in this thread", value))
        message = say(actor, thread, message_id, new)
        write(save(thread), create(message))
        return message

    return retrying(attempt)


def say(actor: Actor, thread: Thread, message_id: str, new: NewMessage) -> Message:
    """Return a new message of a thread, which counts it. Both must be written together. Raises LimitExceeded."""
    if thread.message_count >= MAX_MESSAGES:
        raise LimitExceeded(
            Situation.LIMIT_REACHED, f"A thread has at most {MAX_MESSAGES:,} messages; begin another one", {"limit": MAX_MESSAGES}
        )
    thread.message_count += 1
    message = Message.new(
        message_id,
        org_id=thread.org_id,
        ws_id=thread.ws_id,
        proj_id=thread.proj_id,
        thread_id=thread.id,
        number=int(thread.message_count),
        from_agent_id=agent_id_of(new.from_agent_id),
        to_agent_id=agent_id_of(new.to_agent_id) if new.to_agent_id else None,
        message_type=new.type,
        content=new.content,
        details=new.details,
        item_id=thread.item_id,
    )
    record(
        message,
        EventType.MESSAGE_SENT,
        actor,
        thread_id=thread.id,
        from_agent_id=message.from_agent_id,
        to_agent_id=message.to_agent_id,
        message_type=message.message_type,
    )
    return message


def list_messages(
    actor: Actor, thread_id: str, *, reader_id: str | None = None, unread_only: bool = False, limit: int, offset: int = 0
) -> tuple[list[Message], int]:
    """Return a page of the messages of a thread, in their order, and their total number.

    With `unread_only`, only messages that the reader has not read. The reader is `reader_id`; without it, the recipient of each message,
    or the actor for a message to all. Two round trips. Raises NotFound, Forbidden.
    """
    reader = agent_id_of(reader_id) if reader_id is not None else None
    found = read_ahead(lambda: list(islice(index_rows(1, messages_of(bare_id(thread_id)), "MSG#"), MAX_MESSAGES)))
    load(Thread, thread_id, actor, Permission.CARD_READ)
    rows = (row for row in found.result() if not unread_only or _is_unread(row, reader, actor.id))
    page, total = page_of(rows, offset, limit)
    return fetch_all(Message, [row.id for row in page], to_show=True), total


def _is_unread(row: IndexRow, reader_id: str | None, caller_id: str) -> bool:
    f = row.f
    if reader_id is not None and (f["from"] == reader_id or f["to"] not in (None, reader_id)):
        return False
    return (reader_id or f["to"] or caller_id) not in f["read_by"]


def read_message(actor: Actor, message_id: str, reader_id: str | None = None) -> Message:
    """Note that a message was read.

    The reader is the agent `reader_id`; without it, the recipient, or the actor for a message to all. The time of the first reading
    stays. One read and one write; one read more for an agent that is named. Raises NotFound, Forbidden, Invalid for an agent that takes
    no part in the thread.
    """
    reader = agent_id_of(reader_id) if reader_id is not None else None

    def change(message: Message) -> None:
        if reader is not None:
            _require_part(message.thread_id, reader)
        who = message.reader(reader, actor.id)
        if who not in message.read_by:
            message.read_by = message.read_by | {who: clock.iso()}

    return update_with_retry(lambda: load(Message, message_id, actor, Permission.CARD_EDIT), change)


def _require_part(thread_id: str, agent_id: str) -> None:
    thread = get_many([(Thread, *Thread.key(thread_id))])[0]
    if not isinstance(thread, Thread) or agent_id not in thread.participants:
        raise Invalid(FieldError("agent_id", f"{agent_id} takes no part in this thread", agent_id))
