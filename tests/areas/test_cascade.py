"""What goes with a deleted workspace: at once, in the background, and for good."""

import json
from datetime import timedelta
from itertools import cycle
from pathlib import Path

import boto3
import pytest
import time_machine

from functions.cascade_worker import handler as worker
from shared.channels.sockets.connections import get_connection
from shared.core import clock
from shared.core.actor import Actor, Permission, Role
from shared.core.errors import Conflict, NotFound
from shared.core.ids import new_id
from shared.edge.cascade import clearing
from shared.edge.cascade.purging import CHILDREN, LEAF_KINDS, RETENTION
from shared.edge.cascade.queue import Task
from shared.insight.memories.completing import learn_from_task
from shared.insight.memories.learning import judge_pattern
from shared.insight.memories.ranking import SearchQuery
from shared.insight.memories.reflecting import Report
from shared.insight.memories.searching import search_memories
from shared.insight.memories.storing import NewMemory, store_memory
from shared.insight.quality.gating import define_gate
from shared.insight.quality.measuring import NewMetric, record_metric
from shared.insight.statistics.files import FileActivity
from shared.insight.statistics.rows import Statistic, project_statistics, workspace_statistics
from shared.money.usage.rows import Rollup, card_partition
from shared.people.access import records
from shared.people.tenancy import workspaces
from shared.people.tenancy.rows import Organization, Workspace, WorkspaceMembership
from shared.planning.explorations import exploring, papers
from shared.planning.explorations.rows import Exploration
from shared.planning.phases.artifacts import NewArtifact, add_artifact
from shared.planning.phases.moving import transition
from shared.planning.tickets.creating import NewTicket, create_ticket
from shared.runs.agent_runs import queue
from shared.runs.agent_runs.requesting import RunRequest, request_run
from shared.runs.agent_runs.rows import ActiveRuns, Run
from shared.runs.live_agents.changing import update_agent
from shared.runs.live_agents.registering import NewAgent, create_agent
from shared.store import Entity, create, fetch, get, put, save, store_text, write, writing
from shared.store.client import dynamodb
from shared.work.attachments.rows import Attachment
from shared.work.boards.lanes import lane_id_of
from shared.work.boards.rows import Counts
from shared.work.discoveries.spawning import NewDiscovery, SpawnedTask, report_discovery, spawn_task
from shared.work.items import planning
from shared.work.items.creating import NewItem, create_item
from shared.work.items.rows import Item
from shared.work.projects.creating import NewProject, create_project
from shared.work.projects.rows import Project
from shared.work.quality_gates.rules import Gate
from shared.work.tasks.creating import NewTask, add_task
from shared.work.tasks.dependencies import add_dependencies
from shared.work.testing import cases, results
from tests.areas.boards_world import World, create_world, put_on_plan
from tests.areas.cascades import event, process_all, waiting
from tests.areas.driving import Client, Context, confirm_address, run_jobs, sign_up
from tests.areas.github_world import in_repository
from tests.areas.test_invitations import accept, invite, token_of
from tests.areas.test_workspaces_agentworks import make
from tests.areas.viewers import Viewer, drain, messages, project, raw_row, stream_record
from tests.kills import concurrently, crash_at_write

EVENTS = Path(__file__).parents[2] / "events"


