"""Collaborations of sandboxes, from being asked for to the documents that they leave: the sandboxes answer over their own connections."""

import re
from urllib.parse import quote

import pytest

from shared.agents.providers import registry
from shared.core.ids import new_id
from shared.money.budgets.rows import Budget, budget_id, this_month
from shared.people.tenancy.rows import Organization, Workspace
from shared.sandboxes.collaborations.moving import advance, advance_all
from shared.sandboxes.collaborations.rows import (
    CANCELLED,
    COMPLETED,
    FAILED,
    IN_PROGRESS,
    PEER_TO_PEER,
    SWARM,
    CollaborationCount,
)
from shared.sandboxes.collaborations.starting import MAX_ACTIVE
from shared.sandboxes.configuration.policy import Rule, policy_to_store
from shared.sandboxes.lifecycle.changing import delete_sandbox, stop_sandbox
from shared.sandboxes.lifecycle.rows import ERROR, STOPPED
from shared.sandboxes.messages.delivering import deliver_due
from shared.sandboxes.messages.rows import MessageHead
from shared.store import fetch, get, put, save, write
from shared.work.documents.reading import stored_text
from shared.work.documents.rows import Document
from shared.work.projects.creating import NewProject, create_project
from shared.work.projects.rows import Project
from tests.areas.collaborating import Team, respond
from tests.areas.driving import deadline, sign_up
from tests.areas.test_sandboxes_completions import Model
from tests.areas.viewers import Viewer, drain
from tests.kills import concurrently
from tests.samples.sandboxes import in_status

DELIVERABLES = ["frontend_components", "backend_api", "security_review"]
TASK = """Implement user authentication for the shop.

- The frontend shows a login form with e-mail and password components.
- The backend API locks an account after 5 failed logins.
- Security: passwords are stored as argon2 hashes.
- Should a customer be able to sign in with Google?
"""
BODY = {
    "task": "Implement user authentication feature",
    "participants": ["frontend-team", "backend-team", "security-team"],
    "collaboration_mode": "orchestrated",
    "orchestrator": "project-manager",
    "timeout": 300,
    "deliverables": DELIVERABLES,
}


@pytest.fixture
def team(world, gateway, no_machine) -> Team:
    return Team(gateway, world, "frontend-team", "backend-team", "security-team")


@pytest.fixture
def client(world):
    return world.ada.at("aintandem")


def start_path(world) -> str:
    return f"/workspaces/ws_{world.ws_id}/collaboration/orchestrate"


def texts(row) -> dict[str, str]:
    return {one["name"]: stored_text(fetch(Document, one["document_id"])) for one in row.documents}


# -- the e-commerce scenario


def test_three_teams_implement_a_feature_together_and_leave_documents(team, world, client):
    started = client("collaborations", "POST", start_path(world), body=BODY | {"task": TASK})
    assert started.status == 202
    assert started.json["data"] == {
        "collaboration_id": started.json["data"]["collaboration_id"],
        "status": "initializing",
        "participants": [f"sb_{one.id}" for one in team.agents.values()],
        "estimated_duration_seconds": 300,
    }
    path = f"/collaborations/{started.json['data']['collaboration_id']}"
    before = client("collaborations", "GET", path).json["data"]
    assert (before["status"], before["progress"]["percentage"], before["messages"]) == ("initializing", 0, [])
    assert before["progress"]["remaining_steps"] == ["task_breakdown", *DELIVERABLES, "aggregation"]
    team.run()
    shown = client("collaborations", "GET", path).json["data"]
    assert (shown["status"], shown["reason"]) == ("completed", None)
    assert shown["progress"] == {
        "percentage": 100,
        "current_step": None,
        "completed_steps": ["task_breakdown", *DELIVERABLES, "aggregation"],
        "remaining_steps": [],
        "failed_steps": [],
    }
    assert {one["status"] for one in shown["participants"]} == {"finished"}
    assert len(shown["messages"]) == 6
    assert shown["messages"][0]["content"].startswith(f"Task:\n{TASK.strip()}")
    assert (shown["orchestrator"], shown["orchestrated_by"]) == ("project-manager", "platform")
    assert [(one["name"], one["authors"][0]["name"]) for one in shown["deliverables"]] == [
        ("frontend_components", "frontend-team"),
        ("backend_api", "backend-team"),
        ("security_review", "security-team"),
    ]
    assert shown["project_id"] == world.project.id
    document = fetch(Document, shown["deliverables"][1]["document_id"])
    assert document.title.startswith("Backend api: Implement user authentication for the shop.")
    assert (document.created_by["kind"], document.created_by["name"]) == ("agent", "backend-team")
    seen = world.ada.at("agentworks")("documents", "GET", f"/documents/{document.id}")
    assert seen.status == 200, seen
    assert "> The backend API locks an account after 5 failed logins." in stored_text(document)
    assert stored_text(document).endswith("- Written by backend-team (agent backend-architect). Cost: 0.00 USD.\n")


