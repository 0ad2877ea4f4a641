"""enterprise, sections 3 and 4: requirements and features, which are cards."""

from typing import Any

import pytest

from shared.core.actor import Role
from shared.core.ids import new_id
from shared.edge.views.enterprise.planning import PLANNING_EVENTS
from shared.events.change import parse_change
from shared.runs.toolbox.call_context import BoardLanes
from shared.runs.toolbox.card_tools import card_facts
from shared.store import fetch
from shared.work.items.rows import Item
from tests.areas.boards_world import World
from tests.areas.driving import Answer, sign_up
from tests.areas.viewers import raw_row
from tests.kills import concurrently
from tests.samples.planning import FEATURE, REQUIREMENT
from tests.trips import count_requests


def ask(world: World, method: str, path: str, body: Any = None, client=None) -> Answer:
    return (client or world.ada).at("enterprise")("planning", method, path, body=body)


def requirement(world: World, **changes) -> dict:
    answer = ask(world, "POST", f"/projects/{world.project.id}/requirements", REQUIREMENT | changes)
    assert answer.status == 201, answer.text
    return answer.json["data"]


def feature(world: World, parent: str | None = None, **changes) -> dict:
    answer = ask(world, "POST", f"/requirements/{parent or requirement(world)['id']}/features", FEATURE | changes)
    assert answer.status == 201, answer.text
    return answer.json["data"]


def set_status(world: World, made: dict, status: str, reason: str | None = None) -> Answer:
    body = {"status": status} | ({"blocked_reason": reason} if reason is not None else {})
    return ask(world, "PATCH", f"/features/{made['id']}/status", body)


def status_of(world: World, made: dict) -> str:
    return ask(world, "GET", f"/features/{made['id']}").json["data"]["implementation_status"]


def errors(answer: Answer) -> tuple[int, list[str]]:
    return answer.status, [one["field"] for one in answer.json["error"].get("details", [])]


def test_a_requirement_keeps_its_stories_and_is_an_epic_and_a_ticket(world):
    made = requirement(world, tags=["oauth", "security"])
    assert {name: made[name] for name in REQUIREMENT} == REQUIREMENT
    assert (made["status"], made["created_by"], made["tags"]) == ("draft", world.ada.user["id"], ["oauth", "security"])
    assert made["project_id"] == world.project.id
    card = world.ada("cards", "GET", f"/cards/{made['id']}").json
    assert (card["type"], card["title"], card["laneId"]) == ("epic", made["title"], world.lanes[0].id)
    ticket = world.ada.at("omoios")("cards", "GET", f"/tickets/{made['id']}").json
    assert (ticket["phase_id"], ticket["status"], ticket["priority"]) == ("PHASE_BACKLOG", "open", "CRITICAL")
    assert ask(world, "GET", f"/requirements/{made['id']}").json["data"] == made


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": "ab"}, "title"), ({"description": ""}, "description"), ({"acceptance_criteria": []}, "acceptance_criteria"),
        ({"acceptance_criteria": [""]}, "acceptance_criteria.0"), ({"priority": "urgent"}, "priority"),
        ({"estimated_effort_points": -1}, "estimated_effort_points"), ({"user_stories": [{}]}, "user_stories.0.title"),
        ({"user_stories": [{"title": "Login", "story": "x"}]}, "user_stories.0.story"),
        ({"acceptance_criteria": ["x" * 2_000] * 30}, "acceptance_criteria"), ({"colour": "red"}, "colour"),
    ],
)  # fmt: skip
def test_a_requirement_that_is_not_valid_is_named(world, changes, field):
    answer = ask(world, "POST", f"/projects/{world.project.id}/requirements", REQUIREMENT | changes)
    assert errors(answer) == (400, [field])


def test_requirements_have_no_limit_of_a_lane(world):
    assert len({requirement(world)["id"] for _ in range(12)}) == 12


def test_a_feature_is_a_card_below_its_requirement_and_its_developer_the_assignee(world):
    mia = world.join("Mia", "mia@example.com", Role.MEMBER)
    parent = requirement(world)["id"]
    made = feature(world, parent, developer_id=mia.user["id"])
    assert {name: made[name] for name in FEATURE} == FEATURE
    assert (made["requirement_id"], made["implementation_status"], made["developer_id"]) == (
        parent, "not_started", mia.user["id"],
    )  # fmt: skip
    card = world.ada("cards", "GET", f"/cards/{made['id']}").json
    assert (card["type"], card["parentId"], card["assignee"]["id"]) == ("feature", parent, mia.user["id"])
    assert [one["id"] for one in world.ada("cards", "GET", f"/cards/{parent}").json["children"]] == [made["id"]]
    world.ada("cards", "PUT", f"/cards/{made['id']}", body={"assigneeId": world.ada.user["id"]})
    assert ask(world, "GET", f"/features/{made['id']}").json["data"]["developer_id"] == world.ada.user["id"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"name": "A"}, "name"), ({"complexity_points": 0}, "complexity_points"), ({"complexity_points": 14}, "complexity_points"),
     ({"developer_id": new_id()}, "developer_id"), ({"description": ""}, "description"), ({"complexity_points": 2.5}, "complexity_points")],
)  # fmt: skip
def test_a_feature_that_is_not_valid_is_named(world, changes, field):
    answer = ask(world, "POST", f"/requirements/{requirement(world)['id']}/features", FEATURE | changes)
    assert errors(answer) == (400, [field])


