"""aintandem's collaborations as its answers show them."""

from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field

from shared.core import clock
from shared.core.money import usd
from shared.edge.contracts.aintandem import public_id
from shared.edge.contracts.base import Shape
from shared.edge.views.aintandem.failures import COLLABORATION_FAILED, Failure, failure
from shared.sandboxes.collaborations.machine import progress_of
from shared.sandboxes.collaborations.reading import Seen
from shared.sandboxes.collaborations.rows import FAILED, CollaborationHead
from shared.sandboxes.collaborations.state import ANSWERED, State, from_json
from shared.sandboxes.messages.rows import Message

MAX_BYTES: Final = 1_000_000
"""Bytes of the contents of all messages of an answer; a content that has no room is null, and read with `GET /messages/{message_id}`."""


class Progress(Shape):
    """`failed_steps` is an addition."""

    percentage: int
    current_step: str | None
    completed_steps: list[str]
    remaining_steps: list[str]
    failed_steps: list[str]


class Participant(Shape):
    """`status`: active, finished or lost. `name` and `reason`, why it was lost, are additions."""

    sandbox_id: str
    name: str
    status: str
    messages_exchanged: int
    reason: str | None


class ExchangedMessage(Shape):
    """`message_id`, `message_type` and `timestamp` are additions. `content` null with `content_omitted`: it has no room here."""

    model_config = ConfigDict(serialize_by_alias=True)

    sender: Annotated[str, Field(alias="from")]
    to: str
    content: Any
    message_id: str
    message_type: str
    timestamp: str
    content_omitted: bool = False


class Author(Shape):
    sandbox_id: str
    name: str
    agent_name: str | None


class Deliverable(Shape):
    """A deliverable that was asked for; `document_id` null: it is not written."""

    name: str
    document_id: str | None
    authors: list[Author]
    cost_usd: float


class Dissent(Shape):
    sandbox_id: str
    voted_for: str
    reason: str


class Consensus(Shape):
    """What a swarm has decided: whose answer won, the votes of each, who voted otherwise, who for none."""

    sandbox_id: str
    message_id: str
    decided_by: str
    tally: dict[str, int]
    dissent: list[Dissent]
    abstained: list[str]


class CollaborationSummary(Shape):
    """An addition to the document, as the list of collaborations is."""

    collaboration_id: str
    collaboration_mode: str
    status: str
    progress: Progress
    participants: list[str]
    cost_usd: float
    reason: str | None
    started_at: str
    completed_at: str | None


class CollaborationDetails(Shape):
    """Additions to the document: all fields behind `estimated_completion`."""

    collaboration_id: str
    status: str
    progress: Progress
    participants: list[Participant]
    messages: list[ExchangedMessage]
    started_at: str
    estimated_completion: str | None
    task: str
    collaboration_mode: str
    orchestrator: str | None
    orchestrated_by: str | None
    deliverables: list[Deliverable]
    project_id: str | None
    consensus: Consensus | None
    cost_usd: float
    reason: str | None
    error: Failure | None
    completed_at: str | None


def sandbox(bare: str) -> str:
    return public_id("sandbox", bare)


def summary(row: CollaborationHead) -> CollaborationSummary:
    state = from_json(row.state)
    return CollaborationSummary(
        collaboration_id=public_id("collaboration", row.id),
        collaboration_mode=row.mode,
        status=row.status,
        progress=_progress(state),
        participants=[sandbox(one.sandbox_id) for one in state.members[: state.participants]],
        cost_usd=usd(int(row.cost_micros)),
        reason=row.reason,
        started_at=row.created_at,
        completed_at=row.completed_at,
    )


