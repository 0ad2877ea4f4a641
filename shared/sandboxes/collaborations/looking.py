"""Look what has happened since the last step of a collaboration: answers, failures, members that are lost, the end of its time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from shared.core import clock
from shared.core.money import usd_text
from shared.people.tenancy.rows import Organization, Workspace
from shared.sandboxes.collaborations.machine import Answered, Ended, Event, Failed, Lost
from shared.sandboxes.collaborations.rows import CANCELLED, FAILED, CollaborationHead
from shared.sandboxes.collaborations.state import OPEN, WRITE, Ask, State, from_json
from shared.sandboxes.collaborations.wording import problem_of, read_answer, text_of_answer
from shared.sandboxes.completions.rows import Spent
from shared.sandboxes.lifecycle.rows import ERROR, STOPPED, STOPPING, Sandbox
from shared.sandboxes.messages import rows as messages
from shared.sandboxes.messages.rows import Message, MessageHead
from shared.store import fetch_all, get_many

_LOST: Final = {ERROR: "It is in error", STOPPING: "It was stopped", STOPPED: "It was stopped"}
"""Statuses in which a sandbox answers nobody. One that sleeps is woken by its message, one that starts gets it later."""


@dataclass(frozen=True)
class View:
    """A collaboration and all that its next step depends on."""

    row: CollaborationHead
    state: State
    sandboxes: Mapping[str, Sandbox]
    """The members that exist."""
    heads: Mapping[int, MessageHead]
    """The messages of open asks that were sent, by number."""
    costs: Mapping[int, int]
    """What open asks have cost so far, in micro-dollars, by number."""
    ended: Ended | None
    """Why the workspace does not let it go on."""


def look(row: CollaborationHead) -> View:
    """Read what the next step depends on. One round trip."""
    state = from_json(row.state)
    asks = [ask for ask in state.asks if ask.status == OPEN]
    keys: list[Any] = [(Workspace, *Workspace.key(str(row.ws_id))), (Organization, *Organization.key(str(row.org_id)))]
    keys += [(Sandbox, *Sandbox.key(one)) for one in dict.fromkeys(one.sandbox_id for one in state.members)]
    keys += [(MessageHead, *MessageHead.key(row.message_id(ask.number))) for ask in asks]
    keys += [(Spent, *Spent.key(state.members[ask.member].sandbox_id, row.message_id(ask.number))) for ask in asks]
    workspace, organization, *rows = get_many(keys)
    sandboxes = {one.id: one for one in rows if isinstance(one, Sandbox) and not one.deleted_at and one.ws_id == row.ws_id}
    heads, spent = rows[len(rows) - 2 * len(asks) : len(rows) - len(asks)], rows[len(rows) - len(asks) :]
    return View(
        row,
        state,
        sandboxes,
        {ask.number: head for ask, head in zip(asks, heads, strict=True) if isinstance(head, MessageHead)},
        {ask.number: int(one.cost_micros) for ask, one in zip(asks, spent, strict=True) if isinstance(one, Spent)},
        _closed(workspace, organization),
    )


def _closed(workspace: Any, organization: Any) -> Ended | None:
    if not isinstance(workspace, Workspace) or workspace.deleted_at:
        return Ended(CANCELLED, "The workspace was deleted")
    if isinstance(organization, Organization) and organization.status != "active":
        return Ended(FAILED, f"The organization is {organization.status}")
    return None


def events_of(view: View) -> Iterator[Event]:
    """Yield what has happened. An answer that is there counts, also of a member that was lost since, or at the end of the time. One
    round trip if there are answers."""
    state = view.state
    if view.ended is not None:
        yield view.ended
        return
    answered = {number: str(head.response_id) for number, head in view.heads.items() if head.response_id}
    responses = {one.id: one for one in fetch_all(Message, answered.values())} if answered else {}
    for number, response_id in answered.items():
        yield _answered(state, state.asks[number], responses[response_id].content, view.costs.get(number, 0))
    for number, head in view.heads.items():
        if number not in answered and head.status in (messages.FAILED, messages.TIMEOUT):
            yield Failed(number, str(head.reason), view.costs.get(number, 0))
    for sandbox_id in dict.fromkeys(one.sandbox_id for one in state.members):
        sandbox = view.sandboxes.get(sandbox_id)
        if sandbox is None:
            yield Lost(sandbox_id, "It was deleted", True, view.costs)
        elif sandbox.status in _LOST:
            yield Lost(sandbox_id, _LOST[sandbox.status], False, view.costs)
    limit = view.row.max_cost_micros
    if limit is not None and state.cost + sum(view.costs.values()) >= limit:
        yield Ended(FAILED, f"The cost limit of {usd_text(int(limit))} USD was reached")
    if view.row.deadline_at <= clock.iso():
        yield Ended(FAILED, f"It was not finished within {int(view.row.timeout_seconds)} seconds")


def _answered(state: State, ask: Ask, content: Any, cost: int) -> Event:
    if problem := problem_of(content):
        return Failed(ask.number, problem, cost)
    if ask.kind == WRITE and not text_of_answer(content).strip():
        return Failed(ask.number, "It has answered without a text", cost)
    return Answered(ask.number, read_answer(content, state), cost)


def answers_of(row: CollaborationHead, numbers: list[int]) -> dict[int, Message]:
    """Return the answers to asks, by number. Two round trips."""
    heads = {one.id: one for one in fetch_all(MessageHead, [row.message_id(number) for number in numbers])}
    ids = {number: heads[row.message_id(number)].response_id for number in numbers if row.message_id(number) in heads}
    found = {one.id: one for one in fetch_all(Message, [one for one in ids.values() if one])}
    return {number: found[one] for number, one in ids.items() if one in found}