def test_the_same_work_is_reproducible_to_the_byte_of_its_documents(team):
    first, second = team.start(TASK, deliverables=DELIVERABLES), None
    team.run()
    second = team.start(TASK, deliverables=DELIVERABLES)
    team.run()
    assert texts(team.row(first)) == texts(team.row(second))
    assert len(texts(team.row(first))) == 3
    assert not any(re.search(r"[0-9a-f]{8}-[0-9a-f]{4}|20\d\d-\d\d", text) for text in texts(team.row(first)).values())


def test_an_orchestrator_plans_and_sums_up_and_its_plan_is_followed(team):
    team.add("project-manager")

    def answers(name, message):
        text = message["content"]["text"]
        if "ASSIGN" in text:
            return {
                "text": "I thought about it.\n\n- **ASSIGN:** backend_api -> frontend-team\nASSIGN: security_review -> nobody"
            }
        return {"text": f"{name}: done"}

    team.answers = answers
    started = team.start(
        participants=["frontend-team", "backend-team", "security-team"],
        orchestrator="project-manager",
        deliverables=DELIVERABLES,
    )
    team.run()
    row = team.row(started)
    assert row.status == COMPLETED
    assert [(one["name"], one["authors"][0]["name"]) for one in row.documents] == [
        ("frontend_components", "frontend-team"),
        ("backend_api", "frontend-team"),
        ("security_review", "security-team"),
    ]
    assert [name for name, _ in team.asked].count("project-manager") == 2


def test_an_agent_of_a_participant_can_orchestrate(team, world):
    started = team.start(deliverables=DELIVERABLES, orchestrator="Backend-Architect")
    team.run()
    row = team.row(started)
    assert row.status == COMPLETED
    assert (row.orchestrator["agent"], row.orchestrator["sandbox_id"]) == ("backend-architect", team.agents["backend-team"].id)
    planned = fetch(MessageHead, row.message_id(0))
    assert (planned.to_agent, planned.to_sandbox) == ("backend-architect", team.agents["backend-team"].id)


def test_peers_talk_until_the_task_is_done_and_each_hears_what_was_said(team):
    said = []

    def answers(name, message):
        said.append((name, message["from_name"]))
        if "What to do: Write" in message["content"]["text"]:
            return {"text": "The deliverable"}
        return {"text": f"{name} thinks.\nDONE: {'yes' if len(said) > 4 else 'no'}\nNEXT: security-team"}

    team.answers = answers
    started = team.start(mode=PEER_TO_PEER, deliverables=["backend_api"])
    team.run()
    assert team.row(started).status == COMPLETED
    talk = ["frontend-team", "security-team", "frontend-team", "security-team", "frontend-team", "security-team", "backend-team"]
    assert [name for name, _ in said[:7]] == talk  # two who name each other do not keep the third one silent
    assert "[1] frontend-team, conversation:\nfrontend-team thinks." in team.asked[1][1]
    assert texts(team.row(started))["backend_api"].startswith("The deliverable\n")


