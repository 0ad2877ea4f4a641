"""Half, four fifths and the whole of a month: said once each, to those who listen, and written to those who want it."""

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine

from shared.core.actor import Role
from shared.core.money import MICROS
from shared.edge.reactions import workspaces
from shared.events import EventType, record
from shared.money.budgets import reserving
from shared.money.budgets.reserving import Scope, announce_spending, change_month_limit, read_caps, settle_reservation
from shared.money.budgets.rows import Budget, budget_id, this_month
from shared.people.tenancy.rows import Workspace, WorkspaceMembership
from shared.store import fetch, get, save, write
from shared.work.projects.rows import Project
from tests.areas.boards_world import World, create_world, put_on_plan
from tests.areas.driving import Client, confirm_address
from tests.areas.ledger import record_usage
from tests.areas.mailbox import requested_mails
from tests.areas.viewers import listen, project, pushed, raw_row, stream_record

DOLLAR = MICROS


@pytest.fixture(autouse=True)
def _in_april() -> Iterator[None]:
    with time_machine.travel("2026-04-11T12:00:00Z", tick=True):
        yield


@pytest.fixture
def world(aws) -> World:
    workspaces._written_at.clear()
    world = create_world()
    confirm_address(world.ada)
    listen(world.ws_id)
    limit(world, 10)
    read_caps(Scope(None, world.ws_id, world.project.id, "c", "r"))
    return world


def limit(world: World, usd: float) -> dict[str, Any]:
    """A new limit in the workspace's settings. The stream's record of it."""
    workspace = fetch(Workspace, world.ws_id)
    before = raw_row(*Workspace.key(world.ws_id))
    workspace.settings = workspace.settings | {"maxMonthlyUsage": usd}
    record(workspace, EventType.WORKSPACE_UPDATED, world.actor)
    write(save(workspace))
    return stream_record(raw_row(*Workspace.key(world.ws_id)), before)


def month(world: World) -> Budget:
    return fetch(Budget, budget_id("workspace", world.ws_id, this_month()))


@pytest.fixture
def said(monkeypatch) -> list[dict[str, Any]]:
    """The stream's records of what was announced, in order."""
    found: list[dict[str, Any]] = []
    real = reserving.write

    def watching(*operations: Any) -> None:
        real(*operations)
        row = operations[0].request.get("Key")
        if row and "event_id" in str(operations[0].request):
            found.append(stream_record(raw_row(row["PK"]["S"], row["SK"]["S"])))

    monkeypatch.setattr(reserving, "write", watching)
    return found


def shares(records: list[dict[str, Any]]) -> list[tuple[int, bool]]:
    events = [Budget.decode(one["dynamodb"]["NewImage"]).event["data"] for one in records]
    return [(event["threshold_percentage"], event["passed"]) for event in events]


def spend(world: World, usd: float) -> None:
    price = int(usd * DOLLAR)
    write(*settle_reservation({"amount": 0, "budgets": [month(world).id]}, (), price))
    announce_spending(Scope(None, world.ws_id, "", "", ""))


def test_what_is_passed_at_one_stroke_is_said_one_by_one(world, said):
    spend(world, 4.99)
    assert said == []
    spend(world, 3.5)
    spend(world, 0.5)
    spend(world, 6)
    spend(world, 1)
    assert shares(said) == [(50, True), (80, False), (100, False)]
    assert month(world).warned == 100


def test_a_limit_that_falls_is_passed_at_once(world, said):
    spend(world, 4)
    assert said == []
    project(limit(world, 4.5))
    assert shares(said) == [(50, True), (80, False)]
    assert month(world).limit == 4.5 * DOLLAR
    said.clear()
    project(limit(world, 4.5))
    change_month_limit("nobody", 1)
    assert said == []


def test_a_limit_that_rises_makes_the_same_share_news_again(world, said):
    spend(world, 10)
    said.clear()
    project(limit(world, 20))
    assert said == []  # half of it is spent, and half was said
    spend(world, 6)
    assert shares(said) == [(80, False)]


def member(world: World, name: str, role: Role, **wishes: bool) -> Client:
    client = confirm_address(world.join(name, f"{name.lower()}@example.com", role))
    if wishes:
        body = {"preferences": {"notifications": wishes}}
        assert client("auth", "PUT", "/auth/me", body=body).status == 200
    return client


def test_those_in_charge_who_want_it_are_written_to(world, said):
    member(world, "Adele", Role.ADMIN)
    member(world, "Albert", Role.ADMIN, usageAlerts=False)
    member(world, "Agnes", Role.ADMIN, email=False)
    member(world, "Max", Role.MEMBER)
    world.join("Alien", "alien@example.com", Role.ADMIN)  # never confirmed the address
    gone = member(world, "Gone", Role.ADMIN)
    row = get(WorkspaceMembership, *WorkspaceMembership.key_in(world.ws_id, gone.user["id"]))
    row.deleted_at = row.created_at
    write(save(row))
    record_usage(world, f"{this_month()}-01", int(1.7 * DOLLAR))  # sold for 8.50
    spend(world, 8.5)
    assert len(said) == 2
    requested_mails()
    for one in said:
        project(one)
    told = pushed("agentworks")
    assert [one["data"]["thresholdPercentage"] for one in told if one["type"] == "usage_threshold"] == [50, 80]
    project(said[-1])  # the stream repeats itself
    mails = requested_mails()
    assert {mail["to"] for mail in mails} == {"ada@example.com", "adele@example.com"}
    assert len({mail["id"] for mail in mails}) == 2  # by which the mailer sends each once
    values = mails[0]["values"]
    assert (values["percent"], values["spent"], values["limit"]) == (80, "8.50", "10.00")
    assert values["reached"] == "2026-04-13"  # 0.81 a day
    assert values["url"].endswith(f"/workspaces/{world.ws_id}/usage")


def test_who_changes_the_limit_up_and_down_mails_nobody_without_end(world, said):
    put_on_plan(world.ws_id)
    for _ in range(8):
        spend(world, float(month(world).limit) / DOLLAR)
        project(limit(world, 2 * month(world).limit / DOLLAR))
    requested_mails()
    assert len([passed for _, passed in shares(said) if not passed]) == 8
    for one in said:
        project(one)
    assert len(requested_mails()) == 5


def test_a_workspace_that_is_gone_writes_to_nobody(world, said):
    spend(world, 10)
    workspace = fetch(Workspace, world.ws_id)
    workspace.deleted_at = workspace.created_at
    write(save(workspace))
    requested_mails()
    project(said[-1])
    assert requested_mails() == []
    assert isinstance(fetch(Project, world.project.id), Project)
