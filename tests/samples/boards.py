"""Requests of the area `boards`."""

from tests.samples.stage import Sample, Samples, of_board, of_project

SAMPLES: Samples = {
    ("agentworks", "boards.list"): of_project,
    ("agentworks", "boards.get"): of_board,
    ("agentworks", "boards.update"): lambda s: Sample({"id": s.world.board.id}, {"name": "Board"}),
    ("agentworks", "boards.lanes"): of_board,
    ("agentworks", "lanes.update"): lambda s: Sample({"id": s.world.lanes[1].id}, {"name": "Lane"}),
    ("omoios", "board.view"): lambda s: Sample({}, query=f"project_id={s.world.project.id}"),
    ("omoios", "board.tickets"): lambda s: Sample({}, query=f"project_id={s.world.project.id}&column_id=backlog"),
    ("omoios", "board.stats"): lambda s: Sample({}, query=f"project_id={s.world.project.id}"),
    ("omoios", "board.wipViolations"): lambda s: Sample({}, query=f"project_id={s.world.project.id}"),
    ("omoios", "board.column"): lambda _: Sample({"phase_id": "PHASE_BACKLOG"}),
    ("omoios", "board.autoTransition"): lambda s: Sample({"ticket_id": s.card()}),
    ("omoios", "board.move"): lambda s: Sample({}, {"ticket_id": s.card(), "target_column_id": "backlog"}),
}
