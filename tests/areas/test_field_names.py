"""The domain speaks its own names; each contract shows its clients the names that they sent, and people in its own form."""

import ast
from pathlib import Path

import pytest

from shared.agents.catalogue import agent_named
from shared.core.errors import Invalid, TransitionRefused
from shared.core.ids import new_id
from shared.events import EventType, get_event, record
from shared.runs.agent_runs.ending import event_data
from shared.runs.toolbox import CallContext, agent_actor, execute_tool
from shared.store import fetch, put, save, write
from shared.work.activities.rows import new_activity
from shared.work.comments.writing import NewComment, create_comment
from shared.work.items.creating import NewItem, create_item
from shared.work.items.dependencies import create_dependency
from shared.work.items.moving import move_item
from shared.work.items.rows import Item
from shared.work.items.updating import update_item
from shared.work.projects.creating import NewProject, create_project
from tests.areas.boards_world import World
from tests.areas.driving import Client
from tests.areas.viewers import listen, messages, messages_for, project, raw_row, stream_record

ROOT = Path(__file__).parents[2]
BUILD = 6


@pytest.fixture
def omoios(world) -> Client:
    return world.ada.at("omoios")


def make(world: World, lane: int = BUILD, **fields):
    body = {"laneId": world.lanes[lane].id, "title": "A card", "type": "task"} | fields
    return world.ada("cards", "POST", f"/boards/{world.board.id}/cards", body=body)


def fields_of(answer) -> list[str]:
    """The names of the fields that an agentworks or omoios answer complains of."""
    named = answer.json.get("validationErrors") or answer.json["error"]["details"]
    return [one["field"] for one in named]


def _raised_names() -> list[str]:
    """The text of the first argument of every `FieldError` that the platform raises, `{}` where it is computed."""
    names = []
    for path in sorted(file for top in ("shared", "functions") for file in (ROOT / top).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "FieldError":
                name = node.args[0]
                parts = name.values if isinstance(name, ast.JoinedStr) else [name]
                names.append("".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts))
    return names


def test_no_field_error_of_the_platform_is_raised_in_camel_case():
    names = _raised_names()
    assert len(names) > 50
    assert [name for name in names if name != name.lower()] == ["Idempotency-Key"]  # a header


# -- errors


def test_a_full_lane_is_told_in_each_contracts_case(world, omoios):
    world.set_wip(BUILD - 1, 1)
    tickets = f"/projects/{world.project.id}/create-ticket"
    body = {"title": "T", "phase_id": "PHASE_IMPLEMENTATION"}
    assert omoios("projects", "POST", tickets, body=body).status == 201
    lane = world.lanes[BUILD - 1].id
    reason = "The lane's WIP limit is reached: at most 1"
    ours = make(world, BUILD - 1).json["error"]["details"]
    assert ours == {"reason": reason, "rule": "lane_wip_limit", "laneId": lane, "wipLimit": 1, "cardCount": 1}
    theirs = omoios("projects", "POST", tickets, body=body).json
    assert theirs["detail"] == "The phase's WIP limit is reached: at most 1"
    assert theirs["error"]["details"] == {
        "reason": theirs["detail"], "rule": "phase_wip_limit", "column_id": "building", "wip_limit": 1, "ticket_count": 1
    }  # fmt: skip