def test_only_a_requirement_has_features_and_only_a_feature_their_status(world):
    card, made = world.card(), feature(world)
    for path in (
        f"/requirements/{card.id}/features",
        f"/requirements/{made['id']}/features",
        f"/requirements/{new_id()}/features",
    ):
        answer = ask(world, "POST", path, FEATURE)
        assert (answer.status, answer.json["error"]["details"][0]["message"]) == (404, "Requirement not found")
    for wrong in (card.id, made["requirement_id"], "nonsense"):
        assert ask(world, "PATCH", f"/features/{wrong}/status", {"status": "completed"}).status == 404
    assert fetch(Item, card.id).status == "draft"


def test_the_features_of_a_requirement_are_listed_page_by_page(world):
    parent = requirement(world)["id"]
    names = [feature(world, parent, name=f"Feature {number}")["name"] for number in range(5)]
    world.card(parent_id=parent)  # a card of another kind
    pages = [ask(world, "GET", f"/requirements/{parent}/features?page_size=2&page={page}").json for page in (1, 2, 3)]
    assert [[one["name"] for one in page["data"]] for page in pages] == [names[:2], names[2:4], names[4:]]
    assert pages[0]["pagination"]["total"] == 5
    with count_requests() as seen:
        ask(world, "GET", f"/requirements/{parent}/features")
    assert seen.names == ["BatchGetItem", "BatchGetItem"]


def test_a_status_moves_the_card_and_the_card_the_status(world):
    made = feature(world)
    path = f"/cards/{made['id']}"
    assert set_status(world, made, "in_progress").json["data"]["implementation_status"] == "in_progress"
    assert world.ada("cards", "GET", path).json["status"] == "in_progress"
    done = set_status(world, made, "completed")
    assert (done.status, done.json["data"]["implementation_status"]) == (200, "completed")
    assert world.ada("cards", "GET", path).json["laneId"] == world.lanes[10].id
    assert set_status(world, made, "not_started").json["data"]["implementation_status"] == "not_started"
    assert world.ada("cards", "GET", path).json["laneId"] == world.lanes[0].id
    # agentworks moves it to a lane of work, then to the last one; omoios takes it back
    assert world.ada("cards", "POST", f"{path}/move", body={"toLaneId": world.lanes[6].id}).status == 200
    assert status_of(world, made) == "in_progress"
    assert world.ada("cards", "POST", f"{path}/move", body={"toLaneId": world.lanes[10].id}).status == 200
    assert status_of(world, made) == "completed"
    back = {"ticket_id": made["id"], "target_column_id": "building"}
    assert world.ada.at("omoios")("boards", "POST", "/board/move", body=back).status == 200
    assert status_of(world, made) == "in_progress"


def test_a_blocked_feature_needs_a_reason(world):
    made = feature(world)
    for body in ({"status": "blocked"}, {"status": "blocked", "blocked_reason": " "}):
        assert errors(ask(world, "PATCH", f"/features/{made['id']}/status", body)) == (400, ["blocked_reason"])
    blocked = set_status(world, made, "blocked", "No keys yet").json["data"]
    assert (blocked["implementation_status"], blocked["blocked_reason"]) == ("blocked", "No keys yet")
    assert world.ada.at("omoios")("cards", "GET", f"/tickets/{made['id']}").json["blocked_reason"] == "No keys yet"
    free = set_status(world, made, "not_started").json["data"]
    assert (free["implementation_status"], free["blocked_reason"]) == ("not_started", None)
    assert fetch(Item, made["id"]).status == "draft"  # it was a draft before
    column = {"ticket_id": made["id"], "target_column_id": "blocked"}
    assert world.ada.at("omoios")("boards", "POST", "/board/move", body=column).status == 200
    assert status_of(world, made) == "blocked"