class Place:
    """A workspace of Ada's beside her default one: Eve is a member, two projects have cards."""

    def __init__(self) -> None:
        self.world: World = create_world()
        self.ada = confirm_address(self.world.ada)
        self.ws_id = make(self.ada).json["id"]
        put_on_plan(self.ws_id, maxMembers=50)
        self.eve = self.came("eve")
        held = records.find_access(self.ada.user["id"])
        self.actor = records.build_actor(self.ada.user["id"], held, next(iter(dict(held.sessions))))
        self.projects = [create_project(self.actor, self.ws_id, NewProject(name)) for name in ("One", "Two")]
        self.cards = [self.card(one) for one in self.projects]

    def came(self, name: str) -> Client:
        email = f"{name}@example.com"
        client = sign_up(name.capitalize(), email)
        assert accept(client, self.ws_id, token_of(invite(self.ada, self.ws_id, email))).status == 200
        return client

    def card(self, of: Project, lane: int = 1):
        return create_item(self.actor, of.board_id, NewItem("A card", "task", lane_id=lane_id_of(of.board_id, lane)))

    def run(self, number: int = 0) -> Run:
        answer = self.ada("runs", "POST", f"/cards/{self.cards[number].id}/agents/prd/run", body={})
        assert answer.status == 202, answer.text
        return fetch(Run, answer.json["run"]["id"])

    def delete(self) -> dict:
        """Delete it, and let the stream consumer see it. The record of the stream."""
        assert self.ada("workspaces", "DELETE", f"/workspaces/{self.ws_id}").status == 202
        record = stream_record(raw_row(f"WS#{self.ws_id}"))
        assert project(record) == []
        return record


@pytest.fixture
def place(aws, monkeypatch) -> Place:
    monkeypatch.setattr(queue, "stop_execution", lambda arn, _: stopped.append(arn))
    stopped.clear()
    return Place()


stopped: list[str] = []


def rows(*, but: tuple[str, ...] = ()) -> dict[tuple[str, str], dict]:
    """The core table, without the kinds that are named."""
    found = dynamodb().scan(TableName="core")["Items"]
    return {(row["PK"]["S"], row["SK"]["S"]): row for row in found if row.get("kind", {}).get("S") not in but}


def test_deleting_queues_the_cascade_by_its_event(place):
    place.delete()
    assert waiting() == [{"workspace": place.ws_id, "step": "members", "after": None}]


def test_a_message_for_what_is_not_there_is_done(aws):
    sample = json.loads((EVENTS / "sqs-cascade.json").read_text())
    assert worker.handler(sample, Context()) == {"batchItemFailures": []}
    assert waiting() == []


def test_everything_that_goes_on_by_itself_ends(place, gateway):
    run = place.run()
    raw = dynamodb().update_item(
        TableName="core",
        Key={"PK": {"S": f"RUN#{run.id}"}, "SK": {"S": "META"}},
        UpdateExpression="SET execution = :arn",
        ExpressionAttributeValues={":arn": {"S": "arn:one"}},
        ReturnValues="ALL_NEW",
    )
    assert raw["Attributes"]["execution"]["S"] == "arn:one"
    viewer = Viewer(gateway, place.eve, f"/api/workspaces/{place.ws_id}/events")
    elsewhere = Viewer(gateway, place.ada, f"/api/workspaces/{place.world.ws_id}/events")
    drain()
    place.delete()
    process_all()
    assert gateway.closed == [viewer.id]
    assert get_connection(elsewhere.id) is not None
    ended = fetch(Run, run.id)
    assert (ended.status, ended.error_code, ended.error_message) == ("cancelled", "CANCELLED", "The workspace was deleted")
    assert stopped == ["arn:one"]
    workspace = fetch(Workspace, place.ws_id)
    assert workspace.cleared_at > workspace.deleted_at
    for one in place.projects:
        assert fetch(Project, one.id).deleted_at == workspace.deleted_at
        assert get(Counts, *Counts.key(one.board_id)).closed is True
        assert get(ActiveRuns, f"PROJ#{one.id}", "RUNS").closed is True
    assert get(WorkspaceMembership, f"WS#{place.ws_id}", f"MEM#{place.eve.user['id']}").deleted_at == workspace.deleted_at
    assert fetch(Organization, workspace.org_id).project_count == 1  # of the other workspace


def test_twice_changes_nothing_more(place):
    place.run()
    record = place.delete()
    tasks = waiting()
    process_all(*tasks)
    after = rows(but=("ACT",))
    process_all(*tasks)
    project(record)
    process_all()
    assert rows(but=("ACT",)) == after


def test_a_step_is_bounded_and_goes_on_where_it_stopped(place, monkeypatch):
    monkeypatch.setattr(worker, "SECONDS", 0.0)
    place.delete()
    (task,) = waiting()
    assert worker.handler(event(task), Context()) == {"batchItemFailures": []}
    (pending,) = waiting()
    assert pending["step"] == "projects"
    assert [fetch(Project, one.id).deleted_at for one in place.projects] == [None, None]
    assert process_all(pending) >= 2
    assert fetch(Workspace, place.ws_id).cleared_at


