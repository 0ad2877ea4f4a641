"""omoios: projects and the tickets made in them."""

import pytest

from shared.core.actor import Role
from shared.people.tenancy.rows import Workspace
from shared.store import fetch, save, write
from shared.work.items.rows import Item
from shared.work.projects.rows import Project
from tests.areas.driving import Client, sign_up
from tests.trips import count_requests


@pytest.fixture
def ada(aws) -> Client:
    return sign_up().at("omoios")


def make(client: Client, name: str = "auth-system", **more):
    return client("projects", "POST", "/projects", body={"name": name} | more)


def test_a_project_goes_to_the_default_workspace(ada):
    body = {
        "description": "Authentication system",
        "github_owner": "owner",
        "github_repo": "repo",
        "default_phase_id": "PHASE_IMPLEMENTATION",
    }
    answer = make(ada, **body)
    assert answer.status == 201, answer.text
    assert body.items() <= answer.json.items()
    ws = ada.at("agentworks")("workspaces", "GET", "/workspaces").json["workspaces"][0]
    assert ws["projectCount"] == 1
    shown = ada.at("agentworks")("projects", "GET", f"/projects/{answer.json['id']}").json
    assert (shown["workspaceId"], shown["slug"], shown["repositoryUrl"]) == (
        ws["id"],
        "auth-system",
        "https://github.com/owner/repo",
    )
    assert fetch(Workspace, ws["id"]).is_default


def test_two_projects_may_have_one_name(ada):
    first, second = make(ada), make(ada)
    assert (first.status, second.status) == (201, 201)
    assert first.json["name"] == second.json["name"]


def test_the_list_spans_my_workspaces_and_nothing_else(ada):
    mine = make(ada, "mine").json
    aw = ada.at("agentworks")
    ws = aw("workspaces", "POST", "/workspaces", body={"name": "Other", "slug": "other"}).json["id"]
    other = aw("projects", "POST", f"/workspaces/{ws}/projects", body={"name": "Elsewhere", "slug": "elsewhere"}).json
    make(sign_up("Eve", "eve@example.com").at("omoios"), "hers")
    answer = ada("projects", "GET", "/projects")
    assert (answer.status, answer.header("X-Total-Count")) == (200, "2")
    assert [one["id"] for one in answer.json] == [other["id"], mine["id"]]
    assert set(answer.json[0]) >= {"id", "name", "description", "github_owner", "github_repo", "default_phase_id", "created_at"}
    assert [one["id"] for one in ada("projects", "GET", "/projects?limit=1&offset=1").json] == [mine["id"]]


def test_the_details_count_the_tickets(ada):
    project = make(ada, github_owner="owner", github_repo="repo").json["id"]
    for phase in ("PHASE_BACKLOG", "PHASE_DONE", "PHASE_DONE"):
        assert ada("projects", "POST", f"/projects/{project}/create-ticket", body={"title": "T", "phase_id": phase}).status == 201
    answer = ada("projects", "GET", f"/projects/{project}").json
    assert answer["stats"] == {"tickets": 3, "done": 2, "agents": 0, "cost": 0}
    assert (answer["github_connection"]["owner"], answer["github_connection"]["repo"]) == ("owner", "repo")
    assert ada("projects", "GET", f"/projects/{make(ada).json['id']}").json["github_connection"] is None


def test_a_ticket_is_made_in_the_phase_named(ada):
    project = make(ada, default_phase_id="PHASE_DESIGN").json["id"]
    body = {"title": "Implement feature", "description": "...", "priority": "HIGH", "phase_id": "PHASE_IMPLEMENTATION"}
    answer = ada("projects", "POST", f"/projects/{project}/create-ticket", body=body)
    assert answer.status == 201, answer.text
    assert (body | {"project_id": project, "status": "open"}).items() <= answer.json.items()
    item = fetch(Item, answer.json["id"])
    assert (item.priority, item.status, item.proj_id) == ("high", "draft", project)
    plain = ada("projects", "POST", f"/projects/{project}/create-ticket", body={"title": "T"}).json
    assert (plain["phase_id"], plain["priority"]) == ("PHASE_DESIGN", "MEDIUM")
    alias = ada("projects", "POST", f"/projects/{project}/create-ticket", body={"title": "T", "phase_id": "PHASE_INTEGRATION"})
    assert alias.json["phase_id"] == "PHASE_TESTING"