def test_what_the_board_refuses_the_contract_refuses(world):
    made = feature(world)
    waits_for = world.card()
    body = {"dependencyCardId": waits_for.id, "type": "blocks"}
    assert world.ada("cards", "POST", f"/cards/{made['id']}/dependencies", body=body).status == 201
    refused = set_status(world, made, "completed")
    assert (refused.status, refused.json["error"]["code"]) == (400, "VALIDATION_ERROR")
    assert set_status(world, made, "finished").status == 400
    world.archive()
    refused = set_status(world, made, "in_progress")
    assert (refused.status, refused.json["error"]["code"]) == (409, "CONFLICT")
    assert ask(world, "POST", f"/projects/{world.project.id}/requirements", REQUIREMENT).status == 409


def test_two_statuses_at_once_both_count_and_the_later_stays(world):
    made = feature(world)

    def block() -> None:
        from shared.work.items.updating import block_item

        block_item(world.actor, made["id"], "Wait")

    with concurrently(block):
        assert set_status(world, made, "in_progress").status == 200
    assert status_of(world, made) == "in_progress"
    assert fetch(Item, made["id"]).blocked_reason is None


def test_a_key_creates_one_requirement(world):
    path, headers = f"/projects/{world.project.id}/requirements", {"Idempotency-Key": "once"}
    client = world.ada.at("enterprise")
    ids = {client("planning", "POST", path, body=REQUIREMENT, headers=headers).json["data"]["id"] for _ in range(2)}
    assert len(ids) == 1
    assert world.counts().cards == 1


def test_an_agent_is_told_the_stories_of_a_requirement_and_the_notes_of_a_feature(world):
    made, board = feature(world), BoardLanes(world.board, world.lanes)
    told = card_facts(fetch(Item, made["requirement_id"]), board, None)
    assert told["user_stories"] == [
        "User Login: As a user, I want to login...: User can enter email and password; User receives JWT token on success"
    ]
    assert card_facts(fetch(Item, made["id"]), board, None)["implementation_notes"] == FEATURE["implementation_notes"]
    assert not {"user_stories", "implementation_notes"} & card_facts(world.card(), board, None).keys()


# -- events, by the document's names


class Watched:
    """The row of a card as the stream saw it, to tell what events follow."""

    def __init__(self, item_id: str) -> None:
        self.key, self.old = f"ITEM#{item_id}", None

    def events(self) -> list[tuple[str, dict]]:
        new = raw_row(self.key)
        change = parse_change({"dynamodb": {"NewImage": new, "OldImage": self.old}})
        self.old = new
        show = PLANNING_EVENTS.get(change.event.type) if change else None
        named = show(change) if show else None
        return [named] if named else []


def names(events: list[tuple[str, dict]]) -> list[str]:
    return [name for name, _ in events]


def test_the_events_of_a_feature_follow_whichever_contract_moved_it(world):
    made = feature(world)
    watched = Watched(made["id"])
    ((name, data),) = watched.events()
    assert (name, data["feature"]) == ("feature.created", made)
    world.ada("cards", "POST", f"/cards/{made['id']}/move", body={"toLaneId": world.lanes[6].id})
    ((name, data),) = watched.events()
    assert name == "feature.status_changed"
    shown = data["feature"]
    assert (shown["previous_status"], shown["current_status"]) == ("not_started", "in_progress")
    assert (shown["implementation_status"], shown["complexity_points"]) == ("in_progress", 8)
    world.ada.at("omoios")("boards", "POST", "/board/move", body={"ticket_id": made["id"], "target_column_id": "blocked"})
    assert names(watched.events()) == ["feature.status_changed"]
    assert set_status(world, made, "completed").status == 200
    assert names(watched.events()) == ["feature.status_changed"]
    world.ada("cards", "PUT", f"/cards/{made['id']}", body={"title": "Other"})
    assert watched.events() == []  # its status is the same
    assert set_status(world, made, "not_started").status == 200
    assert names(watched.events()) == ["feature.status_changed"]
    world.ada("cards", "PUT", f"/cards/{made['id']}", body={"status": "draft"})
    assert watched.events() == []  # two words of the card, one of the feature
    world.ada("cards", "DELETE", f"/cards/{made['id']}")
    assert watched.events() == []


def test_cards_of_other_kinds_have_no_such_events(world):
    for item_id in (world.card().id, requirement(world)["id"]):
        assert Watched(item_id).events() == []


# -- who may


def test_roles_and_strangers(world):
    made = feature(world)
    viewer = world.join("Vic", "vic@example.com", Role.VIEWER)
    stranger = sign_up("Stan", "stan@example.com")
    for client, read, change in ((viewer, 200, 403), (stranger, 404, 404)):
        assert ask(world, "GET", f"/features/{made['id']}", client=client).status == read
        assert ask(world, "PATCH", f"/features/{made['id']}/status", {"status": "completed"}, client=client).status == change
        assert ask(world, "POST", f"/projects/{world.project.id}/requirements", REQUIREMENT, client=client).status == change
    assert status_of(world, made) == "not_started"
