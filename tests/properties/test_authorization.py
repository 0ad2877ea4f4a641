"""Who may do what: every route of every contract, called by everybody. The routes come from the route table, so none can be forgotten.

    anonymous      401, before the request is even read
    other tenant   404 wherever the path names something of ours
    a role         403 where it lacks the route's permission, else the documented status: every sample below is a valid request

A route that has no sample fails the test that looks for it. Rows live on the local engine: moto takes 110 ms for a transaction.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from infra.routes import Route, table
from shared.agents.catalogue import agent_named
from shared.core.actor import GRANTS, Role
from shared.core.ids import new_id
from shared.events import EventType, record
from shared.items.rows import Item
from shared.runs.rows import Run
from shared.store import create, fetch, write
from tests.areas.boards_world import World, found_world
from tests.areas.driving import Answer, Client, call, sign_up

PRD = agent_named("prd", local=True)
pytestmark = pytest.mark.usefixtures("engine_tables")


@dataclass(frozen=True)
class Sample:
    """A valid request of an operation: what fills its path, its query, its body."""

    path: dict[str, str]
    body: Any = None
    query: str = ""
    status: int | None = None
    """Where the thing's state refuses what the role may do: the status of that."""


class Stage:
    """Ada's workspace with somebody in each role, and a stranger with a workspace of his own."""

    def __init__(self) -> None:
        self.world: World = found_world("owner@matrix.example", "Olga Owner")
        self.callers: dict[str, Client] = {Role.OWNER: self.world.ada} | {
            role: self.world.join(f"{role} person", f"{role}@matrix.example", role)
            for role in (Role.ADMIN, Role.MEMBER, Role.VIEWER)
        }
        room = {"settings": {"maxProjects": 1000}}
        assert self.world.ada("workspaces", "PUT", f"/workspaces/{self.world.ws_id}", body=room).status == 200
        self.world.set_wip(1, None)
        many = {"settings": {"maxConcurrentRuns": 100}}
        assert self.world.ada("projects", "PUT", f"/projects/{self.world.project.id}", body=many).status == 200
        self.stranger = sign_up("Stan Stranger", "stranger@matrix.example")
        self.names = iter(range(10_000))

    # -- things to act on, made by the owner

    def card(self, lane: int = 0) -> str:
        body = {"laneId": self.world.lanes[lane].id, "title": "A card", "type": "task"}
        answer = self.world.ada("cards", "POST", f"/boards/{self.world.board.id}/cards", body=body)
        assert answer.status == 201, answer.text
        return answer.json["id"]

    def comment(self) -> str:
        answer = self.world.ada("comments", "POST", f"/cards/{self.card()}/comments", body={"content": "Words"})
        assert answer.status == 201, answer.text
        return answer.json["id"]

    def dependency(self) -> str:
        body = {"dependencyCardId": self.card(), "type": "relates_to"}
        return self.world.ada("cards", "POST", f"/cards/{self.card()}/dependencies", body=body).json["id"]

    def run(self, status: str = "running") -> str:
        card = fetch(Item, self.card(lane=1))
        run = Run.new(
            new_id(),
            **{"org_id": card.org_id, "ws_id": card.ws_id, "proj_id": card.proj_id, "item_id": card.id},
            **{
                "agent_id": PRD.id,
                "agent": {"id": PRD.id, "name": PRD.name, "display_name": PRD.display_name, "status": "active"},
            },
            **{"status": status, "provider": "embedded", "model": "cadre-embedded-1", "max_tokens": 4000, "lease_until": 0},
            triggered_by=self.world.actor.summary,
        )
        record(run, EventType.RUN_REQUESTED, self.world.actor)
        write(create(run))
        return run.id

    def slug(self) -> str:
        return f"thing-{next(self.names)}"


@pytest.fixture(scope="module")
def stage(engine_tables: None) -> Stage:
    return Stage()


def _of_project(stage: Stage) -> Sample:
    return Sample({"id": stage.world.project.id})


def _of_board(stage: Stage) -> Sample:
    return Sample({"id": stage.world.board.id, "boardId": stage.world.board.id})