def test_whom_the_deletion_left_out_the_cascade_finds(place, monkeypatch):
    """The process that deletes dies after its first transaction."""
    monkeypatch.setattr(workspaces, "REVOKED_PER_TRANSACTION", 1)
    more = [place.came(name) for name in ("bob", "cy")]
    with crash_at_write(1) as process:
        workspaces.delete_workspace(place.actor, place.ws_id)
    assert process.dead
    assert any(one("workspaces", "GET", f"/workspaces/{place.ws_id}/members").status == 200 for one in (place.eve, *more))
    assert project(stream_record(raw_row(f"WS#{place.ws_id}"))) == []
    process_all()
    for one in (place.ada, place.eve, *more):
        assert one("workspaces", "GET", f"/workspaces/{place.ws_id}/members").status == 404


def test_no_agent_begins_in_what_is_deleted(place):
    """By a lane, at the end of another run: nobody's membership is asked there."""
    mover = Actor(
        "u", "Somebody", workspaces={place.ws_id: Role.MEMBER}, scopes=frozenset({Permission.AGENT_RUN, Permission.CARD_READ})
    )
    place.delete()
    for _ in ("before the cascade", "after it"):
        with pytest.raises(NotFound):
            request_run(mover, place.cards[0].id, "prd", RunRequest(trigger="lane"))
        process_all()


def test_a_run_that_is_asked_for_while_its_project_closes_does_not_begin(place, monkeypatch):
    mover = Actor("u", "Somebody", workspaces={place.ws_id: Role.MEMBER})
    task = {"workspace": place.ws_id, "step": "projects", "after": None}

    def deleted(model, one):
        row = fetch(model, one)
        if model is Workspace:
            row.deleted_at = row.created_at
        return row

    monkeypatch.setattr("shared.edge.cascade.clearing.fetch", deleted)

    with concurrently(lambda: process_all(task)) as request, pytest.raises((NotFound, Conflict)):
        request_run(mover, place.cards[0].id, "prd", RunRequest(trigger="lane"))
    assert request.happened
    assert get(ActiveRuns, f"PROJ#{place.projects[0].id}", "RUNS").run_ids is None


def test_what_is_not_deleted_is_left_alone(place):
    before = rows()
    for step in ("members", "projects", "purge"):
        process_all({"workspace": place.ws_id, "step": step, "after": None})
        process_all({"workspace": "0190a0a0-0000-7000-8000-000000000000", "step": step, "after": None})
    assert rows() == before


def tick() -> None:
    run_jobs("purge")