def test_a_swarm_decides_by_votes_and_keeps_the_dissent(team, client):
    def answers(name, message):
        if "VOTE:" in message["content"]["text"]:
            return {"text": f"VOTE: {3 if name == 'security-team' else 2}\nREASON: {name} says so"}
        return {"text": f"Do it as {name} does"}

    team.answers = answers
    started = team.start(mode=SWARM, deliverables=["decision"])
    team.run()
    shown = client("collaborations", "GET", f"/collaborations/col_{started}").json["data"]
    ids = {name: f"sb_{one.id}" for name, one in team.agents.items()}
    assert shown["consensus"]["tally"] == {ids["frontend-team"]: 0, ids["backend-team"]: 2, ids["security-team"]: 1}
    assert shown["consensus"]["dissent"] == [
        {"sandbox_id": ids["security-team"], "voted_for": ids["security-team"], "reason": "security-team says so"}
    ]
    assert (shown["consensus"]["sandbox_id"], shown["consensus"]["decided_by"]) == (ids["backend-team"], "majority")
    assert "Consensus: the answer of backend-team, by majority" in texts(team.row(started))["decision"]


@pytest.mark.parametrize("mode", [PEER_TO_PEER, SWARM])
def test_the_embedded_model_comes_to_an_end_in_every_mode(team, mode):
    started = team.start(TASK, mode=mode, deliverables=DELIVERABLES)
    team.run()
    assert (team.row(started).status, len(team.row(started).documents)) == (COMPLETED, 3)


def test_the_sockets_of_a_collaboration_show_its_progress_and_its_messages(team, world, client, gateway):
    started = team.start(deliverables=DELIVERABLES)
    viewer = Viewer(gateway, client, f"/ws/collaborations/col_{started}").send(
        {"action": "subscribe", "channels": ["messages", "events"]}
    )
    assert viewer.status == 200
    viewer.received()
    team.run()
    drain()
    frames = viewer.received()
    events = [one for one in frames if one["channel"] == "events"]
    assert [one["event"] for one in events][-1] == "ended"
    assert events[-1]["data"]["status"] == "completed"
    assert events[0]["event"] == "started"
    assert events[0]["data"]["participants"] == [f"sb_{one.id}" for one in team.agents.values()]
    assert events[1]["data"]["remaining_steps"] == [*DELIVERABLES, "aggregation"]
    assert (events[1]["data"]["percentage"], events[1]["data"]["current_step"]) == (20, "frontend_components")
    assert any(one["channel"] == "messages" and one["data"]["collaboration_id"] == f"col_{started}" for one in frames)


# -- what goes wrong


def test_who_dies_is_replaced_by_one_who_knows_it(team):
    team.add("backend-two")
    team.answers = lambda name, _: None if name == "backend-team" else {"text": f"{name} wrote it"}
    started = team.start(deliverables=["backend_api"])
    team.run()
    assert team.row(started).status == IN_PROGRESS
    in_status(team.agents["backend-team"].id, ERROR)
    team.run()
    row = team.row(started)
    assert row.status == COMPLETED
    assert row.documents[0]["authors"][0]["name"] == "backend-two"
    assert "backend-team was asked before: It is in error." in texts(row)["backend_api"]


@pytest.mark.parametrize("how", ["deleted", "stopped"])
def test_without_somebody_who_knows_it_the_step_fails_with_its_reason(team, world, client, how):
    team.answers = lambda name, _: None if name == "backend-team" else {"text": f"{name} wrote it"}
    started = team.start(deliverables=DELIVERABLES)
    team.run()
    {"deleted": delete_sandbox, "stopped": stop_sandbox}[how](world.actor, team.agents["backend-team"].id)
    team.run()
    row = team.row(started)
    assert (row.status, row.reason) == (FAILED, f"backend_api: It was {how}")
    assert [one["name"] for one in row.documents] == ["frontend_components", "security_review"]
    shown = client("collaborations", "GET", f"/collaborations/{started}").json["data"]
    lost = next(one for one in shown["participants"] if one["name"] == "backend-team")
    assert (lost["status"], lost["reason"]) == ("lost", f"It was {how}")
    assert [one["document_id"] is None for one in shown["deliverables"]] == [False, True, False]
    assert shown["progress"]["failed_steps"] == ["backend_api"]


