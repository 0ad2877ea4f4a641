"""The audit trail of omoios: of a ticket, an agent and a project; and that it is sealed whole, once, in order."""

import dataclasses

import pytest
import time_machine

from shared.agents.catalogue import agent_named
from shared.core import clock
from shared.core.actor import Role
from shared.core.clock import timedelta
from shared.core.ids import new_id
from shared.edge.views.omoios.audit import KINDS
from shared.events import Event, EventType
from shared.insight.audit import marking, sealing
from shared.insight.audit.proof import GENESIS, digest, entries_of
from shared.insight.audit.sealing import seal_due
from shared.insight.audit.trails import sealed_blocks
from shared.runs.toolbox.executor import agent_actor
from shared.source.commits.linking import link_commit
from shared.source.commits.rows import Commit, commit_id
from shared.store import fetch
from shared.work.activities.rows import Activity, new_activity, project_log
from shared.work.comments.writing import NewComment, create_comment
from shared.work.items.moving import move_item
from shared.work.projects.creating import NewProject, create_project
from tests.areas.boards_world import World, create_world
from tests.areas.driving import Answer, Client, deadline
from tests.areas.github_world import in_repository
from tests.areas.live_agents_world import registered, stored
from tests.areas.viewers import project, raw_row, stream_record
from tests.github_server import sha_of
from tests.kills import concurrently, crash_at_every_write
from tests.seeding import put_directly
from tests.trips import count_requests

PRD = agent_named("prd")


@pytest.fixture
def world(aws) -> World:
    marking._marked.clear()
    return create_world()


def get(world: World, path: str, client: Client | None = None) -> Answer:
    return (client or world.ada).at("omoios")("audit", "GET", path)


def tell(pk: str, before: dict | None = None) -> None:
    assert project(stream_record(raw_row(pk), before)) == []


def entries(world: World, number: int, start: str = "2026-05-01T00:00:00.000Z", card=None) -> list[Activity]:
    """Entries of the world's project, a second apart, as the projector would have written them."""
    card = card or world.card()
    first = clock.parse(start)
    rows = [
        new_activity(
            card,
            Event(
                new_id(),
                EventType.ITEM_UPDATED,
                world.actor.summary,
                clock.iso(first + timedelta(seconds=at)),
                {"title": [f"Title {at}", f"Title {at + 1}"]},
                {},
            ),
        )
        for at in range(number)
    ]
    put_directly(rows)
    return rows


def test_every_event_has_a_type_and_a_sentence():
    assert {event.value for event in EventType} - KINDS.keys() == set()
    types = [kind.type for kind in KINDS.values()]
    assert len(set(types)) == len(types)
    assert all(kind.sentence and kind.sentence[0].islower() for kind in KINDS.values())


def test_the_trail_of_a_ticket_as_the_document_has_it(world):
    card = world.card(title="Let customers pay")
    tell(f"ITEM#{card.id}")
    before = raw_row(f"ITEM#{card.id}")
    move_item(world.actor, card.id, world.board.lane_ids[5])
    tell(f"ITEM#{card.id}", before)
    agent = agent_actor(PRD, world.ws_id, ("comment",), world.project.id)
    comment = create_comment(agent, card.id, NewComment("Words"))
    tell(f"COM#{comment.id}")
    answer = get(world, f"/audit/tickets/{card.id}")
    assert (answer.status, answer.header("X-Total-Count"), answer.header("X-Next-Cursor")) == (200, "3", None)
    commented, moved, created = answer.json
    assert [one["type"] for one in answer.json] == ["comment_created", "ticket_moved", "ticket_created"]
    assert created == {
        "id": created["id"],
        "timestamp": created["timestamp"],
        "type": "ticket_created",
        "entity_type": "ticket",
        "entity_id": card.id,
        "ticket_id": card.id,
        "project_id": world.project.id,
        "agent_id": None,
        "agent_name": None,
        "actor_type": "user",
        "actor_id": world.actor.id,
        "actor_name": "Ada Lovelace",
        "description": "Ada Lovelace created the ticket",
        "details": created["details"],
    }
    assert moved["description"] == "Ada Lovelace moved the ticket from backlog to building"
    assert (moved["details"]["from_column"], moved["details"]["to_column"]) == ("backlog", "building")
    assert "lane_id" not in moved["details"].get("changes", {})
    assert (commented["actor_type"], commented["agent_id"], commented["agent_name"]) == ("agent", PRD.id, PRD.display_name)
    assert (commented["entity_type"], commented["entity_id"]) == ("comment", comment.id)


