"""An offset has no bound: a page behind the end of a list is empty, and DynamoDB is asked for numbers that it can read."""

from collections.abc import Iterator
from typing import Any

import pytest

from shared.store.client import the_client
from shared.work.comments.writing import NewComment, create_comment

FAR = (2**31, 2**63, 10**40)


@pytest.fixture
def limits() -> Iterator[list[int]]:
    """The limits of the queries that were sent."""
    sent: list[int] = []

    def note(params: dict[str, Any], **_: Any) -> None:
        if "Limit" in params:
            sent.append(params["Limit"])

    events = the_client().meta.events
    events.register("provide-client-params.dynamodb.Query", note)
    yield sent
    events.unregister("provide-client-params.dynamodb.Query", note)


@pytest.mark.parametrize("offset", FAR)
def test_a_page_far_behind_the_end_is_empty(world, limits, offset):
    card = world.card()
    create_comment(world.actor, card.id, NewComment("A comment"))
    for area, contract, path in (
        ("comments", "agentworks", f"/cards/{card.id}/comments"),
        ("comments", "omoios", f"/tickets/{card.id}/comments"),
        ("runs", "agentworks", f"/cards/{card.id}/runs"),
        ("runs", "agentworks", f"/workspaces/{world.ws_id}/approvals"),
        ("documents", "agentworks", f"/projects/{world.project.id}/docs"),
        ("projects", "agentworks", f"/workspaces/{world.ws_id}/projects"),
        ("projects", "omoios", "/projects"),
        ("cards", "agentworks", f"/boards/{world.board.id}/cards"),
        ("cards", "agentworks", f"/boards/{world.board.id}/cards?search=card"),
        ("billing", "agentworks", f"/workspaces/{world.ws_id}/billing/invoices"),
        ("boards", "omoios", f"/board/tickets?column_id=backlog&project_id={world.project.id}"),
    ):
        answer = world.ada.at(contract)(area, "GET", f"{path}{'&' if '?' in path else '?'}offset={offset}")
        assert answer.status == 200, (path, answer.text)
        pages = [
            one for one in ([answer.json] if isinstance(answer.json, list) else answer.json.values()) if isinstance(one, list)
        ]
        assert pages[:1] == [[]], (path, answer.text)
    assert max(limits) < 2**31


@pytest.mark.parametrize("offset", FAR)
def test_of_omoios_too(world, limits, offset):
    card = world.card()
    ada = world.ada.at("omoios")
    assert (
        ada("usage", "POST", "/costs/budgets", body={"scope_type": "ticket", "scope_id": card.id, "limit_amount": 1}).status
        == 201
    )
    for area, path in (
        ("usage", "/costs/budgets"),
        ("usage", "/costs/budgets?scope_type=ticket"),
        ("notifications", "/alerts"),
        ("notifications", "/alerts?status=resolved"),
        ("messaging", "/collaboration/threads"),
        ("agents", "/agents"),
        ("tasks", "/tasks"),
        ("guardian", "/guardian/actions"),
        ("insights", "/search?q=card"),
    ):
        answer = ada(area, "GET", f"{path}{'&' if '?' in path else '?'}offset={offset}")
        assert answer.status == 200, (path, answer.text)
        shown = (
            answer.json if isinstance(answer.json, list) else next(one for one in answer.json.values() if isinstance(one, list))
        )
        assert shown == [], path
    assert max(limits) <= 5_001  # nobody makes a request read a whole table


def test_of_many_budgets_some_thousands_are_listed(world, monkeypatch):
    monkeypatch.setattr("shared.money.budgets.setting.LISTED", 3)
    ada = world.ada.at("omoios")
    for card in [world.card() for _ in range(5)]:
        body = {"scope_type": "ticket", "scope_id": card.id, "limit_amount": 1}
        assert ada("usage", "POST", "/costs/budgets", body=body).status == 201
    answer = ada("usage", "GET", "/costs/budgets?scope_type=ticket&limit=2&offset=2")
    assert (len(answer.json), answer.header("X-Total-Count")) == (1, "3")
    assert ada("usage", "GET", f"/costs/budgets?scope_type=ticket&scope_id={card.id}").json[0]["scope_id"] == card.id
