"""The cascade of a deleted workspace may die after any of its writes, and come twice: the end is the same."""

from datetime import timedelta

import pytest
import time_machine

from shared.core import clock
from shared.core.actor import Role
from shared.core.ids import new_id
from shared.edge.cascade import clearing
from shared.edge.cascade.purging import RETENTION
from shared.edge.cascade.queue import Task
from shared.people.access import records
from shared.people.tenancy import invitations
from shared.people.tenancy.rows import Workspace
from shared.people.tenancy.workspaces import create_workspace, delete_workspace, list_memberships
from shared.runs.agent_runs import queue
from shared.runs.agent_runs.requesting import RunRequest, request_run
from shared.runs.agent_runs.rows import ActiveRuns, Run
from shared.store import Entity, fetch, get, query, write
from shared.work.items.creating import NewItem, create_item
from shared.work.items.rows import Item
from shared.work.projects.creating import NewProject, create_project
from shared.work.projects.rows import Project
from tests.kills import crash_at_every_write, crash_at_write
from tests.properties.test_members import actor_named, again

pytestmark = pytest.mark.usefixtures("aws")
LATER = float("inf")


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "enqueue", lambda *_: None)
    monkeypatch.setattr(queue, "stop_execution", lambda *_: None)
    monkeypatch.setattr("shared.runs.agent_runs.ending.publish_run_status", lambda *_, **__: None)


class Place:
    """A deleted workspace: two members, two projects, an agent at work, and one member whom the deletion left out."""

    def __init__(self) -> None:
        owner = actor_named("Owner")
        workspace = create_workspace(owner, "Gone", f"gone-{new_id()}")
        self.ws_id, owner = workspace.id, again(owner.id)
        self.people = [owner.id]
        for name in ("Eve", "Bob"):
            somebody = actor_named(name)
            token = invitations.invite(owner, self.ws_id, somebody.email, Role.MEMBER).token
            invitations.accept(somebody, self.ws_id, token)
            self.people.append(somebody.id)
        self.projects = [create_project(owner, self.ws_id, NewProject(name)) for name in ("One", "Two")]
        lane = f"{query(Entity, f'BOARD#{self.projects[0].board_id}#LANE', index=1, limit=2).rows[1].pk.partition('#')[2]}"
        self.card = create_item(owner, self.projects[0].board_id, NewItem("A card", "task", lane_id=lane))
        self.run = request_run(owner, self.card.id, "prd", RunRequest()).run
        delete_workspace(owner, self.ws_id)
        write(records.grant_workspace(self.people[-1], self.ws_id, Role.MEMBER))

    def check_cleared(self) -> None:
        workspace = fetch(Workspace, self.ws_id)
        assert workspace.cleared_at
        assert list_memberships(self.ws_id) == []
        assert [one for one in self.people if self.ws_id in again(one).workspaces] == []
        assert fetch(Run, self.run.id).status == "cancelled"
        assert fetch(Item, self.card.id).lease_run is None
        for one in self.projects:
            assert fetch(Project, one.id).deleted_at == workspace.deleted_at
            assert not get(ActiveRuns, f"PROJ#{one.id}", "RUNS").run_ids

    def check_purged(self) -> None:
        things = [f"WS#{self.ws_id}", f"ITEM#{self.card.id}", f"RUN#{self.run.id}"]
        things += [f"BOARD#{one.board_id}#{what}" for one in self.projects for what in ("POSTINGS", "WORDS")]
        things += [f"{kind}#{one_id}" for one in self.projects for kind, one_id in (("PROJ", one.id), ("BOARD", one.board_id))]
        assert [one for one in things if query(Entity, one, consistent=True).rows] == []
        assert [one for one in self.projects if get(Entity, f"SLUG#WS#{self.ws_id}#{one.slug}")] == []


def do(task: Task | None) -> None:
    """The whole task."""
    while task is not None:
        task = clearing.process(task, LATER)


@pytest.mark.thorough
@pytest.mark.parametrize("step", ["members", "purge"])
def test_it_may_die_after_any_of_its_writes(step):
    """A message that is not done comes again, from its beginning."""
    later = clock.now() + RETENTION + timedelta(days=1)
    deaths = 0
    for process in crash_at_every_write():
        place = Place()
        task = Task(place.ws_id, step)
        if step == "purge":
            do(Task(place.ws_id))
        with time_machine.travel(later if step == "purge" else clock.now()):
            with process:
                do(task)
            do(task)
            (place.check_purged if step == "purge" else place.check_cleared)()
            with crash_at_write(None) as third:
                do(task)
            assert third.names == []
            (place.check_purged if step == "purge" else place.check_cleared)()
        deaths += process.dead
    assert deaths > (8 if step == "purge" else 6)
