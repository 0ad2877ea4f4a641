"""Move a collaboration on: look what has happened, write the next state with its event, and send what that state asks.

The row is the outbox. What it asks is sent after it was written, under ids that follow from it, so any number of workers may do any part
again. Every write is a condition on the row's version.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final

from shared.core import clock
from shared.core.actor import SYSTEM, Actor
from shared.core.errors import CadreError, Invalid
from shared.events import EventType, record
from shared.sandboxes.collaborations.delivering import write_deliverables
from shared.sandboxes.collaborations.looking import View, answers_of, events_of, look
from shared.sandboxes.collaborations.machine import Ended, Event, Failed, Started, Written, decide, is_aggregating, progress_of
from shared.sandboxes.collaborations.rows import ACTIVE, FAILED, Collaboration, CollaborationCount, CollaborationHead
from shared.sandboxes.collaborations.state import OPEN, PLAN, SUMMARISE, Ask, Member, State, from_json, to_json, words
from shared.sandboxes.collaborations.wording import text_of_answer, text_of_ask
from shared.sandboxes.lifecycle.identity import actor_of
from shared.sandboxes.lifecycle.rows import Sandbox
from shared.sandboxes.messages.rows import REQUEST, MessageHead
from shared.sandboxes.messages.sending import NewMessage, send_message
from shared.sandboxes.messages.settling import fail
from shared.store import Operation, fetch, fetch_all, is_stale, iterate_shards, process_all, retrying, save, update, write

_ROUNDS: Final = 5
"""Steps of one call: what cannot be sent is a failure, which may ask somebody else."""
_SHARE: Final = 3
"""A member has a third of the collaboration's time for an answer, so that there is time for another one to take its place; our choice."""
_SHORTEST: Final = 10  # seconds for an answer
_MAX_WORDS: Final = 60  # that tell what a member can do


def advance(collaboration_id: str) -> None:
    """Move a collaboration on as far as it goes now; withdraw what one that has ended still asks."""
    problems: tuple[Event, ...] = ()
    for _ in range(_ROUNDS):
        row, view = retrying(partial(_step, collaboration_id, problems), times=10)
        if row is None:
            return
        if row.has_ended:
            _withdraw(row)
            return
        problems = tuple(_send_all(row, view or look(row)))
        if not problems and view is not None:
            return


def _step(collaboration_id: str, problems: tuple[Event, ...], _: int) -> tuple[Collaboration | None, View | None]:
    """Write the next state if there is one. Return the row, and what was seen if nothing has changed.

    Raises Conflict(VERSION_CONFLICT) if another worker was faster.
    """
    row = fetch(Collaboration, collaboration_id)
    if row is None or row.has_ended:
        return row, None
    view = look(row)
    state = _next(view, problems)
    if is_aggregating(state):
        state = _aggregate(row, state)
    if state == view.state:
        return row, view
    write(*change_state(row, state, SYSTEM))
    return row, None


def _next(view: View, problems: tuple[Event, ...]) -> State:
    state = view.state if view.state.has_started else decide(_introduced(view), Started())
    for event in (*problems, *events_of(view)):
        if isinstance(event, Ended) and is_aggregating(state) and view.ended is None:
            continue  # all is answered: only the documents are to be written
        state = decide(state, event)
    return state


def _introduced(view: View) -> State:
    """Return the first state with what each member can do, and the orchestrator, if it is an agent of one of them."""
    members = tuple(_introduce(one, view.sandboxes.get(one.sandbox_id)) for one in view.state.members)
    state = replace(view.state, members=members)
    named = view.row.orchestrator
    if named is None or named.get("sandbox_id"):
        return state
    for number, one in enumerate(members[: state.participants]):
        agents = [agent["name"] for agent in view.sandboxes[one.sandbox_id].agents()] if one.sandbox_id in view.sandboxes else []
        found = next((name for name in agents if name.casefold() == named["name"].casefold()), None)
        if found is not None:
            view.row.orchestrator = named | {"sandbox_id": one.sandbox_id, "agent": found}
            return replace(state, orchestrator=number)
    return state


def _introduce(member: Member, sandbox: Sandbox | None) -> Member:
    if sandbox is None:
        return member
    told = [sandbox.name]
    for agent in sandbox.agents():
        told += [agent["name"], agent.get("role") or "", *(agent.get("capabilities") or ())]
    known = dict.fromkeys(word for text in told for word in sorted(words(text)))
    return replace(member, words=tuple(known)[:_MAX_WORDS])


