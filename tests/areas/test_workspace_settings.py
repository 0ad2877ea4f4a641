"""agentworks: a workspace's settings bite. (`maxMembers`: tests of invitations.)"""

import pytest

from shared.edge.reactions import parse_change
from shared.edge.reactions.triggers import react
from shared.people.tenancy.rows import Workspace
from shared.runs.agent_runs.journal import read_journal
from shared.runs.agent_runs.rows import Run
from shared.store import fetch
from shared.store.client import dynamodb
from shared.work.boards.lanes import lane_id_of
from shared.work.items.moving import move_item
from shared.work.items.rows import Item
from tests.areas.boards_world import World
from tests.areas.driving import Answer
from tests.areas.running import Machine
from tests.areas.test_runs import card_in, started, trigger
from tests.areas.viewers import raw_row, stream_record


def choose(world: World, **settings) -> Answer:
    answer = world.ada("workspaces", "PUT", f"/workspaces/{world.ws_id}", body={"settings": settings})
    assert answer.status == 200, answer.text
    assert answer.json["settings"] | settings == answer.json["settings"]
    return answer


def default(world: World, **template) -> None:
    choose(world, defaultAgentConfigs={"prd": template})


def configure(world: World, **config) -> None:
    path = f"/projects/{world.project.id}/agent-configs/prd"
    assert world.ada("agents", "PUT", path, body=config).status == 200