def _of_workspace(stage: Stage) -> Sample:
    return Sample({"id": stage.world.ws_id, "workspaceId": stage.world.ws_id})


def _nothing(_: Stage) -> Sample:
    return Sample({})


SAMPLES: dict[str, Callable[[Stage], Sample]] = {
    # agentworks
    "agentworks auth.me": _nothing,
    "agentworks auth.updateMe": lambda _: Sample({}, {"preferences": {"theme": "dark"}}),
    "agentworks workspaces.list": _nothing,
    "agentworks workspaces.get": _of_workspace,
    "agentworks workspaces.create": lambda s: Sample({}, {"name": "Another", "slug": s.slug()}),
    "agentworks workspaces.update": lambda s: Sample({"id": s.world.ws_id}, {"description": "Ours"}),
    "agentworks members.list": _of_workspace,
    "agentworks projects.list": _of_workspace,
    "agentworks projects.get": _of_project,
    "agentworks projects.create": lambda s: Sample({"workspaceId": s.world.ws_id}, {"name": "Other", "slug": s.slug()}),
    "agentworks projects.update": lambda s: Sample({"id": s.world.project.id}, {"description": "Ours"}),
    "agentworks projects.archive": _of_project,
    "agentworks projects.restore": _of_project,
    "agentworks boards.list": _of_project,
    "agentworks boards.get": _of_board,
    "agentworks boards.update": lambda s: Sample({"id": s.world.board.id}, {"name": "Board"}),
    "agentworks boards.lanes": _of_board,
    "agentworks lanes.update": lambda s: Sample({"id": s.world.lanes[1].id}, {"name": "Lane"}),
    "agentworks cards.list": _of_board,
    "agentworks cards.create": lambda s: Sample(
        {"boardId": s.world.board.id}, {"laneId": s.world.lanes[0].id, "title": "T", "type": "task"}
    ),
    "agentworks cards.get": lambda s: Sample({"id": s.card()}),
    "agentworks cards.update": lambda s: Sample({"id": s.card()}, {"title": "T2"}),
    "agentworks cards.move": lambda s: Sample({"id": s.card()}, {"toLaneId": s.world.lanes[0].id}),
    "agentworks cards.delete": lambda s: Sample({"id": s.card()}),
    "agentworks dependencies.list": lambda s: Sample({"id": s.card()}),
    "agentworks dependencies.create": lambda s: Sample({"id": s.card()}, {"dependencyCardId": s.card(), "type": "blocks"}),
    "agentworks dependencies.delete": lambda s: Sample({"id": s.dependency()}),
    "agentworks comments.list": lambda s: Sample({"id": s.card()}),
    "agentworks comments.create": lambda s: Sample({"id": s.card()}, {"content": "Words"}),
    "agentworks activities.list": lambda s: Sample({"id": s.card()}),
    "agentworks agents.list": _nothing,
    "agentworks agents.get": lambda _: Sample({"id": PRD.id}),
    "agentworks agentConfigs.list": _of_project,
    "agentworks agentConfigs.update": lambda s: Sample({"id": s.world.project.id, "agentId": PRD.id}, {"temperature": 0.1}),
    "agentworks runs.list": lambda s: Sample({"id": s.card()}),
    "agentworks runs.trigger": lambda s: Sample({"id": s.card(lane=1), "agentId": PRD.id}, {}),
    "agentworks runs.get": lambda s: Sample({"id": s.run()}),
    "agentworks runs.cancel": lambda s: Sample({"id": s.run()}, {}),
    "agentworks runs.retry": lambda s: Sample({"id": s.run("failed")}, {}),
    "agentworks runs.approve": lambda s: Sample({"id": s.run()}, {}, status=409),
    "agentworks runs.reject": lambda s: Sample({"id": s.run()}, {}, status=409),
    "agentworks usage.workspace": _of_workspace,
    "agentworks usage.project": _of_project,
    # omoios
    "omoios auth.me": _nothing,
    "omoios projects.list": _nothing,
    "omoios projects.create": lambda s: Sample({}, {"name": s.slug()}),
    "omoios projects.get": lambda s: Sample({"project_id": s.world.project.id}),
    "omoios projects.createTicket": lambda s: Sample(
        {"project_id": s.world.project.id}, {"title": "T", "phase_id": "PHASE_BACKLOG"}
    ),
    "omoios board.view": lambda s: Sample({}, query=f"project_id={s.world.project.id}"),
    "omoios board.stats": lambda s: Sample({}, query=f"project_id={s.world.project.id}"),
    "omoios board.wipViolations": lambda s: Sample({}, query=f"project_id={s.world.project.id}"),
    "omoios board.column": lambda _: Sample({"phase_id": "PHASE_BACKLOG"}),
    "omoios board.autoTransition": lambda s: Sample({"ticket_id": s.card()}),
    "omoios board.move": lambda s: Sample({}, {"ticket_id": s.card(), "target_column_id": "backlog"}),
    "omoios tickets.get": lambda s: Sample({"ticket_id": s.card()}),
    "omoios comments.list": lambda s: Sample({"ticket_id": s.card()}),
    "omoios comments.create": lambda s: Sample({"ticket_id": s.card()}, {"content": "Words"}),
    # orchestrator
    "orchestrator users.me": _nothing,
    "orchestrator users.updateMe": lambda _: Sample({}, {"first_name": "Ada"}),
}

