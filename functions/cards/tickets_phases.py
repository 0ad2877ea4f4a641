"""omoios: the phases of tickets: their transitions and gates, what blocks them, and what is known of them."""

from typing import Annotated, Any, Literal

from pydantic import Field

from shared.core.actor import Permission
from shared.core.errors import FieldError, Invalid
from shared.core.wording import worded
from shared.edge.contracts.base import Request, Shape
from shared.edge.contracts.omoios import OMOIOS, Id, Phase
from shared.edge.http.call import Caller
from shared.edge.http.routing import Routes
from shared.edge.views.omoios.tickets import Ticket, ticket
from shared.planning.phases import artifacts, moving
from shared.planning.phases.artifacts import NewArtifact
from shared.planning.phases.gates import Gate, get_gate
from shared.planning.phases.rows import PhaseArtifact
from shared.planning.phases.rules import a_phase
from shared.planning.tickets import blocking, context, detecting
from shared.work.items.updating import unblock_item

Word = Annotated[str, Field(min_length=1, max_length=50)]
Reason = Annotated[str, Field(max_length=2_000)]
Blocker = Literal["dependency", "waiting_on_clarification", "failing_checks", "environment"]
Object = dict[str, Any]


class TransitionRequest(Request):
    """`to_status` is a phase (PHASE_TESTING), a status of a phase (testing), or open, in_progress or done."""

    to_status: Word
    reason: Reason | None = None
    force: bool = False


class RegressRequest(Request):
    """What the query may say too: as `to_status` and `validation_feedback`."""

    to_phase: Word | None = None
    reason: Reason | None = None


class BlockRequest(Request):
    """What the query may say too."""

    blocked_reason: Reason | None = None
    blocker_type: Blocker | None = None
    suggested_remediation: Reason | None = None


class BlockedTicket(Ticket):
    remediation_task_id: str | None
    """The task that removes what blocks the ticket; null if the ticket was blocked before."""


class NoProgression(Shape):
    status: Literal["no_progression"] = "no_progression"
    reasons: list[str]


class StuckTicket(Shape):
    ticket_id: str
    should_block: bool
    blocker_type: Blocker
    time_in_state_minutes: float
    reason: str


class BlockingDetection(Shape):
    """`detected` is the number of results. With `next_cursor`, more tickets are to be looked at."""

    detected: int
    results: list[StuckTicket]
    next_cursor: str | None


class TicketContextResponse(Shape):
    """`context` is what was kept with the ticket, `full_context` all that is known of it."""

    ticket_id: str
    full_context: Object
    summary: str
    context: Object


class UpdateContextRequest(Request):
    """Kept beside the summaries of the phases; a key replaces the one that is there."""

    context: Object | None = None


class ContextUpdated(Shape):
    ticket_id: str
    status: Literal["updated"] = "updated"


class FailedArtifact(Shape):
    artifact_type: str
    reasons: list[str]


class GateStatus(Shape):
    ticket_id: str
    phase_id: str
    gate_status: Literal["passed", "failed"]
    requirements_met: bool
    required_artifacts: list[str]
    collected_artifacts: list[str]
    missing_artifacts: list[str]
    failed_artifacts: list[FailedArtifact]
    open_task_ids: list[str]
    blocking_reasons: list[str]


class ArtifactCreate(Request):
    phase_id: Phase
    artifact_type: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,50}$")]
    artifact_path: Annotated[str, Field(min_length=1, max_length=1_024)] | None = None
    artifact_content: Object | None = None
    collected_by: Annotated[str, Field(min_length=1, max_length=100)] = "api"


class ArtifactResponse(Shape):
    id: str
    artifact_type: str
    phase_id: str
    artifact_path: str | None
    artifact_content: Object | None


def _gate(gate: Gate) -> GateStatus:
    return GateStatus(
        ticket_id=gate.item.id,
        phase_id=gate.phase_id,
        gate_status="passed" if gate.passed else "failed",
        requirements_met=gate.passed,
        required_artifacts=gate.required,
        collected_artifacts=list(dict.fromkeys(one.type for one in gate.artifacts)),
        missing_artifacts=gate.missing,
        failed_artifacts=[FailedArtifact(artifact_type=name, reasons=faults) for name, faults in gate.faults.items()],
        open_task_ids=[row.id for row in gate.open_tasks],
        blocking_reasons=gate.reasons,
    )


def _artifact(row: PhaseArtifact) -> ArtifactResponse:
    return ArtifactResponse(
        id=row.id, artifact_type=row.type, phase_id=row.phase_id, artifact_path=row.path, artifact_content=row.content
    )


def publish(routes: Routes) -> None:
    """Declare the operations."""
    _publish_moves(routes)
    _publish_blocks(routes)
    _publish_gates(routes)

    @routes.get("/tickets/{ticket_id}/context", "tickets.context", permission=Permission.CARD_READ)
    async def get_context(ticket_id: str, caller: Caller) -> TicketContextResponse:
        """Get all that is known of a ticket, and in short: its phases, and the newest of its tasks, comments and artifacts."""
        found = context.get_context(caller, ticket_id)
        return TicketContextResponse(
            ticket_id=found.item.id, full_context=found.full, summary=found.summary, context=found.item.context or {}
        )

    @routes.post("/tickets/{ticket_id}/update-context", "tickets.updateContext", permission=Permission.CARD_EDIT)
    async def update_context(
        ticket_id: str, caller: Caller, phase_id: Phase | None = None, body: UpdateContextRequest | None = None
    ) -> ContextUpdated:
        """Keep the summary of a phase, by default the ticket's own, in the ticket's context, and beside it what the body says."""
        phase = a_phase(phase_id) if phase_id else None
        item = context.update_context(caller, ticket_id, phase, body.context if body else None)
        return ContextUpdated(ticket_id=item.id)