def test_what_a_lane_requires_is_told_in_each_contracts_names(world, omoios):
    world.configure(BUILD - 1, requiredFields=["description", "assigneeId", "estimatedHours", "risk_level"])
    refused = make(world, BUILD - 1).json["error"]
    assert refused["details"]["missingFields"] == ["description", "assigneeId", "estimatedHours", "risk_level"]
    reason = "The lane Scaffolding requires description, assignee, estimated hours, risk_level"
    assert refused["details"]["reason"] == reason
    body = {"title": "T", "phase_id": "PHASE_IMPLEMENTATION"}
    refused = omoios("projects", "POST", f"/projects/{world.project.id}/create-ticket", body=body).json["error"]
    reason = "The phase PHASE_IMPLEMENTATION requires description, assignee, estimated hours, risk_level"
    details = {"reason": reason, "phase_id": "PHASE_IMPLEMENTATION"}
    assert refused["details"] == details | {"missing_fields": ["description"]}  # the others cannot be sent
    refused = omoios("projects", "POST", f"/projects/{world.project.id}/create-ticket", body=body | {"description": "D"})
    details["reason"] = reason.replace("description, ", "")
    assert refused.json["error"]["details"] == details


def test_what_a_lane_does_not_take_is_told_in_each_contracts_words(world, omoios):
    world.configure(BUILD - 1, allowedCardTypes=["bug"])
    refused = make(world, BUILD - 1).json["error"]["details"]
    reason = "The lane Scaffolding does not take cards of type task"
    assert refused == {"reason": reason, "laneId": world.lanes[BUILD - 1].id, "allowedCardTypes": ["bug"]}
    body = {"title": "T", "phase_id": "PHASE_IMPLEMENTATION"}
    refused = omoios("projects", "POST", f"/projects/{world.project.id}/create-ticket", body=body).json["error"]["details"]
    reason = "The phase PHASE_IMPLEMENTATION does not take this ticket"
    assert refused == {"reason": reason, "phase_id": "PHASE_IMPLEMENTATION"}


def test_who_looks_for_a_ticket_does_not_miss_a_card(world, omoios):
    unknown = new_id()
    for area, method, path in (
        ("cards", "GET", f"/tickets/{unknown}"),
        ("comments", "GET", f"/tickets/{unknown}/comments"),
        ("boards", "POST", f"/board/auto-transition/{unknown}"),
    ):
        answer = omoios(area, method, path)
        assert (answer.status, answer.json["detail"]) == (404, "Ticket not found")
    assert world.ada("cards", "GET", f"/cards/{unknown}").json["error"]["message"] == "Card not found"
    item = world.card(10)
    update_item(world.actor, item.id, {"status": "done"})
    answer = omoios("boards", "POST", "/board/move", body={"ticket_id": item.id, "target_column_id": "blocked"})
    assert answer.json["detail"] == "A finished ticket cannot be blocked; reopen it first"


def test_the_cards_that_a_card_waits_for_are_tickets_in_omoios(world, omoios):
    first, waits = make(world, title="A card {lane}").json["id"], make(world).json["id"]
    body = {"dependencyCardId": first, "type": "blocks"}
    assert world.ada("cards", "POST", f"/cards/{waits}/dependencies", body=body).status == 201
    ours = world.ada("cards", "PUT", f"/cards/{waits}", body={"status": "done"})
    reason = "The card depends on 1 unfinished card: A card {lane}"
    assert ours.json["error"]["details"] == {"reason": reason, "rule": "dependency", "cardIds": [first]}
    theirs = omoios("boards", "POST", "/board/move", body={"ticket_id": waits, "target_column_id": "done"})
    reason = "The ticket depends on 1 unfinished ticket: A card {lane}"  # the title as somebody wrote it
    assert theirs.json["error"]["details"] == {"reason": reason, "rule": "dependency", "ticket_ids": [first]}


def test_a_custom_field_keeps_its_key_in_every_case(world, omoios):
    world.define_fields({"key": "risk_level", "name": "Risk", "type": "text", "required": True})
    assert fields_of(make(world)) == ["customFields.risk_level"]
    refused = omoios("projects", "POST", f"/projects/{world.project.id}/create-ticket", body={"title": "T"})
    issue = {"field": "request", "message": "The custom field risk_level is required"}  # tickets are made without
    assert (refused.status, refused.json["error"]["details"]) == (422, [issue])