def test_an_answer_that_is_an_error_or_empty_is_none(team):
    answers = {"frontend-team": {"error": {"code": "TIMEOUT", "message": "The work took longer"}}, "backend-team": {"text": " "}}
    team.answers = lambda name, _: answers.get(name, {"text": "fine"})
    started = team.start(deliverables=DELIVERABLES)
    team.run()
    row = team.row(started)
    assert row.status == FAILED
    assert row.reason == "frontend_components: The work took longer; backend_api: It has answered without a text"


def test_who_does_not_answer_in_time_has_failed_and_its_late_answer_changes_nothing(team, late):
    team.answers = lambda name, _: None if name == "backend-team" else {"text": "done"}
    started = team.start(deliverables=["backend_api", "security_review"], timeout_seconds=300)
    team.run()
    late.shift(101)  # a third of its time
    run_due(team)
    assert team.state(started).asks[0].reason == "It was not answered within 100 seconds"
    row = team.row(started)
    assert (row.status, row.reason) == (FAILED, "backend_api: It was not answered within 100 seconds")
    respond(team.agents["backend-team"], {"message_id": row.message_id(0)}, {"text": "late"})
    team.run()
    assert team.row(started).version == row.version


def run_due(team: Team) -> None:
    """What the jobs of a minute do."""
    deliver_due(deadline())
    advance_all(deadline())
    team.run()


def test_its_own_time_ends_it_and_what_nobody_got_is_withdrawn(team, world, late):
    team.answers = lambda *_: None
    started = team.start(timeout_seconds=30, deliverables=DELIVERABLES)
    team.run()
    agent = team.agents["backend-team"]
    late.shift(31)
    advance_all(deadline())
    row = team.row(started)
    assert (row.status, row.reason) == (FAILED, "It was not finished within 30 seconds")
    assert int(get(CollaborationCount, f"WS#{world.ws_id}", "COL").active) == 0
    assert advance_all(deadline()) == 0
    assert agent


def test_what_is_cancelled_withdraws_what_waits_and_hears_nothing_more(team, client):
    agent = team.agents["backend-team"]
    agent.leave()  # it is not connected: its message waits
    team.answers = lambda *_: None
    started = team.start(deliverables=["backend_api"])
    team.run()
    message = fetch(MessageHead, team.row(started).message_id(0))
    assert message.status == "queued"
    ended = client("collaborations", "POST", f"/collaborations/col_{started}/cancel")
    assert (ended.status, ended.json["data"]["status"], ended.json["data"]["reason"]) == (
        200,
        "cancelled",
        "Ada Lovelace cancelled it",
    )
    team.run()
    message = fetch(MessageHead, message.id)
    assert (message.status, message.reason) == ("failed", "The collaboration has ended: Ada Lovelace cancelled it")
    again = client("collaborations", "POST", f"/collaborations/col_{started}/cancel")
    assert (again.status, again.json["error"]["code"]) == (409, "CONFLICT")
    version = team.row(started).version
    advance(started)
    assert team.row(started).version == version


def test_a_message_that_the_policy_blocks_fails_its_step_with_the_reason(team, world):
    workspace = fetch(Workspace, world.ws_id)
    rules = [Rule(recipients=("backend-team",))]
    workspace.settings = workspace.settings | {"collaboration_policy": policy_to_store("deny_list", rules)}
    write(save(workspace))
    started = team.start(deliverables=["backend_api"])
    team.run()
    row = team.row(started)
    assert row.status == FAILED
    assert row.reason.startswith("backend_api: Blocked by rule 1 of the collaboration policy")


