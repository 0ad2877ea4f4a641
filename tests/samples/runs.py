"""Requests of the area `runs`."""

from tests.samples.stage import PRD, Sample, Samples, of_workspace

SAMPLES: Samples = {
    ("agentworks", "runs.list"): lambda s: Sample({"id": s.card()}),
    ("agentworks", "runs.trigger"): lambda s: Sample({"id": s.card(lane=1), "agentId": PRD.id}, {}),
    ("agentworks", "runs.get"): lambda s: Sample({"id": s.run()}),
    ("agentworks", "runs.cancel"): lambda s: Sample({"id": s.run()}, {}),
    ("agentworks", "runs.retry"): lambda s: Sample({"id": s.run("failed")}, {}),
    ("agentworks", "approvals.list"): of_workspace,
    ("agentworks", "runs.approve"): lambda s: Sample({"id": s.run()}, {}, status=409),
    ("agentworks", "runs.reject"): lambda s: Sample({"id": s.run()}, {}, status=409),
}