def error_of(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json["error"]["code"]


def project(world: World, slug: str) -> Answer:
    return world.ada("projects", "POST", f"/workspaces/{world.ws_id}/projects", body={"name": "P", "slug": slug})


def test_projects_up_to_the_limit(world):
    choose(world, maxProjects=2)
    second = project(world, "b")
    assert second.status == 201
    assert error_of(project(world, "c")) == (403, "LIMIT_EXCEEDED")
    assert world.ada("projects", "POST", f"/projects/{second.json['id']}/archive").status == 202
    assert project(world, "c").status == 201
    assert error_of(world.ada("projects", "POST", f"/projects/{second.json['id']}/restore")) == (403, "LIMIT_EXCEEDED")
    summary = world.ada("workspaces", "GET", "/workspaces").json["workspaces"][0]
    assert summary["projectCount"] == 2
    choose(world, maxProjects=3)
    assert world.ada("projects", "POST", f"/projects/{second.json['id']}/restore").status == 200


def test_a_month_of_nothing_runs_nothing(world):
    card = card_in(world, 1, "doc")
    choose(world, maxMonthlyUsage=0)
    assert error_of(trigger(world, card, "prd")) == (403, "USAGE_LIMIT_EXCEEDED")
    choose(world, maxMonthlyUsage=100)
    assert trigger(world, card, "prd").status == 202


@pytest.mark.parametrize("allowed", [["openai"], []])
def test_a_provider_that_is_not_allowed_runs_nothing(world, allowed):
    card = card_in(world, 1, "doc")
    choose(world, allowedProviders=allowed)
    refused = trigger(world, card, "prd", provider="embedded", model="cadre-embedded-1")
    assert (error_of(refused), refused.json["validationErrors"][0]["field"]) == ((422, "VALIDATION_ERROR"), "provider")
    assert error_of(trigger(world, card, "prd")) == (422, "VALIDATION_ERROR")  # nor as anybody's default
    choose(world, allowedProviders=[*allowed, "embedded"])
    assert trigger(world, card, "prd").status == 202


def test_runs_wait_for_approval_where_the_workspace_says_so(world, machine):
    choose(world, requireApprovalForAgentRuns=True)
    run = machine.play(started(world, card_in(world, 1, "doc"), "prd"))
    assert (run.status, run.waiting_for) == ("waiting", "approval")


def test_the_default_of_the_workspace_stands_between_the_project_and_the_agent(world, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "key")
    default(world, provider="openai", model="gpt-4", temperature=0.9, maxTokens=777)
    run = fetch(Run, started(world, card_in(world, 1, "doc"), "prd"))
    assert (run.provider, run.model, run.temperature, run.max_tokens) == ("openai", "gpt-4", 0.9, 777)
    configure(world, provider="openai", model="gpt-4o", maxTokens=888)
    run = fetch(Run, started(world, card_in(world, 1, "doc"), "prd"))
    assert (run.model, run.temperature, run.max_tokens) == ("gpt-4o", 0.9, 888)
    run = fetch(Run, started(world, card_in(world, 1, "doc"), "prd", provider="openai", model="gpt-4-turbo", maxTokens=999))
    assert (run.model, run.temperature, run.max_tokens) == ("gpt-4-turbo", 0.9, 999)


def test_an_agent_that_the_workspace_disables_runs_where_a_project_wants_it(world):
    card = card_in(world, 1, "doc")
    default(world, enabled=False)
    assert error_of(trigger(world, card, "prd")) == (403, "AGENT_NOT_ALLOWED")
    configure(world, temperature=0.1)  # says nothing of it
    assert error_of(trigger(world, card, "prd")) == (403, "AGENT_NOT_ALLOWED")
    configure(world, enabled=True)
    assert trigger(world, card, "prd").status == 202


def arrives(world: World) -> str | None:
    """A card arrives in the agent's lane: the run that holds it then."""
    card = card_in(world, 0)
    before = raw_row(f"ITEM#{card.id}")
    move_item(world.actor, card.id, lane_id_of(world.board.id, 1))
    react(parse_change(stream_record(raw_row(f"ITEM#{card.id}"), before)))
    return fetch(Item, card.id).lease_run


def test_agents_start_by_themselves_unless_somebody_says_no(world):
    default(world, autoTrigger=False)
    assert arrives(world) is None
    configure(world, autoTrigger=True)
    assert arrives(world) is not None
    configure(world, autoTrigger=False)
    default(world, autoTrigger=True)
    assert arrives(world) is None


def test_what_the_workspace_adds_to_the_prompt_is_told_unless_the_project_adds_its_own(world, machine):
    default(world, systemPromptAdditions="Write British English.")
    run = machine.play(started(world, card_in(world, 1, "doc"), "prd"))
    assert "Write British English." in read_journal(run).system
    configure(world, systemPromptAdditions="Write French.")
    machine = Machine()
    run = machine.play(started(world, card_in(world, 1, "doc"), "prd"))
    assert "Write French." in read_journal(run).system
    assert "British" not in read_journal(run).system


def test_defaults_are_for_agents_that_exist(world):
    body = {"settings": {"defaultAgentConfigs": {"nobody": {"enabled": False}}}}
    answer = world.ada("workspaces", "PUT", f"/workspaces/{world.ws_id}", body=body)
    assert (error_of(answer), answer.json["validationErrors"][0]["field"]) == (
        (422, "VALIDATION_ERROR"),
        "settings.defaultAgentConfigs.nobody",
    )
    prd = next(one for one in world.ada("agents", "GET", "/agents").json["agents"] if one["name"] == "prd")
    by_id = {"settings": {"defaultAgentConfigs": {prd["id"]: {"enabled": False}}}}
    changed = world.ada("workspaces", "PUT", f"/workspaces/{world.ws_id}", body=by_id)
    assert changed.json["settings"]["defaultAgentConfigs"] == {"prd": {"enabled": False}}


def test_the_numbers_of_a_summary_are_true(world):
    """What the rows say, counted."""
    project(world, "b")
    summary = world.ada("workspaces", "GET", "/workspaces").json["workspaces"][0]
    scanned = dynamodb().scan(TableName="core")["Items"]
    kinds = [row["kind"]["S"] for row in scanned if row.get("ws_id", {}).get("S") == world.ws_id]
    assert (summary["memberCount"], summary["projectCount"]) == (kinds.count("WSMEM"), kinds.count("PROJ"))
    assert fetch(Workspace, world.ws_id).last_activity == summary["lastActivity"]