def test_what_answers_cost_is_counted_and_the_limit_ends_it(team, world, client, paid, monkeypatch):
    model = Model()
    model.calls = ()
    monkeypatch.setattr(registry, "provider", lambda _: model)
    started = team.start(deliverables=DELIVERABLES)
    team.run()
    row = team.row(started)
    assert row.status == COMPLETED
    each = int(row.documents[0]["cost_micros"])
    assert each > 0
    assert int(row.cost_micros) == 3 * each
    assert "Cost: 0.00 USD" not in texts(row)["backend_api"]
    spent = int(fetch(Budget, budget_id("workspace", world.ws_id, this_month())).spent)
    assert spent == 3 * each
    limited = client(
        "collaborations",
        "POST",
        start_path(world),
        body=BODY | {"collaboration_mode": "peer_to_peer", "max_cost_usd": each / 1e6},
    )
    team.run()
    shown = client("collaborations", "GET", f"/collaborations/{limited.json['data']['collaboration_id']}").json["data"]
    assert (shown["status"], shown["cost_usd"]) == ("failed", each / 1e6)
    assert shown["reason"].startswith("The cost limit of 0.")
    assert len(model.requests) == 4


def test_a_suspended_organization_and_a_deleted_workspace_end_it(team, world):
    team.answers = lambda *_: None
    first = team.start()
    team.run()
    organization = fetch(Organization, team.row(first).org_id)
    organization.status = "suspended"
    write(save(organization))
    advance(first)
    assert (team.row(first).status, team.row(first).reason) == (FAILED, "The organization is suspended")
    organization.status = "active"
    write(save(organization))
    second = team.start()
    workspace = fetch(Workspace, world.ws_id)
    workspace.deleted_at = "2026-11-29T00:00:00.000Z"
    write(save(workspace))
    advance(second)
    assert (team.row(second).status, team.row(second).reason) == (CANCELLED, "The workspace was deleted")


def test_a_project_that_was_archived_meanwhile_gets_no_documents(team, world):
    team.answers = lambda *_: None
    started = team.start(deliverables=["backend_api"])
    team.run()
    assert world.ada.at("agentworks")("projects", "POST", f"/projects/{world.project.id}/archive").status == 202
    respond(team.agents["backend-team"], {"message_id": team.row(started).message_id(0)}, {"text": "done"})
    team.run()
    row = team.row(started)
    assert row.status == FAILED
    assert row.reason.startswith("The documents cannot be written: ")


def test_a_workspace_without_a_project_gets_one(team, world):
    assert world.ada.at("agentworks")("projects", "POST", f"/projects/{world.project.id}/archive").status == 202
    started = team.start(TASK, deliverables=["backend_api"])
    team.run()
    row = team.row(started)
    assert row.status == COMPLETED
    project = fetch(Project, row.project_id)
    assert project.name == "Implement user authentication for the shop. - The frontend shows a login form wi"
    advance(started)


# -- who may, and what is refused