def test_the_trail_of_an_agent_has_what_it_did_and_nothing_of_others(world):
    card = world.card()
    tell(f"ITEM#{card.id}")
    agent = agent_actor(PRD, world.ws_id, ("comment",), world.project.id)
    comments = [create_comment(agent, card.id, NewComment(f"Words {number}")) for number in range(3)]
    for comment in comments:
        tell(f"COM#{comment.id}")
    answer = get(world, f"/audit/agents/{PRD.id}?limit=2")
    assert (answer.status, answer.header("X-Total-Count")) == (200, "3")
    assert [one["entity_id"] for one in answer.json] == [comments[2].id, comments[1].id]
    assert {one["ticket_id"] for one in answer.json} == {card.id}
    rest = get(world, f"/audit/agents/{PRD.id}?limit=2&cursor={answer.header('X-Next-Cursor')}")
    assert ([one["entity_id"] for one in rest.json], rest.header("X-Next-Cursor")) == ([comments[0].id], None)
    eve = create_world("eve@example.com", "Eve")
    assert get(eve, f"/audit/agents/{PRD.id}").json == []  # the agent works for everybody; what it did is each one's own
    assert get(world, f"/audit/agents/{new_id()}").status == 404


def test_a_live_agent_has_a_trail_from_its_first_moment_on(world):
    agent_id = registered(world.ada, project_id=world.project.id)["agent_id"]
    path = f"/audit/agents/{agent_id}"
    empty = get(world, path)  # nothing that it did has been projected yet
    assert (empty.status, empty.json, empty.header("X-Total-Count")) == (200, [], "0")
    eve = create_world("eve@example.com", "Eve")
    assert get(eve, path).status == 404
    tell(f"AINS#{agent_id}")
    before = raw_row(f"AINS#{agent_id}")
    assert world.ada.at("omoios")("agents", "POST", f"/agents/{agent_id}/availability", body={"available": False}).status == 200
    tell(f"AINS#{agent_id}", before)
    changed, made = get(world, path).json
    name = stored(agent_id).name
    assert [(one["agent_id"], one["agent_name"], one["actor_type"]) for one in (changed, made)] == [(agent_id, name, "user")] * 2
    assert [one["type"] for one in (changed, made)] == ["agent_status_changed", "agent_registered"]


def test_a_commit_of_a_live_agent_is_linked_under_its_name(world):
    agent_id = registered(world.ada, project_id=world.project.id)["agent_id"]
    in_repository(world.actor, world.project, world.card())
    commit = fetch(Commit, commit_id(world.ws_id, sha_of("in a repository")))
    link = link_commit(world.actor, world.card(), commit, agent_id)
    tell(f"CMTLINK#{link.id}")
    [linked] = get(world, f"/audit/agents/{agent_id}").json
    assert (linked["type"], linked["agent_name"]) == ("commit", stored(agent_id).name)


def test_what_is_done_under_the_fence_of_an_agent_is_its_own_doing(world):
    """A person does the same without a fence: that is not the agent's."""
    ada, agent_id = world.ada.at("omoios"), registered(world.ada, project_id=world.project.id)["agent_id"]
    card = world.card().id
    task = ada("tasks", "POST", f"/tickets/{card}/tasks", body={"description": "Do it"}).json["id"]
    fence = ada("tasks", "POST", f"/tasks/{task}/claim", body={"agent_id": agent_id}).json["fence"]
    for body in (
        {"status": "in_progress", "fence": fence},
        {"description": "Do it well"},
        {"status": "failed", "fence": fence, "error_message": "The disk is full"},
    ):
        before = raw_row(f"TASK#{task}")
        assert ada("tasks", "PUT", f"/tasks/{task}", body=body).status == 200
        tell(f"TASK#{task}", before)
    shown = [(one["agent_id"], one["agent_name"], one["actor_type"]) for one in get(world, f"/audit/tickets/{card}").json]
    theirs = (agent_id, stored(agent_id).name, "user")
    assert shown == [theirs, (None, None, "user"), theirs]
    assert len(get(world, f"/audit/agents/{agent_id}").json) == 2


