"""Send a message from one sandbox to another: the policy of the workspace is asked first, and the message gets its place in the line."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import Conflict, FieldError, Forbidden, Invalid, NotFound
from shared.core.ids import bare_id, is_id, new_id
from shared.core.limits import RateRule
from shared.core.situations import Situation
from shared.core.texts import write_json
from shared.events import EventType, record
from shared.people.access.records import count_anonymous
from shared.people.tenancy.rows import Workspace
from shared.sandboxes.configuration.policy import ALLOW_LIST, Decision, decide, policy_of
from shared.sandboxes.lifecycle.rows import ERROR, Sandbox, name_guard
from shared.sandboxes.messages.line import enter_line
from shared.sandboxes.messages.rows import (
    BLOCKED,
    COMMAND,
    FAILED,
    FIRST_LOOK,
    PENDING,
    REQUEST,
    RESPONSE,
    Message,
    MessageHead,
    Pair,
)
from shared.sandboxes.messages.wakes import wake_at_once
from shared.store import Guard, authorize, create, get_many, id_of, retrying, stale, write

TTL: Final = 86_400
"""Seconds that a message waits for its recipient unless it says otherwise; our choice."""
SANDBOX: Final = "sandbox"
"""The kind of actor that a sandbox is, who calls with its own token."""
OF_SANDBOX: Final = RateRule("ai-message", 1_000, 3_600)
"""Messages of one sandbox in an hour beside its responses: the document's number for everybody who sends."""
LONG_BYTES: Final = 16_000
LONG: Final = RateRule("ai-long-message", 200, 3_600)
"""Messages of more than LONG_BYTES that one sender, a person or a sandbox, has in an hour: a thousand of 200 KB cost 0.25 USD to write. Our
choice."""
MAX_DEPTH: Final = 20
"""Messages of a chain, each of which follows from the one before; our choice."""


@dataclass(frozen=True)
class NewMessage:
    """`to` is the id or the name of a sandbox; no `requires_response`: requests do."""

    to: str
    message_type: str
    content: Any
    to_agent: str | None = None
    from_agent: str | None = None
    priority: int = 5
    requires_response: bool | None = None
    timeout_seconds: int = 30
    ttl_seconds: int = TTL
    message_id: str | None = None
    """The id that the sender has made for it, under which it is sent once."""
    in_reply_to: str | None = None
    """The message that a response answers, or that another message follows from."""
    broadcast_id: str | None = None
    collaboration_id: str | None = None
    depth: int = 0
    """How many messages it follows from, one from the other."""


@dataclass(frozen=True)
class _Ends:
    """`sent` is the message if it was sent before, `cause` the one that it follows from."""

    sender: Sandbox
    recipient: Sandbox | None
    sent: MessageHead | None
    cause: MessageHead | None


def count_message(actor: Actor, new: NewMessage) -> None:
    """Count a message that a sandbox itself sends (those of others are counted with their requests; responses are as many as it was sent
    messages), and a long one of whomever. Raises RateLimited."""
    if actor.kind == SANDBOX and new.message_type != RESPONSE:
        count_anonymous(f"message#{actor.id}", [OF_SANDBOX])
    if len(write_json(new.content).encode()) > LONG_BYTES:
        count_anonymous(f"long-message#{actor.id}", [LONG])


def send_message(actor: Actor, sandbox_id: str, new: NewMessage) -> MessageHead:
    """Send a message that is no response. Three round trips, four to a name.

    Raises NotFound, Forbidden (also for what the policy blocks, which is kept with its event), Invalid, Conflict(SANDBOX_STATUS) for a
    recipient in error, LimitExceeded if too many wait.
    """
    ends = _read_ends(actor, sandbox_id, new)
    sender, recipient = ends.sender, ends.recipient
    if ends.sent is not None:
        return _sent_before(ends.sent, sender)
    new = replace(new, depth=_depth_after(ends.cause, sender, new))
    if recipient is not None:
        workspace, pair = get_many([_workspace_key(sender), _pair_key(sender, recipient)])
    else:
        guard_key = (Guard, name_guard(str(sender.ws_id), new.to).pk, "META")
        workspace, guard = get_many([_workspace_key(sender), guard_key])
        named = str(guard.ref) if isinstance(guard, Guard) else sender.id
        found, pair = get_many([(Sandbox, *Sandbox.key(named)), (Pair, f"PAIR#{sender.id}", named)])
        recipient = found if isinstance(guard, Guard) and isinstance(found, Sandbox) else None
    if not isinstance(workspace, Workspace):
        raise NotFound(Sandbox.NAME)
    if recipient is None or recipient.deleted_at or recipient.ws_id != sender.ws_id:
        raise Invalid(FieldError("to_sandbox", "There is no sandbox with this id or name in the workspace", new.to))
    _check_recipient(sender, recipient)
    decision = ask_policy(workspace, sender, recipient, new.message_type, actor)
    draft = draft_message(actor, sender, recipient, new)
    if not decision.allowed:
        raise _block(draft(), decision, actor)
    if decision.approval:
        return write_pending(draft(), actor)
    sent = post(draft, actor, pair if isinstance(pair, Pair) else None)
    wake_at_once(sent)
    return sent