def details(seen: Seen) -> CollaborationDetails:
    row, state = seen.row, seen.state
    orchestrator = state.members[state.orchestrator].sandbox_id if state.orchestrator is not None else None
    return CollaborationDetails(
        collaboration_id=public_id("collaboration", row.id),
        status=row.status,
        progress=_progress(state),
        participants=[_participant(state, number) for number in range(state.participants)],
        messages=_messages(seen.messages),
        started_at=row.created_at,
        estimated_completion=None if row.has_ended else estimated_completion(row, state),
        task=row.task,
        collaboration_mode=row.mode,
        orchestrator=row.orchestrator["name"] if row.orchestrator else None,
        orchestrated_by=sandbox(orchestrator) if orchestrator else "platform" if row.mode == "orchestrated" else None,
        deliverables=_deliverables(row, state),
        project_id=row.project_id,
        consensus=_consensus(row, state),
        cost_usd=usd(int(row.cost_micros)),
        reason=row.reason,
        error=Failure.model_validate(failure(COLLABORATION_FAILED, row.reason)) if row.status == FAILED else None,
        completed_at=row.completed_at,
    )


def estimated_completion(row: CollaborationHead, state: State) -> str:
    """Return when it will be done if it goes on as fast as before, and never later than its time-out."""
    done = progress_of(state).percentage
    if not done:
        return row.deadline_at
    passed = clock.seconds_between(row.created_at, clock.iso())
    return min(row.deadline_at, clock.in_seconds(passed * (100 - done) // done))


def _progress(state: State) -> Progress:
    shown = progress_of(state)
    return Progress(
        percentage=shown.percentage,
        current_step=shown.current_step,
        completed_steps=list(shown.completed),
        remaining_steps=list(shown.remaining),
        failed_steps=list(shown.failed),
    )


def _participant(state: State, number: int) -> Participant:
    one = state.members[number]
    exchanged = sum((1 + (ask.status == ANSWERED)) for ask in state.asks if number in (ask.member, ask.sender))
    return Participant(
        sandbox_id=sandbox(one.sandbox_id),
        name=one.name,
        status="lost" if one.lost else "finished" if state.has_ended else "active",
        messages_exchanged=exchanged,
        reason=one.lost or None,
    )


def _messages(messages: Any) -> list[ExchangedMessage]:
    """Return messages with their contents, of the newest as many as there is room for."""
    room, shown = MAX_BYTES, []
    for one in reversed(messages):
        content, size = _content(one)
        room -= size
        shown.append(
            ExchangedMessage(
                **{"from": sandbox(one.from_sandbox)},
                to=sandbox(one.to_sandbox),
                content=content if room >= 0 else None,
                message_id=public_id("message", one.id),
                message_type=one.message_type,
                timestamp=one.created_at,
                content_omitted=room < 0,
            )
        )
    return shown[::-1]


def _content(message: Message) -> tuple[Any, int]:
    """Return a content, of one that is nothing but a text the text itself, and its size in bytes."""
    content = message.content
    if isinstance(content, dict) and set(content) == {"text"}:
        content = content["text"]
    return content, len(str(content).encode(errors="replace"))


def _deliverables(row: CollaborationHead, state: State) -> list[Deliverable]:
    written = {one["name"]: one for one in row.documents}
    return [_deliverable(name, written.get(name), state) for name in state.deliverables]


def _deliverable(name: str, written: dict[str, Any] | None, state: State) -> Deliverable:
    authors = written["authors"] if written else []
    return Deliverable(
        name=name,
        document_id=written["document_id"] if written else None,
        authors=[Author(sandbox_id=sandbox(one["sandbox_id"]), name=one["name"], agent_name=one["agent"]) for one in authors],
        cost_usd=usd(sum(ask.cost for ask in state.of_step(name))),
    )


def _consensus(row: CollaborationHead, state: State) -> Consensus | None:
    outcome = state.outcome
    if outcome is None:
        return None
    return Consensus(
        sandbox_id=sandbox(outcome["sandbox_id"]),
        message_id=public_id("message", row.message_id(outcome["ask"])),
        decided_by=outcome["decided_by"],
        tally={sandbox(one): votes for one, votes in outcome["tally"].items()},
        dissent=[
            Dissent(sandbox_id=sandbox(one["sandbox_id"]), voted_for=sandbox(one["for"]), reason=one["reason"])
            for one in outcome["dissent"]
        ],
        abstained=[sandbox(one) for one in outcome["abstained"]],
    )