def test_what_validation_names_is_not_translated_again(world):
    assert fields_of(make(world, customFields={"a_b" * 40: 1})) == ["customFields." + "a_b" * 40]
    assert fields_of(make(world, lane_id="x")) == ["lane_id"]  # unknown: as it was sent


def test_an_agents_name_in_the_settings_stays_as_it_was_sent(world):
    body = {"settings": {"defaultAgentConfigs": {"no_such_agent": {"enabled": True}}}}
    refused = world.ada("workspaces", "PUT", f"/workspaces/{world.ws_id}", body=body)
    assert fields_of(refused) == ["settings.defaultAgentConfigs.no_such_agent"]


def test_an_agent_that_a_new_projects_lane_names_is_found_by_its_place(world):
    lanes = [{"laneNumber": 1}, {"laneNumber": 2, "autoTriggerAgent": "nobody"}]
    body = {"name": "Shop", "slug": "shop", "settings": {"customLaneConfig": lanes}}
    refused = world.ada("projects", "POST", f"/workspaces/{world.ws_id}/projects", body=body)
    assert fields_of(refused) == ["settings.customLaneConfig.1.autoTriggerAgent"]


@pytest.mark.parametrize(
    ("area", "path", "body", "field"),
    [
        ("comments", "/cards/{card}/comments", {"content": "x", "parentCommentId": "nobody"}, "parentCommentId"),
        ("cards", "/cards/{card}/dependencies", {"dependencyCardId": "{card}", "type": "blocks"}, "dependencyCardId"),
        ("documents", "/projects/{project}/docs",
         {"type": "prd", "title": "T", "content": "x", "contentUploadId": "x"}, "contentUploadId"),
        ("cards", "/boards/{board}/cards", {"laneId": "{lane}", "title": "T", "type": "task", "parentId": "{elsewhere}"}, "parentId"),
    ],
)  # fmt: skip
def test_an_operation_that_has_its_own_word_for_a_field_uses_it(world, area, path, body, field):
    other = create_project(world.actor, world.ws_id, NewProject(name="Other")).board_id
    elsewhere = create_item(world.actor, other, NewItem("E", "task", phase_id="PHASE_DESIGN")).id
    known = {
        "card": world.card().id, "project": world.project.id, "board": world.board.id, "lane": world.lanes[0].id,
        "elsewhere": elsewhere,
    }  # fmt: skip
    refused = world.ada(area, "POST", path.format(**known), body={name: value.format(**known) for name, value in body.items()})
    assert (refused.status, fields_of(refused)) == (422, [field])


def test_an_agent_is_told_the_arguments_of_its_tool(world):
    card = world.card()
    agent = agent_named("planner")
    tools = ("add_dependency", "update_card", "move_card")
    work = CallContext(agent_actor(agent, world.ws_id, tools), card.id, "run", tools)
    with pytest.raises(Invalid) as refused:
        execute_tool(work, "add_dependency", {"card": card.id, "depends_on": card.id})
    assert refused.value.message == "depends_on: A card cannot depend on itself"
    with pytest.raises(Invalid) as refused:
        execute_tool(work, "update_card", {"fields": {"acceptance_criteria": ["x" * 9_000] * 5}})
    assert refused.value.message.startswith("fields.acceptance_criteria: This takes at most 40,000 bytes")
    with pytest.raises(Invalid) as refused:
        execute_tool(work, "move_card", {"to_lane": "Nowhere", "reason": "x"})
    assert refused.value.message.startswith("to_lane: There is no lane 'Nowhere'. The lanes are: 0 (Vision & CoPilot Planning)")
    world.configure(BUILD, allowedCardTypes=["doc"])
    with pytest.raises(TransitionRefused) as wrong:
        execute_tool(work, "move_card", {"to_lane": BUILD, "reason": "x"})
    lane = {"lane_id": world.lanes[BUILD].id, "phase_id": "PHASE_IMPLEMENTATION"}
    assert wrong.value.details == lane | {"allowed_card_types": ["doc"]}