def test_a_project_is_walked_to_its_end_and_counted(world):
    rows = entries(world, 250)
    path = f"/audit/projects/{world.project.id}?limit=100"
    shown: list[str] = []
    answer = get(world, path)
    while True:
        shown += [one["id"] for one in answer.json]
        assert answer.header("X-Total-Count") == "250"
        cursor = answer.header("X-Next-Cursor")
        if cursor is None:
            break
        answer = get(world, f"{path}&cursor={cursor}")
    assert shown == [row.id for row in reversed(rows)]
    assert [one["id"] for one in get(world, f"{path}&offset=240").json] == [row.id for row in rows[9::-1]]
    refused = get(world, f"{path}&offset=1001")
    assert (refused.status, refused.json["error"]["code"]) == (422, "VALIDATION_ERROR")
    eve = create_world("eve@example.com", "Eve")
    assert get(eve, f"/audit/projects/{eve.project.id}?cursor={get(world, path).header('X-Next-Cursor')}").status == 422


def test_dates_are_whole_days_and_both_included(world):
    rows = entries(world, 3, "2026-05-01T23:59:59.000Z")
    path = f"/audit/projects/{world.project.id}"

    def found(query: str) -> list[str]:
        answer = get(world, f"{path}?{query}")
        assert answer.header("X-Total-Count") == str(len(answer.json))
        return [one["id"] for one in answer.json]

    assert found("start_date=2026-05-02") == [rows[2].id, rows[1].id]
    assert found("end_date=2026-05-01") == [rows[0].id]
    assert found("start_date=2026-05-01&end_date=2026-05-02") == [row.id for row in reversed(rows)]
    assert found("start_date=2026-05-02T00:00:01Z&end_date=2026-05-02T00:00:01Z") == [rows[2].id]
    assert get(world, f"{path}?start_date=2026-05-02&end_date=2026-05-01").status == 422
    assert get(world, f"{path}?start_date=yesterday").status == 422


def test_who_may_see_it(world):
    card = world.card()
    tell(f"ITEM#{card.id}")
    viewer = world.join("Vera", "vera@example.com", Role.VIEWER)
    eve = create_world("eve@example.com", "Eve")
    for path in (f"/audit/tickets/{card.id}", f"/audit/projects/{world.project.id}"):
        assert len(get(world, path, viewer).json) == 1
        assert get(eve, path).status == 404
        assert get(world, path.replace(path[-36:], new_id())).status == 404
    assert Client("omoios")("audit", "GET", f"/audit/tickets/{card.id}").status == 401


def test_amounts_are_for_who_may_see_costs(world):
    run = world.run(world.card())
    run.customer_price_micros = 250_000
    row = new_activity(
        run, Event(new_id(), EventType.RUN_COMPLETED, world.actor.summary, clock.iso(), {}, {"customer_price_micros": 250_000})
    )
    put_directly([row])
    path = f"/audit/projects/{world.project.id}"
    assert get(world, path).json[0]["details"] == {"customer_price": 0.25}
    viewer = world.join("Vera", "vera@example.com", Role.VIEWER)
    assert get(world, path, viewer).json[0]["details"] == {}


def test_a_page_costs_the_same_at_any_depth(world):
    entries(world, 300)
    world.ada("auth", "GET", "/auth/me")
    cursor = get(world, f"/audit/projects/{world.project.id}?limit=200").header("X-Next-Cursor")
    for query in ("limit=50", f"limit=50&cursor={cursor}"):
        with count_requests() as seen:
            assert len(get(world, f"/audit/projects/{world.project.id}?{query}").json) == 50
        assert (seen.names, sorted(seen.beside)) == (["BatchGetItem"], ["GetItem", "Query", "Query", "Query"])


def test_a_page_that_is_longer_than_an_answer_is_refused_and_loses_nothing(world):
    """It cannot end early: the cursor stands behind its last entry."""
    card = world.card()
    event = Event(new_id(), EventType.ITEM_UPDATED, world.actor.summary, clock.iso(), {}, {"note": "x" * 30_000})
    rows = [new_activity(card, dataclasses.replace(event, id=new_id())) for _ in range(251)]
    put_directly(rows)
    refused = get(world, f"/audit/projects/{world.project.id}?limit=250")
    assert (refused.status, "ask for" in refused.text) == (422, True)
    assert len(get(world, f"/audit/projects/{world.project.id}?limit=100").json) == 100


# -- sealing


def seal(world: World, seconds: float = 0) -> int:
    """Run the job that seals, as it would so many seconds from now."""
    with time_machine.travel(clock.now() + timedelta(seconds=seconds), tick=True):
        return seal_due(deadline())