def furnished(place: Place) -> None:
    """One of everything, below the workspace and beside it."""
    ada, card = place.ada, place.cards[0].id
    place.run(1)
    assert ada("cards", "DELETE", f"/cards/{place.card(place.projects[0]).id}").status == 204
    for area, path, body in (
        ("comments", f"/cards/{card}/comments", {"content": "Words"}),
        ("documents", f"/projects/{place.projects[0].id}/docs", {"type": "prd", "title": "P", "content": "Words"}),
        ("cards", f"/cards/{card}/dependencies", {"dependencyCardId": place.card(place.projects[0]).id, "type": "relates_to"}),
    ):
        assert ada(area, "POST", path, body=body).status == 201
    assert ada("agents", "PUT", f"/projects/{place.projects[0].id}/agent-configs/prd", body={"temperature": 0.1}).status == 200
    criteria = planning.NewRequirement("R", "Words", ["It works"])
    requirement = planning.create_requirement(place.actor, place.projects[0].board_id, criteria)
    feature = planning.create_feature(place.actor, requirement.id, planning.NewFeature("F", "Words"))
    case = cases.create_case(place.actor, feature.id, cases.NewTestCase("T", "Words", [{"action": "Look"}], "Seen"))
    results.record_result(place.actor, case.id, results.NewResult("passed", logs=[{"line": "x"}]))
    first = add_task(place.actor, feature, new_id(), NewTask("First"))
    second = add_task(place.actor, feature, new_id(), NewTask("Second", depends_on=[first.id]))
    add_dependencies(place.actor, first.id, [add_task(place.actor, feature, new_id(), NewTask("Before")).id])
    spawn_task(place.actor, report_discovery(place.actor, second.id, NewDiscovery("bug", "It leaks")).id, SpawnedTask("Mend it"))
    report = Report("Fix the leak", "It leaked because nobody closed it", [], "Always close it")
    assert learn_from_task(place.actor, second.id, report, "agent-1").change_id is not None
    for _ in range(2):
        stored = store_memory(place.actor, second.id, NewMemory("Fixed the leak: it leaked because nobody closed it", True))
    search_memories(place.actor, SearchQuery("Fix the leak"))
    assert stored.pattern is not None
    judge_pattern(place.actor, stored.pattern.id, helpful=True)
    record_metric(place.actor, second.id, NewMetric("coverage", "lines", 50))
    define_gate(place.actor, Gate("g", "G", "quality", (), "warn"), place.projects[0].id)
    in_repository(place.actor, place.projects[0], fetch(Item, card))
    create_ticket(place.actor, place.projects[0].id, NewTicket("Wanted", approval_required=True))
    ticket = create_ticket(place.actor, place.projects[0].id, NewTicket("Login"))
    add_artifact(place.actor, ticket.id, NewArtifact("PHASE_DESIGN", "sketch", "a.png"))
    before = raw_row(f"ITEM#{ticket.id}")
    transition(place.actor, ticket.id, "PHASE_DESIGN")
    assert project(stream_record(raw_row(f"ITEM#{ticket.id}"), before)) == []
    explored = exploring.start(place.actor, fetch(Workspace, place.ws_id), "A web shop where customers can buy pottery")
    papers.generate_requirements(place.actor, explored.exploration.id)
    for key in (
        f"github/{place.ws_id}/contents/1",
        f"documents/{place.ws_id}/d/1",
        f"runs/{place.ws_id}/r/context",
        f"documents/{place.world.ws_id}/d/1",
    ):
        store_text(key, "x" * 400_000)
    for row in rows(but=("ACT",)).values():
        if "event" in row and row.get("ws_id", {}).get("S") == place.ws_id:
            assert project(stream_record(row)) == []
    for row in (
        Statistic(pk=workspace_statistics(place.ws_id), sk="TOTAL"),
        Statistic(pk=project_statistics(place.projects[0].id), sk="AGENT#a#PHASE_TESTING"),
        FileActivity(*FileActivity.key(place.projects[0].id)),
        Rollup(card_partition(card), "AGENT-M#2026-11#a"),
    ):
        write(put(row))
    attached = fetch(Item, card)
    made = Attachment.new(
        new_id(), ws_id=attached.ws_id, proj_id=attached.proj_id, item_id=card, board_id=attached.board_id,
        filename="a.txt", content_type="text/plain", size=1, uploaded_by=place.actor.summary,
    )  # fmt: skip
    attached.attachments = [made.summary]
    write(create(made), save(attached))
    for _ in range(2):
        agent = create_agent(place.actor, NewAgent("worker"), place.projects[0].org_id, place.ws_id, place.projects[0].id)
    update_agent(place.actor, agent.id, {"status": "terminated"})
    messages()
    waiting()


def files() -> list[str]:
    return [one["Key"] for one in boto3.client("s3").list_objects_v2(Bucket="files").get("Contents", [])]


