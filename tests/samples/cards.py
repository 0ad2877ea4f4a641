"""Requests of the area `cards`."""

from tests.samples.stage import Sample, Samples, of_board

SAMPLES: Samples = {
    ("agentworks", "cards.list"): of_board,
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
}