def test_refusals_name_what_is_wrong(team, world, client):
    def refused(**more):
        answer = client("collaborations", "POST", start_path(world), body=BODY | more)
        fields = (answer.json["error"].get("details") or {}).get("fields") or []
        return answer.status, answer.json["error"]["code"], [one["field"] for one in fields]

    assert refused(participants=["frontend-team"]) == (422, "VALIDATION_ERROR", ["participants"])
    assert refused(participants=["frontend-team", "nobody"]) == (422, "VALIDATION_ERROR", ["participants.1"])
    twice = ["frontend-team", f"sb_{team.agents['frontend-team'].id}"]
    assert refused(participants=twice) == (422, "VALIDATION_ERROR", ["participants.1"])
    assert refused(participants=[f"team-{number}" for number in range(21)])[0] == 422
    assert refused(timeout=29) == (422, "VALIDATION_ERROR", ["timeout"])
    assert refused(timeout=3601) == (422, "VALIDATION_ERROR", ["timeout"])
    assert refused(collaboration_mode="broadcast") == (422, "VALIDATION_ERROR", ["collaboration_mode"])
    assert refused(deliverables=["a", "A"]) == (422, "VALIDATION_ERROR", ["deliverables"])
    assert refused(deliverables=["Aggregation"])[0] == 422
    assert refused(task="  ") == (422, "VALIDATION_ERROR", ["task"])
    assert refused(task="x" * 8_001) == (422, "VALIDATION_ERROR", ["task"])
    assert refused(orchestrator=f"sb_{new_id()}") == (422, "VALIDATION_ERROR", ["orchestrator"])
    assert refused(project_id=new_id()) == (422, "VALIDATION_ERROR", ["project_id"])
    assert refused(max_cost_usd=-1) == (422, "VALIDATION_ERROR", ["max_cost_usd"])
    in_status(team.agents["backend-team"].id, STOPPED)
    assert refused() == (409, "SANDBOX_NOT_READY", [])


def test_others_see_nothing_of_it(team, world, client):
    started = team.start()
    stranger = sign_up("Eve", "eve@example.com").at("aintandem")
    for method, path in (
        ("GET", f"/collaborations/col_{started}"),
        ("POST", f"/collaborations/{started}/cancel"),
        ("GET", f"/workspaces/ws_{world.ws_id}/collaborations"),
        ("POST", start_path(world)),
    ):
        assert stranger("collaborations", method, path, body=BODY if path == start_path(world) else None).status == 404
    elsewhere = client("workspaces", "POST", "/workspaces", body={"name": "Other"}).json["data"]["workspace_id"]
    other = client("collaborations", "POST", f"/workspaces/{elsewhere}/collaboration/orchestrate", body=BODY)
    assert other.status == 422  # names of another workspace are nobody's
    ids = [f"sb_{one.id}" for one in team.agents.values()]
    other = client(
        "collaborations", "POST", f"/workspaces/{elsewhere}/collaboration/orchestrate", body=BODY | {"participants": ids}
    )
    assert other.status == 422
    project = create_project(world.actor, world.ws_id, NewProject("Mine"))
    theirs = BODY | {"project_id": project.id}
    assert client("collaborations", "POST", f"/workspaces/{elsewhere}/collaboration/orchestrate", body=theirs).status == 422


def test_the_list_has_pages_and_its_newest_first(team, world, client):
    made = [team.start() for _ in range(3)]
    path = f"/workspaces/ws_{world.ws_id}/collaborations"
    first = client("collaborations", "GET", f"{path}?limit=2").json["data"]
    assert [one["collaboration_id"] for one in first["collaborations"]] == [f"col_{made[2]}", f"col_{made[1]}"]
    assert first["total"] == 3
    second = client("collaborations", "GET", f"{path}?limit=2&before={quote(first['next'])}").json["data"]
    assert [one["collaboration_id"] for one in second["collaborations"]] == [f"col_{made[0]}"]
    assert second["next"] is None


def test_the_number_of_collaborations_that_have_not_ended_is_limited(team, world, client):
    row = CollaborationCount.of(world.ws_id)
    row.active = MAX_ACTIVE
    write(put(row))
    full = client("collaborations", "POST", start_path(world), body=BODY)
    assert (full.status, full.json["error"]["code"]) == (429, "RESOURCE_EXHAUSTED")


def test_of_a_cancel_and_the_last_answer_at_once_one_wins(team, client):
    team.answers = lambda *_: None
    started = team.start(deliverables=["backend_api"])
    team.run()
    respond(team.agents["backend-team"], {"message_id": team.row(started).message_id(0)}, {"text": "done"})
    answers = []
    with concurrently(lambda: answers.append(client("collaborations", "POST", f"/collaborations/{started}/cancel").status)):
        advance(started)
    assert (team.row(started).status, answers) == (CANCELLED, [200])
    team.run()
    assert team.row(started).status == CANCELLED