def _read_ends(actor: Actor, sandbox_id: str, new: NewMessage) -> _Ends:
    """Read the sender, the recipient if it is named by its id, and the messages that are named. One round trip."""
    to = bare_id(new.to)
    keys: dict[str, Any] = {"sender": (Sandbox, *Sandbox.key(id_of(Sandbox, sandbox_id)))}
    if is_id(to):
        keys["recipient"] = (Sandbox, *Sandbox.key(to))
    for name, message_id in (("sent", new.message_id), ("cause", new.in_reply_to)):
        if message_id:
            keys[name] = (MessageHead, *MessageHead.key(_message_id(message_id, name)))
    rows = dict(zip(keys, get_many(list(keys.values())), strict=True))
    sender = own_sandbox(rows["sender"], actor)
    if new.message_type == COMMAND and actor.kind != SANDBOX:
        actor.require(Permission.AGENT_CONFIGURE, sender.ws_id, sender.org_id)
    recipient, sent, cause = rows.get("recipient"), rows.get("sent"), rows.get("cause")
    if is_id(to) and (not isinstance(recipient, Sandbox) or actor.role_in(recipient.ws_id, recipient.org_id) is None):
        raise Invalid(FieldError("to_sandbox", "There is no sandbox with this id or name in the workspace", new.to))
    return _Ends(
        sender,
        recipient if isinstance(recipient, Sandbox) else None,
        sent if isinstance(sent, MessageHead) else None,
        cause if isinstance(cause, MessageHead) else None,
    )


def _message_id(given: str, name: str) -> str:
    bare = bare_id(given)
    if not is_id(bare):
        raise Invalid(FieldError("message_id" if name == "sent" else "in_reply_to", "This is no id", given))
    return bare


def _depth_after(cause: MessageHead | None, sender: Sandbox, new: NewMessage) -> int:
    """Return how deep in a chain of messages the new one is. Raises Invalid for one that the sender does not know, Conflict at the end of
    a chain: two agents that ask each other would not stop by themselves."""
    if new.in_reply_to is None:
        return new.depth
    if cause is None or sender.id not in (cause.from_sandbox, cause.to_sandbox):
        raise Invalid(FieldError("in_reply_to", "This sandbox has neither sent nor received such a message", new.in_reply_to))
    if int(cause.depth) >= MAX_DEPTH:
        reason = f"A message follows from at most {MAX_DEPTH} others, one from the other"
        raise Conflict(Situation.MESSAGE_STATUS, reason, {"limit": MAX_DEPTH})
    return int(cause.depth) + 1


def own_sandbox(row: Any, actor: Actor, permission: Permission = Permission.AGENT_RUN) -> Sandbox:
    """Return a sandbox for which the actor may act: a person of its workspace, or itself. Raises NotFound and Forbidden."""
    if not isinstance(row, Sandbox) or row.deleted_at or (actor.kind == SANDBOX and actor.id != row.id):
        raise NotFound(Sandbox.NAME)
    return authorize(row, actor, permission)


def _sent_before(sent: MessageHead, sender: Sandbox) -> MessageHead:
    """Return the message that was sent under this id before. Raises Conflict if it is another sender's, Forbidden if it was blocked."""
    if sent.from_sandbox != sender.id:
        raise Conflict(Situation.MESSAGE_STATUS, "This message_id was used before")
    if sent.approval == BLOCKED:
        raise Forbidden(str(sent.reason))
    return sent


def _check_recipient(sender: Sandbox, recipient: Sandbox) -> None:
    if recipient.id == sender.id:
        raise Invalid(FieldError("to_sandbox", "A sandbox does not send messages to itself"))
    if recipient.status == ERROR:
        reason = "The recipient is in error and gets no messages until it is started again"
        raise Conflict(Situation.SANDBOX_STATUS, reason, {"status": recipient.status})


def ask_policy(workspace: Workspace, sender: Sandbox, recipient: Sandbox, message_type: str, actor: Actor) -> Decision:
    """Return what the policy says. A sandbox itself may send a command only if a rule of an allow list names commands."""
    policy = policy_of(workspace.settings)
    decision = decide(policy, sender.name, recipient.name, message_type)
    if message_type == COMMAND and actor.kind == SANDBOX and decision.allowed:
        named = decision.rule is not None and COMMAND in policy.rules[decision.rule - 1].message_types
        return replace(decision, allowed=named and policy.mode == ALLOW_LIST)
    return decision