def _aggregate(row: Collaboration, state: State) -> State:
    try:
        row.project_id, row.documents = write_deliverables(row, state)
    except CadreError as error:
        if is_stale(error):
            raise
        return decide(state, Ended(FAILED, f"The documents cannot be written: {error.message}"))
    return decide(state, Written())


def change_state(row: CollaborationHead, state: State, actor: Actor) -> list[Operation]:
    """Return the operations that write the next state of a collaboration with its event, under the condition that nobody was faster."""
    before = row.status
    row.state, row.status, row.cost_micros, row.reason = to_json(state), state.status, state.cost, state.reason or None
    progress = progress_of(state)
    about: dict[str, Any] = {"percentage": progress.percentage, "current_step": progress.current_step, "reason": row.reason}
    about |= {"completed_steps": list(progress.completed), "remaining_steps": list(progress.remaining)}
    changes = {"status": [before, row.status]} if row.status != before else {}
    if not row.has_ended:
        record(row, EventType.COLLABORATION_PROGRESSED, actor, changes=changes, **about)
        return [save(row)]
    row.completed_at = clock.iso()
    about["documents"] = [one["document_id"] for one in row.documents]
    record(row, EventType.COLLABORATION_ENDED, actor, changes=changes, **about)
    return [save(row), update(CollaborationCount.of(str(row.ws_id)), [CollaborationCount.active.add(-1)])]


def _send_all(row: Collaboration, view: View) -> list[Event]:
    """Send what is asked and was not sent yet. Return what could not be sent."""
    missing = [ask for ask in view.state.asks if ask.status == OPEN and ask.number not in view.heads]
    if not missing:
        return []
    material = sorted({number for ask in missing for number in ask.material})
    texts = {number: text_of_answer(one.content) for number, one in answers_of(row, material).items()} if material else {}
    sent = (_send(row, view, ask, texts) for ask in missing)
    return [problem for problem in sent if problem is not None]


def _send(row: Collaboration, view: View, ask: Ask, texts: Mapping[int, str]) -> Event | None:
    """Send what a member is asked, as the member that has the word. Return why it cannot be sent."""
    state = view.state
    sender = view.sandboxes.get(state.members[ask.sender].sandbox_id)
    if sender is None:
        return Failed(ask.number, f"{state.members[ask.sender].name}, who should ask, was deleted")
    seconds = _seconds(row)
    new = NewMessage(
        state.members[ask.member].sandbox_id,
        REQUEST,
        {"text": text_of_ask(state, ask, row.task, texts)},
        to_agent=(row.orchestrator or {}).get("agent") if ask.kind in (PLAN, SUMMARISE) else None,
        timeout_seconds=seconds,
        ttl_seconds=seconds,
        message_id=row.message_id(ask.number),
        collaboration_id=row.id,
    )
    try:
        send_message(actor_of(sender), sender.id, new)
    except CadreError as error:
        if is_stale(error):
            raise
        return Failed(ask.number, error.fields[0].message if isinstance(error, Invalid) and error.fields else error.message)
    return None


def _seconds(row: CollaborationHead) -> int:
    """Return how long an answer may take, and not longer than the collaboration itself."""
    left = clock.seconds_between(clock.iso(), row.deadline_at)
    return max(1, min(int(left), max(_SHORTEST, int(row.timeout_seconds) // _SHARE)))


def _withdraw(row: CollaborationHead) -> None:
    """Take back what one that has ended has asked and nobody has got yet."""
    asks = [ask for ask in from_json(row.state).asks if ask.status == OPEN]
    for head in fetch_all(MessageHead, [row.message_id(ask.number) for ask in asks]):
        if head.is_waiting or head.approval == "pending":
            fail(head, f"The collaboration has ended: {row.reason or row.status}")


def advance_all(until: float) -> int:
    """Move on every collaboration that has not ended, where a wake was lost or the time is over. Return how many there were. Stops at
    `until` (`time.monotonic`)."""
    rows = iterate_shards(CollaborationHead, ACTIVE, until, index=4, limit=100)
    return process_all(ACTIVE.name, rows, _advance_row, lambda row: f"collaboration {row.entity_id}")


def _advance_row(row: CollaborationHead) -> int:
    advance(row.entity_id)
    return 1
