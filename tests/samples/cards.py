"""Requests of the area `cards`."""

from shared.planning.phases.artifacts import NewArtifact, add_artifact
from shared.planning.tickets.creating import NewTicket, create_ticket
from shared.work.items.updating import block_item
from tests.samples.stage import Sample, Samples, Stage, nothing, of_board


def pending_ticket(stage: Stage) -> str:
    """A ticket that waits for approval."""
    new = NewTicket(f"Wanted {stage.slug()}", approval_required=True, check_duplicates=False, phase_id="PHASE_BACKLOG")
    return create_ticket(stage.world.actor, stage.world.project.id, new).id  # type: ignore[union-attr]


def card_in(stage: Stage, lane: int) -> str:
    """A card in a lane that takes any number."""
    if stage.world.lanes[lane].wip_limit is not None:
        stage.world.set_wip(lane, None)
    return stage.card(lane)


def finished_ticket(stage: Stage) -> str:
    """A ticket in deployment that has all that the gate asks for, and depends on nothing."""
    stage.world.set_wip(9, None)
    ticket_id = stage.world.card(9, f"Finished {stage.slug()}").id
    for name in ("packaging_bundle", "handoff_documentation"):
        add_artifact(stage.world.actor, ticket_id, NewArtifact("PHASE_DEPLOYMENT", name, f"docs/{name}.md"))
    return ticket_id


def blocked_ticket(stage: Stage) -> str:
    return block_item(stage.world.actor, stage.card(), "R").id


SAMPLES: Samples = {
    ("agentworks", "cards.list"): lambda s: s.card() and of_board(s),
    ("agentworks", "cards.create"): lambda s: Sample(
        {"boardId": s.world.board.id}, {"laneId": s.world.lanes[0].id, "title": "T", "type": "task"}
    ),
    ("agentworks", "cards.get"): lambda s: Sample({"id": s.card()}),
    ("agentworks", "cards.update"): lambda s: Sample({"id": s.card()}, {"title": "T2"}),
    ("agentworks", "cards.move"): lambda s: Sample({"id": s.card()}, {"toLaneId": s.world.lanes[0].id}),
    ("agentworks", "cards.archived"): of_board,
    ("agentworks", "cards.restore"): lambda s: Sample({"id": s.card()}),
    ("agentworks", "cards.logTime"): lambda s: Sample({"id": s.card()}, {"hours": 1.5, "note": "Words"}),
    ("agentworks", "links.create"): lambda s: Sample({"id": s.card()}, {"url": "https://github.com/o/r/pull/1"}),
    ("agentworks", "links.delete"): lambda s: s.link(),
    ("agentworks", "cards.delete"): lambda s: Sample({"id": s.card()}),
    ("agentworks", "dependencies.list"): lambda s: Sample({"id": s.card()}),
    ("agentworks", "dependencies.create"): lambda s: Sample({"id": s.card()}, {"dependencyCardId": s.card(), "type": "blocks"}),
    ("agentworks", "dependencies.delete"): lambda s: Sample({"id": s.dependency()}),
    ("omoios", "tickets.get"): lambda s: Sample({"ticket_id": s.card()}),
    ("omoios", "tickets.list"): lambda s: Sample({}, query=f"project_id={s.world.project.id}"),
    ("omoios", "tickets.create"): lambda s: Sample({}, {"title": f"Ticket {s.slug()}", "project_id": s.world.project.id}),
    ("omoios", "tickets.checkDuplicates"): lambda s: Sample({}, {"title": "A card", "project_id": s.world.project.id}),
    ("omoios", "tickets.context"): lambda s: Sample({"ticket_id": s.card()}),
    ("omoios", "tickets.updateContext"): lambda s: Sample({"ticket_id": s.card()}, {"context": {"branch": "main"}}),
    ("omoios", "tickets.transition"): lambda s: Sample({"ticket_id": s.card()}, {"to_status": "blocked", "reason": "R"}),
    ("omoios", "tickets.regress"): lambda s: Sample({"ticket_id": card_in(s, 7)}, {"to_phase": "building", "reason": "R"}),
    ("omoios", "tickets.progress"): lambda s: Sample({"ticket_id": finished_ticket(s)}),
    ("omoios", "tickets.block"): lambda s: Sample({"ticket_id": s.card()}, {"blocked_reason": "R"}, "blocker_type=environment"),
    ("omoios", "tickets.unblock"): lambda s: Sample({"ticket_id": blocked_ticket(s)}),
    ("omoios", "tickets.detectBlocking"): lambda s: Sample({}, query=f"project_id={s.world.project.id}"),
    ("omoios", "tickets.approve"): lambda s: Sample({}, {"ticket_id": pending_ticket(s)}),
    ("omoios", "tickets.reject"): lambda s: Sample({}, {"ticket_id": pending_ticket(s), "rejection_reason": "R"}),
    ("omoios", "tickets.pendingReviewCount"): nothing,
    ("omoios", "tickets.approvalStatus"): lambda s: Sample({}, query=f"ticket_id={s.card()}"),
    ("omoios", "tickets.validateGate"): lambda s: Sample({"ticket_id": s.card()}, query="phase_id=PHASE_TESTING"),
    ("omoios", "tickets.gateStatus"): lambda s: Sample({"ticket_id": s.card()}, query="phase_id=PHASE_TESTING"),
    ("omoios", "tickets.addArtifact"): lambda s: Sample(
        {"ticket_id": s.card()},
        {"phase_id": "PHASE_IMPLEMENTATION", "artifact_type": "test_coverage", "artifact_content": {"percentage": 85}},
    ),
}