def draft_message(
    actor: Actor, sender: Sandbox, recipient: Sandbox, new: NewMessage, *, strict: bool = True
) -> Callable[[], Message]:
    """Return what makes the message, anew for each try to write it. Raises Invalid for an agent that a sandbox does not have."""
    needs_answer = new.message_type == REQUEST if new.requires_response is None else new.requires_response
    fields = {
        "org_id": sender.org_id,
        "ws_id": sender.ws_id,
        "from_sandbox": sender.id,
        "from_name": sender.name,
        "from_agent": agent_of(sender, new.from_agent, "from_agent", strict=strict),
        "to_sandbox": recipient.id,
        "to_agent": agent_of(recipient, new.to_agent, "to_agent", strict=strict),
        "depth": new.depth,
        "message_type": new.message_type,
        "content": new.content,
        "priority": new.priority,
        "requires_response": needs_answer,
        "timeout_seconds": new.timeout_seconds,
        "ttl_seconds": new.ttl_seconds,
        "in_reply_to": new.in_reply_to,
        "broadcast_id": new.broadcast_id,
        "collaboration_id": new.collaboration_id,
        "sent_by": actor.summary,
    }
    message_id = _message_id(new.message_id, "sent") if new.message_id else new_id()

    def make() -> Message:
        message = Message.new(message_id, expires_at=clock.in_seconds(new.ttl_seconds), **fields)
        message.wait(FIRST_LOOK)
        return message

    return make


def agent_of(sandbox: Sandbox, name: str | None, field: str, *, strict: bool = True) -> str:
    """Return the name of an agent of a sandbox, the primary one's if none is named. Raises Invalid for one that it does not have; if not
    `strict` (it may have had it when this began) that is the primary one's too."""
    agents = [str(one["name"]) for one in sandbox.agents()]
    found = agents[0] if name is None else next((one for one in agents if one.casefold() == name.casefold()), None)
    if found is None and not strict:
        return agents[0]
    if found is None:
        raise Invalid(FieldError(field, f"{sandbox.name} has no such agent; it has {', '.join(agents)}", name))
    return found


def post(draft: Callable[[], Message], actor: Actor, pair: Pair | None, *beside: Any) -> MessageHead:
    """Write a message with its place in the line; one that exists already under its id is returned as it is.

    `beside` makes what belongs into the same transaction. Raises Conflict if the id is another sender's, LimitExceeded.
    """

    def attempt(number: int) -> MessageHead:
        message = draft()
        if number and isinstance(sent := get_many([(MessageHead, *MessageHead.key(message.id))])[0], MessageHead):
            if sent.from_sandbox != message.from_sandbox:
                raise Conflict(Situation.MESSAGE_STATUS, "This message_id was used before")
            return sent
        place = enter_line(message, pair, number)
        record_sent(message, actor)
        write(create(message, stale), *place, *(one for make in beside for one in make()))
        return message

    return retrying(attempt, times=10)


def record_sent(message: MessageHead, actor: Actor, kind: EventType = EventType.SANDBOX_MESSAGE_SENT, **data: Any) -> None:
    """Record the event of a new message."""
    about: dict[str, Any] = {
        "from_sandbox": message.from_sandbox,
        "to_sandbox": message.to_sandbox,
        "message_type": message.message_type,
    }
    record(message, kind, actor, **about, **data)


def write_pending(message: Message, actor: Actor) -> MessageHead:
    message.approval, message.due_at = PENDING, message.expires_at
    record_sent(message, actor, approval=PENDING)
    write(create(message, stale))
    return message


def _block(message: Message, decision: Decision, actor: Actor) -> Forbidden:
    """Keep that a message was blocked, without its content, and return the error that says so."""
    rule = f"rule {decision.rule} of the collaboration policy" if decision.rule else "the collaboration policy"
    message.content, message.status, message.approval, message.due_at = None, FAILED, BLOCKED, None
    message.reason = f"Blocked by {rule}: {message.message_type} from {message.from_name}"
    record_sent(message, actor, EventType.SANDBOX_MESSAGE_BLOCKED, rule=decision.rule, reason=message.reason)
    write(create(message, stale))
    return Forbidden(message.reason)


def _workspace_key(sandbox: Sandbox) -> Any:
    return (Workspace, *Workspace.key(str(sandbox.ws_id)))


def _pair_key(sender: Sandbox, recipient: Sandbox) -> Any:
    return (Pair, f"PAIR#{sender.id}", recipient.id)