# -- people


def _assigned(world: World) -> tuple[Item, list[dict]]:
    """A card that changes hands from Ada to Eve, and what the sockets show of it."""
    from shared.core.actor import Role

    eve = world.join("Eve", "eve@example.com", Role.MEMBER)
    world.ada("auth", "PUT", "/auth/me", body={"avatarUrl": "https://example.com/ada.png"})
    card = world.card(assignee_id=world.actor.id)
    before = raw_row(f"ITEM#{card.id}")
    item = fetch(Item, card.id)
    item.assignee = item.assignee | {"avatar_url": "https://example.com/ada.png"}
    write(save(item))
    changed = world.ada("cards", "PUT", f"/cards/{card.id}", body={"assigneeId": eve.user["id"]})
    assert changed.status == 200
    project(stream_record(raw_row(f"ITEM#{card.id}"), before))
    return fetch(Item, card.id), messages()


def test_people_in_messages_have_the_form_of_the_contract(world):
    listen(world.ws_id)
    card, pushes = _assigned(world)
    eve = card.assignee["id"]
    (ours,) = messages_for(pushes, "agentworks")
    assert ours["data"]["changes"]["assignee"] == {
        "old": {
            "id": world.actor.id,
            "name": "Ada Lovelace",
            "email": "ada@example.com",
            "avatarUrl": "https://example.com/ada.png",
        },
        "new": {"id": eve, "name": "Eve", "email": "eve@example.com"},
    }
    (theirs,) = messages_for(pushes, "omoios")
    assert theirs["payload"]["changes"] == {"assignee_id": eve, "assignee_name": "Eve"}


def test_people_in_activities_have_the_form_of_the_contract(world):
    card, _ = _assigned(world)
    told = world.ada("comments", "GET", f"/cards/{card.id}/activities").json["activities"][0]
    assert told["oldValue"] == {
        "id": world.actor.id, "name": "Ada Lovelace", "email": "ada@example.com", "avatarUrl": "https://example.com/ada.png",
    }  # fmt: skip
    assert told["newValue"] == {"id": card.assignee["id"], "name": "Eve", "email": "eve@example.com"}
    assert told["description"] == "Ada Lovelace assigned the card to Eve"


def test_nobody_is_nobody_in_every_contract(world):
    listen(world.ws_id)
    card = world.card(assignee_id=world.actor.id)
    before = raw_row(f"ITEM#{card.id}")
    assert world.ada("cards", "PUT", f"/cards/{card.id}", body={"assigneeId": None}).status == 200
    item = fetch(Item, card.id)
    assert get_event(item).type is EventType.ITEM_UPDATED
    write(put(new_activity(item, get_event(item))))
    project(stream_record(raw_row(f"ITEM#{card.id}"), before))
    (theirs,) = messages_for(messages(), "omoios")
    assert theirs["payload"]["changes"] == {"assignee_id": None, "assignee_name": None}
    told = world.ada("comments", "GET", f"/cards/{card.id}/activities").json["activities"][0]
    assert (told["description"], told.get("newValue")) == ("Ada Lovelace unassigned the card", None)


def test_who_answered_a_run_that_still_waits_has_the_form_of_the_contract(world):
    run = world.run(world.card(), "waiting")
    run.waiting_for = "approval"
    run.waiting = {"scope": "approval", "reason": "x", "answer": "approved", "answered_by": world.actor.summary}
    write(save(run))
    shown = world.ada("runs", "GET", f"/runs/{run.id}").json["executionMetadata"]["waiting"]
    assert shown["answeredBy"] == {"id": world.actor.id, "name": "Ada Lovelace", "email": "ada@example.com"}


# -- activities


def logged(world: World, card: Item, entity) -> dict:
    """The card's newest activity, after the event that the entity carries."""
    write(put(new_activity(entity, get_event(entity))))
    shown: dict = world.ada("comments", "GET", f"/cards/{card.id}/activities").json["activities"][0]
    return shown