@pytest.mark.parametrize("seconds", [20.0, 0.0])
def test_after_thirty_days_nothing_is_left_but_what_was_used(place, monkeypatch, seconds):
    monkeypatch.setattr(worker, "SECONDS", seconds)
    before_it_was = {key for key, row in rows().items() if row.get("ws_id", {}).get("S") == place.world.ws_id}
    furnished(place)
    place.delete()
    process_all()
    tick()
    assert waiting() == []
    with time_machine.travel(clock.now() + RETENTION - timedelta(hours=1)):
        tick()
        assert waiting() == []
        process_all({"workspace": place.ws_id, "step": "purge", "after": None})  # not yet due, whoever asks
        assert fetch(Workspace, place.ws_id) is not None
    with time_machine.travel(clock.now() + RETENTION + timedelta(hours=1)):
        tick()
        (task,) = waiting()
        calls = process_all(task)
        assert calls > 15 if seconds == 0.0 else calls == 1
        check_nothing_left(place)
        tick()
        assert waiting() == []
    assert before_it_was <= set(rows())
    assert [key for key in files() if place.ws_id in key] == []
    assert f"documents/{place.world.ws_id}/d/1" in files()


def check_nothing_left(place: Place) -> None:
    left = {key: row for key, row in rows().items() if place.ws_id in json.dumps(row)}
    # invitations expire; the account stays, and so do the hashes of the audit trail, which say nothing of what was erased
    assert {row["kind"]["S"] for row in left.values()} <= {"INV", "BILLING", "AUDIT"}
    assert Exploration.KIND not in {key[0].partition("#")[0] for key in rows()}
    ours = {one.id for one in (*place.projects, *place.cards)} | {one.board_id for one in place.projects}
    others = {key: row for key, row in rows().items() if row.get("kind") != {"S": "AUDIT"}}
    assert [key for key, row in others.items() if ours & set(json.dumps(row).replace("#", '"').split('"'))] == []


def test_a_purge_that_dies_between_single_rows_leaves_nothing(place, monkeypatch):
    """A batch of removals is no transaction: a few of its rows may be gone and the others not. What is left must still be found."""
    furnished(place)
    place.delete()
    process_all()
    monkeypatch.setattr(writing, "_BATCH", 1)
    deaths = 0
    with time_machine.travel(clock.now() + RETENTION + timedelta(hours=1)):
        for number in cycle((3, 4, 5)):  # of rows that are in no list, up to two are removed again each time
            with crash_at_write(number) as process:
                assert clearing.process(Task(place.ws_id, "purge"), float("inf")) is None
            deaths += process.dead
            if not process.dead:
                break
            assert deaths < 200, "the purge does not come to an end"
        assert deaths > 15
        check_nothing_left(place)


ELSEWHERE = {
    "USER", "ORG", "ORGMEM", "APIKEY", "OCL", "WHK",  # of no workspace
    "USE", "BILLING", "INVC", "PAY", "CREDIT",  # the ledger, and the invoices that are made of it: they stay
    "ATT", "DOCSHELF",  # in places of their own: `APART`
    # beside their workspace, project, build, repository or thread, gone with it
    "WSMEM", "ACFG", "PROJSTATS", "VUL", "APR", "ISS", "PULL", "REMARK", "BRANCH", "SAID", "HEARD", "GATES", "PLAYBOOK",
    "THRPART", "ALERTRULES",
    "OP",  # kept for thirty days, which a deleted workspace is kept too: gone before the purge
}  # fmt: skip
"""Kinds that no list below a workspace leads to."""


def _below(model):
    for one in model.__subclasses__():
        yield one
        yield from _below(one)


def test_whoever_adds_a_kind_says_what_becomes_of_it():
    """A kind of entity is found by the purge, or it is said here why not."""
    import pkgutil
    from importlib import import_module

    import shared

    for module in pkgutil.walk_packages(shared.__path__, "shared."):
        import_module(module.name)
    below = {
        "PROJ", "BOARD", "ITEM", "EXPL", "DOC", "RUN", "TASK", "TC", "TR", "BLD", "WS", "REPO", "CMT", "THR", "MEMORY", "PATTERN",
        "SBX", "MSG", "COL",
    } | LEAF_KINDS  # fmt: skip
    ours = [one for one in _below(Entity) if one.__module__.startswith("shared.")]  # tests have entities of their own
    kinds = {one.KIND for one in ours if getattr(one, "KIND", "")}
    assert kinds - below - ELSEWHERE == set()
    assert set(CHILDREN) <= kinds
