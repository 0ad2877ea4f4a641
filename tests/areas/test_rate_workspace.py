"""All members of a workspace together: so many requests an hour, taken by the handful."""

import pytest

from shared.core.limits import RateRule
from shared.edge.contracts.agentworks import Agentworks
from shared.people.access import quota_leases
from shared.people.access.quota_leases import QuotaLeases
from tests.areas.boards_world import World, create_world
from tests.areas.driving import Answer

RULE = RateRule("aw", 50, 3600)


@pytest.fixture(autouse=True)
def leases() -> None:
    """Leases are as small as they are."""


@pytest.fixture
def world(aws, monkeypatch) -> World:
    monkeypatch.setattr(quota_leases, "PROCESS_LEASES", QuotaLeases())
    monkeypatch.setattr(Agentworks, "workspace_rule", RULE)
    return create_world()


def limits(answer: Answer) -> tuple[int, int, int]:
    return tuple(int(answer.header(f"X-RateLimit-{name}") or "-1") for name in ("Limit", "Remaining", "Window"))


def test_the_documented_limit():
    rule = Agentworks.workspace_rule
    assert rule is not None
    assert (rule.limit, rule.window) == (10_000, 3600)


def test_the_tighter_limit_is_told(world):
    path = f"/boards/{world.board.id}"
    limit, left, _ = limits(world.ada("boards", "GET", path))
    assert limit == 50
    assert limits(world.ada("boards", "GET", path)) == (50, left - 1, 3600)
    assert limits(world.ada("auth", "GET", "/auth/me"))[0] == 1_000  # about no workspace


def test_a_request_about_many_rows_of_a_workspace_is_one(world):
    card = world.card().id
    before = limits(world.ada("boards", "GET", f"/boards/{world.board.id}"))[1]
    lane = world.lanes[2].id
    assert limits(world.ada("cards", "POST", f"/cards/{card}/move", body={"toLaneId": lane}))[1] == before - 1


def test_past_the_limit_the_workspace_is_refused_and_nobody_else(world):
    path = f"/boards/{world.board.id}"
    eve = create_world("eve@example.com", "Eve")
    statuses = [world.ada("boards", "GET", path).status for _ in range(52)]
    assert statuses.index(429) >= 48  # making the world has taken some of the fifty
    refused = world.ada("boards", "GET", path)
    error = refused.json["error"]
    assert (error["code"], error["message"]) == ("RATE_LIMIT_EXCEEDED", "Rate limit exceeded")
    assert (error["details"]["limit"], error["details"]["window"]) == (50, 3600)
    assert 1 <= error["details"]["retryAfter"] <= 3600
    assert limits(refused) == (50, 0, 3600)
    assert refused.header("Retry-After") == str(error["details"]["retryAfter"])
    assert eve.ada("boards", "GET", f"/boards/{eve.board.id}").status == 200


def test_a_refused_change_changes_nothing(world):
    card = world.card().id
    while world.ada("boards", "GET", f"/boards/{world.board.id}").status == 200:
        pass
    assert world.ada("cards", "PUT", f"/cards/{card}", body={"title": "Too late"}).status == 429
    assert world.ada.at("omoios")("cards", "GET", f"/tickets/{card}").json["title"] == "A card"  # a contract without this limit