def _publish_moves(routes: Routes) -> None:
    @routes.post("/tickets/{ticket_id}/transition", "tickets.transition", permission=Permission.CARD_EDIT)
    async def transition(ticket_id: str, body: TransitionRequest, caller: Caller) -> Ticket:
        """Take a ticket to another phase or status. What is not allowed is answered 400 with what is.

        `force` skips that rule, but neither WIP limits nor an approval. Gates are looked at by `progress` and `validate-gate`.
        """
        return ticket(moving.transition(caller, ticket_id, body.to_status, body.reason, force=body.force))

    @routes.post("/tickets/{ticket_id}/regress", "tickets.regress", permission=Permission.CARD_EDIT)
    async def regress(
        ticket_id: str,
        caller: Caller,
        to_status: Word | None = None,
        validation_feedback: Reason | None = None,
        body: RegressRequest | None = None,
    ) -> Ticket:
        """Send a ticket from testing back to building. The feedback is kept with the phase, and shown in the context."""
        said = body or RegressRequest()
        word, feedback = to_status or said.to_phase, validation_feedback or said.reason
        return ticket(moving.send_back(caller, ticket_id, word, feedback))

    @routes.post("/tickets/{ticket_id}/progress", "tickets.progress", permission=Permission.CARD_EDIT)
    async def progress(ticket_id: str, caller: Caller) -> Ticket | NoProgression:
        """Take a ticket to the next phase if the gate of its phase holds and there is room; else say what keeps it."""
        done = moving.progress(caller, ticket_id)
        if done.reasons:
            return NoProgression(reasons=[worded(one, OMOIOS.words) for one in done.reasons])
        return ticket(done.item)


def _publish_blocks(routes: Routes) -> None:
    @routes.post("/tickets/{ticket_id}/block", "tickets.block", permission=Permission.CARD_EDIT)
    async def block(
        ticket_id: str,
        caller: Caller,
        blocker_type: Blocker | None = None,
        suggested_remediation: Reason | None = None,
        body: BlockRequest | None = None,
    ) -> BlockedTicket:
        """Block a ticket, with a task that removes the blocker. A kind or a reason is needed; of a blocked ticket only these change."""
        said = body or BlockRequest()
        kind, remedy = blocker_type or said.blocker_type, suggested_remediation or said.suggested_remediation
        if not (kind or said.blocked_reason):
            raise Invalid(FieldError("blocker_type", "Say the kind of blocker, or a reason"))
        done = blocking.block_ticket(caller, ticket_id, kind or blocking.CLARIFICATION, said.blocked_reason, remedy)
        return BlockedTicket(**ticket(done.item).model_dump(), remediation_task_id=done.task.id if done.task else None)

    @routes.post("/tickets/{ticket_id}/unblock", "tickets.unblock", permission=Permission.CARD_EDIT)
    async def unblock(ticket_id: str, caller: Caller) -> Ticket:
        """Unblock a ticket; it has its earlier status again."""
        return ticket(unblock_item(caller, ticket_id))

    @routes.post("/tickets/detect-blocking", "tickets.detectBlocking", permission=Permission.CARD_READ)
    async def detect_blocking(
        caller: Caller, project_id: Id | None = None, cursor: Annotated[str, Field(max_length=1_000)] | None = None
    ) -> BlockingDetection:
        """Look for tickets on which nothing has gone on for 30 minutes, in a project or in all that the caller sees. Nothing is changed.

        A call looks at up to 100 tickets that have begun and are neither blocked nor finished; `next_cursor` goes on behind them.
        """
        found = detecting.detect_stuck(caller, project_id, cursor)
        results = [
            StuckTicket(
                ticket_id=one.item.id,
                should_block=True,
                blocker_type=one.kind,
                time_in_state_minutes=one.minutes,
                reason=one.reason,
            )
            for one in found.stuck
        ]
        return BlockingDetection(detected=len(results), results=results, next_cursor=found.next_cursor)


def _publish_gates(routes: Routes) -> None:
    @routes.post("/tickets/{ticket_id}/validate-gate", "tickets.validateGate", permission=Permission.CARD_READ, addition=True)
    async def validate_gate(ticket_id: str, caller: Caller, phase_id: Phase | None = None) -> GateStatus:
        """Validate the gate of a phase, by default the ticket's own: its artifacts, and that its tasks have been completed."""
        return _gate(get_gate(caller, ticket_id, a_phase(phase_id) if phase_id else None))

    @routes.get("/tickets/{ticket_id}/gate-status", "tickets.gateStatus", permission=Permission.CARD_READ, addition=True)
    async def gate_status(ticket_id: str, caller: Caller, phase_id: Phase | None = None) -> GateStatus:
        """Get the gate of a phase, by default the ticket's own, with all that is missing."""
        return _gate(get_gate(caller, ticket_id, a_phase(phase_id) if phase_id else None))

    @routes.post("/tickets/{ticket_id}/artifacts", "tickets.addArtifact", permission=Permission.CARD_EDIT, addition=True)
    async def add_artifact(ticket_id: str, body: ArtifactCreate, caller: Caller) -> ArtifactResponse:
        """Add a result of a phase, which its gate looks at. A ticket takes up to 100, each of 20,000 bytes at most."""
        new = NewArtifact(
            a_phase(body.phase_id),
            body.artifact_type.lower(),
            body.artifact_path,
            body.artifact_content,
            body.collected_by,
        )
        return _artifact(artifacts.add_artifact(caller, ticket_id, new))