def due(world: World, rows: list[Activity], ago: float = 0) -> None:
    """Mark the logs of entries, as their writer does."""
    with time_machine.travel(clock.now() - timedelta(seconds=ago), tick=True):
        for row in rows:
            marking.mark(row)


def chain(world: World) -> list[tuple[str, str]]:
    """Log and position of all sealed entries, in the order of the chain; its links are checked."""
    found, previous = [], GENESIS
    for number, block in enumerate(sealed_blocks(f"WS#{world.ws_id}"), 1):
        body = block.parsed
        assert (body["number"], body["previous"], digest(block.body)) == (number, previous, block.hash)
        found += [(log, position) for log, position, _ in entries_of(body)]
        previous = block.hash
    return found


def places(rows: list[Activity]) -> list[tuple[str, str]]:
    return [(row.pk, row.position) for row in rows]


def test_what_is_old_enough_is_sealed_in_order_and_once(world):
    rows = entries(world, 450)
    due(world, rows)
    assert seal(world) == 450
    assert chain(world) == places(rows)
    assert seal(world) == 0
    assert [len(block.parsed["entries"]) for block in sealed_blocks(f"WS#{world.ws_id}")] == [200, 200, 50]
    fresh = entries(world, 1, clock.iso())
    due(world, fresh)
    assert seal(world) == 0  # it may have neighbours that are still being written
    assert get(world, f"/audit/projects/{world.project.id}").header("X-Total-Count") == "451"
    assert seal(world, marking.HORIZON + 2) == 1
    assert chain(world) == places([*rows, *fresh])
    assert get(world, f"/audit/projects/{world.project.id}").header("X-Total-Count") == "451"


def test_logs_of_one_workspace_are_one_chain(world):
    rows = entries(world, 5)
    other = create_project(world.actor, world.ws_id, NewProject(name="Other"))
    tell(f"PROJ#{other.id}")
    due(world, rows)
    assert seal(world, 100) == 6
    assert {log for log, _ in chain(world)} == {project_log(world.project.id), project_log(other.id)}


def test_a_tenant_in_which_nothing_happens_costs_nothing(world):
    rows = entries(world, 3)
    due(world, rows)
    seal(world)
    assert seal(world, 400) == 0
    with count_requests() as seen:
        assert seal(world, 460) == 0
    assert seen.names == ["Query", "Query"]  # the two lists of what is due: both are empty
    again = entries(world, 1, clock.iso())
    marking._marked.clear()  # a minute later
    due(world, again)
    assert seal(world, 200) == 1


def test_what_comes_late_is_in_a_later_block_and_counted_all_the_time(world):
    rows = entries(world, 4)
    due(world, [*rows])
    assert seal(world) == 4
    card = world.card()
    late = stream_record(raw_row(f"ITEM#{card.id}"))
    with time_machine.travel(clock.now() + timedelta(hours=3), tick=True):
        marking._marked.clear()
        newer = entries(world, 1, clock.iso())
        due(world, newer)
        assert seal(world, 120) == 1
        assert project(late) == []  # its event is three hours older than the last block
        path = f"/audit/projects/{world.project.id}"
        assert get(world, path, relogged(world)).header("X-Total-Count") == "6"
        assert seal(world, 120) == 1
        assert get(world, path, relogged(world)).header("X-Total-Count") == "6"
        assert seal(world, 200) == 0
    assert [position.partition("#")[2] for _, position in chain(world)][-1] == card.event_id
    assert sorted(chain(world)) == sorted(set(chain(world)))


def relogged(world: World) -> Client:
    """Ada with a token that is new."""
    answer = world.ada("auth", "POST", "/auth/login", body={"email": "ada@example.com", "password": "correct horse"})
    return Client("agentworks", answer.json["token"], world.ada.user)


def test_two_sealers_make_one_chain(world):
    rows = entries(world, 5)
    due(world, rows)
    sealed: list[int] = []

    def other() -> None:
        sealed.append(sealing.seal(f"WS#{world.ws_id}"))

    with concurrently(other):
        sealed.append(seal(world))
    assert sorted(sealed) == [0, 5]
    assert chain(world) == places(rows)


def test_a_sealer_that_dies_at_any_write_seals_nothing_twice(world):
    rows = entries(world, 450)
    due(world, rows)
    for process in crash_at_every_write():
        with process:
            seal(world)
    assert chain(world) == places(rows)