APART = {
    # What ends the caller's session or workspace is shown by the tests of its area; here it would end the stage.
    "auth.logout",
    "auth.changePassword",
    "workspaces.delete",
    # A comment is its author's to change: shown in the tests of comments.
    "comments.update",
    "comments.delete",
}
EVERYBODYS = {"agentworks agents.get"}
"""Acts on what belongs to no tenant: the catalogue."""
ONES_OWN = {"omoios projects.create"}
"""Acts in the caller's own organization, whose owner everybody is."""
GUARDED = [route for route in table() if not route.operation.public]


def _id(route: Route) -> str:
    return f"{route.contract} {route.operation.id}"


TRIED = [route for route in GUARDED if route.operation.id not in APART]


def _request(sample: Sample, route: Route, caller: Client) -> Answer:
    path = re.sub(r"\{([^}]*)\}", lambda found: sample.path[found[1]], route.path)
    return caller.at(route.contract)(
        route.area, route.method, path + (f"?{sample.query}" if sample.query else ""), body=sample.body
    )


def test_every_guarded_route_has_a_sample():
    assert sorted(_id(route) for route in TRIED if _id(route) not in SAMPLES) == []


@pytest.mark.parametrize("route", GUARDED, ids=_id)
def test_nobody_gets_in_without_a_token(route: Route, stage: Stage):
    path = re.sub(r"\{[^}]*\}", "0190a0a0-0000-7000-8000-000000000000", route.path)
    answer = call(route.area, route.contract, route.method, path, body="{not even json" if route.method != "GET" else None)
    assert answer.status == 401, answer.text


@pytest.mark.parametrize("route", TRIED, ids=_id)
def test_another_tenant_sees_nothing(route: Route, stage: Stage):
    sample = SAMPLES[_id(route)](stage)
    answer = _request(sample, route, stage.stranger)
    names_ours = _id(route) not in EVERYBODYS and any(
        value not in route.path and len(value) == 36 for value in sample.path.values()
    )
    reaches_ours = names_ours or sample.query or "ticket_id" in (sample.body or {})
    if reaches_ours:
        assert answer.status == 404, answer.text
    else:
        assert answer.status < 500, answer.text
        assert stage.world.ws_id not in answer.text


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("route", TRIED, ids=_id)
def test_a_role_may_what_its_permissions_say(route: Route, role: Role, stage: Stage):
    needs, sample = route.operation.needs, SAMPLES[_id(route)](stage)
    answer = _request(sample, route, stage.callers[role])
    if needs is None or needs in GRANTS[role] or _id(route) in ONES_OWN:
        expected = sample.status or route.operation.status
        assert answer.status == expected, f"{role}: {answer.status} {answer.text}"
    else:
        assert answer.status == 403, f"{role}: {answer.status} {answer.text}"