def test_the_first_task_of_a_ticket_is_there(ada):
    """Whichever way it is made: else an agent that was started for the project finds nothing to do."""
    project = make(ada).json["id"]
    made = [
        ada("projects", "POST", f"/projects/{project}/create-ticket", body={"title": "T", "phase_id": "PHASE_IMPLEMENTATION"}),
        ada("cards", "POST", f"/tickets?project_id={project}", body={"title": "Other words", "phase_id": "PHASE_IMPLEMENTATION"}),
    ]
    for ticket in (one.json for one in made):
        (task,) = ada("tasks", "GET", f"/tasks?ticket_id={ticket['id']}").json
        assert (task["title"], task["task_type"]) == (f"Implement: {ticket['title']}", "implement_feature")


@pytest.mark.parametrize(
    "body", [{}, {"title": ""}, {"title": "T", "phase_id": "PHASE_X"}, {"title": "T", "phase_id": "PHASE_BLOCKED"},
             {"title": "T", "priority": "URGENT"}]
)  # fmt: skip
def test_a_bad_ticket_is_refused(ada, body):
    project = make(ada).json["id"]
    assert ada("projects", "POST", f"/projects/{project}/create-ticket", body=body).status == 422


@pytest.mark.parametrize("phase", ["PHASE_BLOCKED", "PHASE_X"])
def test_a_phase_in_which_no_ticket_begins_is_no_default(ada, phase):
    refused = make(ada, default_phase_id=phase)
    assert (refused.status, refused.json["error"]["details"]) == (
        422, [{"field": "default_phase_id", "message": f"A ticket cannot begin in {phase}"}]
    )  # fmt: skip
    assert ada("projects", "GET", "/projects").json == []


def test_a_default_phase_from_before_is_named_when_it_is_refused(ada):
    made = make(ada).json["id"]
    row = fetch(Project, made)
    row.default_phase_id = "PHASE_BLOCKED"
    write(save(row))
    refused = ada("projects", "POST", f"/projects/{made}/create-ticket", body={"title": "T"})
    issue = {"field": "phase_id", "message": "A ticket cannot begin in PHASE_BLOCKED"}
    assert (refused.status, refused.json["error"]["details"]) == (422, [issue])


def test_bad_projects_and_foreign_ones(ada):
    assert make(ada, "").status == 422
    assert make(ada, default_phase_id="PHASE_X").status == 422
    project = make(ada).json["id"]
    eve = sign_up("Eve", "eve@example.com").at("omoios")
    assert eve("projects", "GET", f"/projects/{project}").status == 404
    assert eve("projects", "POST", f"/projects/{project}/create-ticket", body={"title": "T"}).status == 404
    assert ada("projects", "GET", "/projects/project-123").json["error"]["code"] == "NOT_FOUND"


def test_what_a_request_costs(ada):
    project = make(ada).json["id"]
    for method, path, body, cost in (
        ("GET", "/projects", None, 2),  # who calls, and beside it the workspaces that the process knows; the rows
        ("GET", f"/projects/{project}", None, 2),  # the project with its counts, the usage
        ("POST", "/projects", {"name": "B"}, 3),  # organization, workspace, one transaction
        ("POST", f"/projects/{project}/create-ticket", {"title": "T"}, 3),  # project, board, one transaction
    ):
        with count_requests() as seen:
            assert ada("projects", method, path, body=body).status < 300
        assert seen.count == cost, (method, path, str(seen))


def test_a_slug_from_a_long_name_ends_in_a_letter(ada):
    made = make(ada, "a" * 59 + " board").json
    assert ada.at("agentworks")("projects", "GET", f"/projects/{made['id']}").json["slug"] == "a" * 59


def test_whoever_may_only_read_is_told_so(world):
    viewer = world.join("Vic", "vic@example.com", Role.VIEWER).at("omoios")
    path = f"/projects/{world.project.id}/create-ticket"
    refused = viewer("projects", "POST", path, body={"title": "T"})
    assert (refused.status, refused.json["detail"]) == (403, "Your role does not allow this")
    assert sign_up("Eve", "eve@example.com").at("omoios")("projects", "POST", path, body={"title": "T"}).status == 404