def test_an_activity_of_a_run_has_the_contracts_names_units_and_statuses(world):
    card = world.card()
    run = world.run(card, "waiting")
    estimate = {"waiting_for": "approval", "estimated_price_micros": 1_250_000}
    record(
        run,
        EventType.RUN_WAITING,
        world.actor,
        changes={"status": ["assigned", "waiting"]},
        **event_data(run),
        **estimate,
        reason="R",
    )
    shown = logged(world, card, run)
    assert (shown.get("fieldChanged"), shown.get("newValue")) == (None, None)  # it was pending, and is
    me = {"id": world.actor.id, "name": "Ada Lovelace", "email": "ada@example.com"}
    assert shown["metadata"] == {
        "runId": run.id, "cardId": card.id, "agentId": run.agent_id, "agentName": "PRD Agent", "status": "pending", "triggeredBy": me,
        "customerPrice": 0.0, "waitingFor": "approval", "estimatedPrice": 1.25, "reason": "R",
        "event": "run.waiting", "subjectId": run.id,
    }  # fmt: skip
    run.status, run.started_at = "running", "2026-11-21T10:00:00.000Z"
    record(run, EventType.RUN_STARTED, world.actor, changes={"status": ["waiting", "running"]}, **event_data(run))
    shown = logged(world, card, run)
    assert (shown["fieldChanged"], shown["oldValue"], shown["newValue"]) == ("status", "pending", "running")
    run.status, run.completed_at, run.customer_price_micros = "completed", "2026-11-21T10:00:01.500Z", 2_500_000
    record(run, EventType.RUN_COMPLETED, world.actor, changes={"status": ["waiting", "completed"]}, **event_data(run))
    shown = logged(world, card, run)
    assert (shown["oldValue"], shown["newValue"]) == ("running", "completed")
    assert {name: shown["metadata"][name] for name in ("duration", "customerPrice", "status")} == {
        "duration": 1.5, "customerPrice": 2.5, "status": "completed"
    }  # fmt: skip


def test_an_activity_names_cards_and_lanes_as_the_contract_does(world):
    card, other = world.card(title="Plan"), world.card()
    moved = logged(world, card, move_item(world.actor, card.id, world.lanes[1].id))["metadata"]
    assert (moved["fromLaneId"], moved["toLaneId"]) == (world.lanes[0].id, world.lanes[1].id)
    said = logged(world, card, create_comment(world.actor, card.id, NewComment("Hello")))["metadata"]
    assert (said["cardId"], said["cardTitle"]) == (card.id, "Plan")
    linked = logged(world, card, create_dependency(world.actor, card.id, other.id, "blocks").dependency)["metadata"]
    assert (linked["cardId"], linked["toCardId"]) == (card.id, other.id)
    assert [name for shown in (moved, said, linked) for name in shown if "item" in name.lower() or name.endswith("Lane")] == []


def test_an_agent_that_acts_is_shown_as_the_agent(world):
    """In activities; where the document has a UserSummary alone, an agent is shown as one, with the agent's id and no address."""
    listen(world.ws_id)
    agent, card = agent_named("prd"), world.card(1)
    actor = agent_actor(agent, world.ws_id, ("update_card", "move_card"))
    shown = {"id": agent.id, "name": "prd", "displayName": "PRD Agent", "status": "active"}
    for change, name in (
        (lambda: update_item(actor, card.id, {"title": "By an agent"}), "updatedBy"),
        (lambda: move_item(actor, card.id, world.lanes[2].id), "movedBy"),
    ):
        item = change()
        assert logged(world, card, item)["actor"] == shown
        messages()
        project(stream_record(raw_row(f"ITEM#{card.id}")))
        (told,) = messages_for(messages(), "agentworks")
        assert told["data"][name] == {"id": agent.id, "name": "PRD Agent", "email": ""}
