"""The stream consumer: each event counted once, told once, in order, whatever fails or repeats."""

import pytest

from bench.trips import costing, size_of
from shared.core.actor import Role
from shared.core.clock import iso, now, timedelta
from shared.core.ids import new_id
from shared.edge import reactions
from shared.edge.reactions import workspaces
from shared.events import EventType, record
from shared.people.tenancy.rows import Workspace, WorkspaceMembership, membership_row
from shared.store import collection, fetch, get, save, write
from shared.store.client import dynamodb
from shared.work.activities.rows import Activity, project_log
from shared.work.discoveries.rows import create_discovery
from shared.work.items.dependencies import create_dependency, delete_dependency
from shared.work.items.moving import move_item, move_to_column
from shared.work.items.rows import Item
from shared.work.items.updating import block_item, update_item
from shared.work.projects.rows import ProjectStats
from shared.work.tasks.creating import create_task
from shared.work.tasks.rows import Task
from tests.areas.boards_world import World, create_world
from tests.areas.viewers import listen, messages, project, pushed, raw_row, stream_record
from tests.trips import count_requests


@pytest.fixture
def world(aws) -> World:
    workspaces._written_at.clear()
    world = create_world()
    listen(world.ws_id)
    return world


def stats(world: World) -> ProjectStats:
    found = get(ProjectStats, *ProjectStats.key(world.project.id))
    assert found is not None
    return found


def numbers(world: World) -> tuple[int, int]:
    found = stats(world)
    return int(found.cards), int(found.active_runs)


class History:
    """An entity's images as the stream would show them."""

    def __init__(self, pk: str, sk: str = "META") -> None:
        self.key, self.images, self.records = (pk, sk), [], []

    def seen(self) -> dict:
        new = raw_row(*self.key)
        found = stream_record(new, self.images[-1] if self.images else None, sequence=len(self.images) + 1)
        self.images.append(new)
        self.records.append(found)
        return found


def created(world: World, **more) -> tuple[Item, dict]:
    card = world.card(**more)
    return card, stream_record(raw_row(f"ITEM#{card.id}"))


# -- activity and numbers


def test_an_event_becomes_one_activity_and_is_counted_once(world):
    card, record_ = created(world)
    assert project(record_) == []
    assert project(record_, record_) == []
    (row,) = collection(1, f"ITEM#{card.id}", "ACT#")
    activity = get(Activity, *row.key)
    assert (activity.id, activity.type, activity.item_id) == (card.event_id, "item.created", card.id)
    assert (activity.subject_kind, activity.subject_id, activity.actor["id"]) == ("ITEM", None, world.actor.id)
    assert activity.event_id is None  # it is no event itself: the stream must not come round
    assert row.key == (project_log(world.project.id), activity.position)  # the log of the project is the table itself
    assert activity.indexes().keys() == {1}  # an index entry costs a write: its card lists it, and nothing else
    assert numbers(world) == (1, 0)


def test_a_replay_of_the_whole_stream_changes_nothing(world):
    history = []
    for number in range(3):
        card = world.card(title=str(number))
        seen = History(f"ITEM#{card.id}")
        seen.seen()
        move_item(world.actor, card.id, world.board.lane_ids[5])
        seen.seen()
        run = world.run(card)
        ran = History(f"RUN#{run.id}")
        ran.seen()
        if number:
            world.end(run)
            ran.seen()
        history += [*seen.records, *ran.records]
    gone = fetch(Item, card.id)
    before = raw_row(f"ITEM#{card.id}")
    gone.deleted_at = iso()
    record(gone, EventType.ITEM_DELETED, world.actor)
    write(save(gone))
    history.append(stream_record(raw_row(f"ITEM#{card.id}"), before))
    for index, one in enumerate(history):
        one["dynamodb"]["SequenceNumber"] = str(index)
    assert project(*history) == []
    assert numbers(world) == (2, 1)
    table = everything()
    assert project(*history) == []
    assert project(*reversed(history)) == []
    assert everything() == table


def everything() -> list:
    rows = dynamodb().scan(TableName="core")["Items"]
    return sorted(rows, key=lambda row: (row["PK"]["S"], row["SK"]["S"]))


def test_what_carries_no_new_event_is_nothing(world):
    card, record_ = created(world)
    image = record_["dynamodb"]["NewImage"]
    keys = {"PK": {"S": "x"}, "SK": {"S": "y"}}
    expired = {"eventName": "REMOVE", "eventID": "r", "dynamodb": {"Keys": keys, "OldImage": image, "SequenceNumber": "9"}}
    touched = stream_record(image, image)
    assert project(touched, stream_record({"PK": {"S": "BOARD#1"}, "SK": {"S": "COUNTS"}}), expired) == []
    assert collection(1, f"ITEM#{card.id}", "ACT#") == []
    assert messages() == []


def test_a_persons_own_affairs_are_in_no_log(world):
    assert project(stream_record(raw_row(f"USER#{world.actor.id}"))) == []
    assert messages() == []
    assert not [row for row in everything() if row["PK"]["S"].startswith(("ACT#", "LOG#"))]


def test_the_workspace_knows_when_something_last_happened(world):
    card, record_ = created(world)
    project(record_)
    workspace = fetch(Workspace, str(world.project.ws_id))
    first = workspace.last_activity
    workspaces._written_at.clear()
    record_["dynamodb"]["NewImage"] = later(record_["dynamodb"]["NewImage"], minutes=2)
    project(record_)
    assert fetch(Workspace, workspace.id).last_activity > first
    workspaces._written_at.clear()
    project(stream_record(raw_row(f"ITEM#{card.id}")))  # the older one again
    assert fetch(Workspace, workspace.id).last_activity > first


def test_the_project_knows_when_something_last_happened_to_the_minute(world):
    _, record_ = created(world)
    image = record_["dynamodb"]["NewImage"]
    project(stream_record(later(image, minutes=2)))
    noted = stats(world).last_activity
    assert noted > world.project.created_at
    with count_requests() as seen:
        project(stream_record(later(image, minutes=2.5)))
    assert (stats(world).last_activity, seen.names.count("UpdateItem")) == (noted, 0)
    workspaces._written_at.clear()  # another process
    project(stream_record(later(image, minutes=2.5)))
    assert stats(world).last_activity == noted


def test_an_activity_is_one_put_under_a_kilobyte_where_no_counter_moves(world):
    card = world.card(5, title="Let customers pay by invoice")
    old = raw_row(f"ITEM#{card.id}")
    project(stream_record(old))
    moved = move_item(world.actor, card.id, world.board.lane_ids[6])  # in the same phase
    record = stream_record(raw_row(f"ITEM#{card.id}"), old)
    with costing() as cost:
        assert project(record) == []
    # the activity; the lane and its project; the lanes of the board, of which none has conditions; who listens
    assert cost.names == ["PutItem", "BatchGetItem", "Query", "Query"]
    assert size_of(raw_row(project_log(world.project.id), f"{moved.event['at']}#{moved.event_id}")) < 1_024
    assert cost.writes == 2  # the row and its index entry
    assert cost.reads == 2.5


def test_a_change_of_phase_costs_no_more_than_any_move(world):
    """The stay in the phase is summed up by the move itself, in rows that it writes anyway."""
    card = world.card(title="Let customers pay by invoice")
    old = raw_row(f"ITEM#{card.id}")
    project(stream_record(old))
    with costing() as asked:
        move_item(world.actor, card.id, world.board.lane_ids[5])
    record = stream_record(raw_row(f"ITEM#{card.id}"), old)
    with costing() as cost:
        assert project(record) == []
    assert (asked.names, asked.writes) == (["BatchGetItem", "TransactWriteItems"], 6)  # the card, its place, the counts
    assert cost.names[0] == "PutItem"
    assert cost.writes == 2  # the activity and its index entry
    assert not {"UpdateItem", "TransactWriteItems"} & set(cost.names)


def later(image: dict, minutes: float) -> dict:
    import json

    event = json.loads(image["event"]["S"])
    event |= {"at": iso(now() + timedelta(minutes=minutes)), "id": new_id()}
    return image | {"event": {"S": json.dumps(event)}, "event_id": {"S": event["id"]}}


def test_what_nobody_listens_to_is_not_published(aws):
    world = create_world()
    _, record_ = created(world)
    assert (project(record_), messages()) == ([], [])
    listen(world.ws_id)
    _, record_ = created(world)
    assert project(record_) == []
    assert len(messages()) == 1


# -- failures


def test_a_reaction_that_fails_keeps_no_other_from_its_work(world, monkeypatch):
    card, record_ = created(world)
    _, fine = created(world)
    fine["dynamodb"]["SequenceNumber"] = "2"
    broken = [card.event_id]

    def breaking(change):
        if change.event.id in broken:
            raise ValueError("poison")

    monkeypatch.setattr(reactions, "REACTIONS", (breaking, *reactions.REACTIONS))
    assert project(record_, fine) == ["1"]
    assert numbers(world) == (2, 0)
    assert len(pushed("agentworks")) == 2
    broken.clear()
    assert project(record_) == []
    assert numbers(world) == (2, 0)


def test_later_events_of_an_entity_wait_for_the_one_that_failed(world, monkeypatch):
    card = world.card()
    seen = History(f"ITEM#{card.id}")
    seen.seen()
    move_item(world.actor, card.id, world.board.lane_ids[5])
    seen.seen()
    other, fine = created(world)
    fine["dynamodb"]["SequenceNumber"] = "3"
    order = []

    def listing(change):
        if not order and change.id == card.id:
            order.append("failed")
            raise ValueError("once")
        order.append((change.id, change.event.type))

    monkeypatch.setattr(reactions, "REACTIONS", (listing,))
    assert project(*seen.records, fine) == ["1", "2"]
    assert project(*seen.records) == []
    assert order == [
        "failed",
        (other.id, EventType.ITEM_CREATED),
        (card.id, EventType.ITEM_CREATED),
        (card.id, EventType.ITEM_MOVED),
    ]


def test_a_row_that_cannot_be_read_is_set_aside_not_lost(world):
    _, record_ = created(world)
    record_["dynamodb"]["NewImage"]["event"] = {"S": '{"type": "no.such_event"}'}
    assert project(record_) == ["1"]


def test_an_old_event_is_no_news(world):
    _, record_ = created(world)
    record_["dynamodb"]["NewImage"] = later(record_["dynamodb"]["NewImage"], minutes=-11)
    assert project(record_) == []
    assert messages() == []


# -- agentworks' events


def test_a_card_is_created_updated_moved_and_deleted(world):
    card = world.card(title="Plan")
    seen = History(f"ITEM#{card.id}")
    seen.seen()
    card.due_date = "2027-01-01"
    record(card, EventType.ITEM_UPDATED, world.actor, changes={"due_date": [None, "2027-01-01"]})
    write(save(card))
    seen.seen()
    move_item(world.actor, card.id, world.board.lane_ids[5])
    seen.seen()
    project(*seen.records)
    made, updated, moved = pushed("agentworks")
    me = {"id": world.actor.id, "name": "Ada Lovelace", "email": "ada@example.com"}
    place = {"cardId": card.id, "projectId": world.project.id, "boardId": world.board.id}
    assert made["type"] == "card_created"
    assert made["eventId"] == seen.images[0]["event_id"]["S"]
    assert made["data"] == place | {
        "laneId": world.board.lane_ids[0],
        "title": "Plan",
        "type": "task",
        "createdBy": me,
        "timestamp": made["data"]["timestamp"],
    }
    assert updated["type"] == "card_updated"
    assert updated["data"]["changes"] == {"dueDate": {"new": "2027-01-01"}}
    assert updated["data"]["updatedBy"] == me
    assert moved["type"] == "card_moved"
    assert moved["data"] == place | {
        "fromLaneId": world.board.lane_ids[0],
        "toLaneId": world.board.lane_ids[5],
        "movedBy": me,
        "timestamp": moved["data"]["timestamp"],
    }


def test_a_dependency_is_an_update_of_the_card_that_waits(world):
    card, on = world.card(title="Waits"), world.card(title="First")
    made = create_dependency(world.actor, card.id, on.id, "blocks").dependency
    seen = History(f"DEP#{made.id}")
    seen.seen()
    delete_dependency(world.actor, made.id)
    seen.seen()
    project(*seen.records)
    added, removed = pushed("agentworks")
    link = {"id": made.id, "dependencyId": on.id, "type": "blocks"}
    assert (added["type"], removed["type"]) == ("card_updated", "card_updated")
    assert (added["data"]["cardId"], added["data"]["boardId"]) == (card.id, world.board.id)
    assert added["data"]["changes"] == {"dependencies": {"new": link}}
    assert removed["data"]["changes"] == {"dependencies": {"old": link}}


def test_a_run_starts_and_ends(world):
    card = world.card()
    run = world.run(card, "pending")
    seen = History(f"RUN#{run.id}")
    seen.seen()
    run.status = "running"
    run.started_at = iso()
    record(run, EventType.RUN_STARTED, world.actor)
    write(save(run))
    seen.seen()
    run.customer_price_micros = 250_000
    run.completed_at = iso()
    world.end(run, "failed")
    seen.seen()
    project(*seen.records[:2])
    assert numbers(world)[1] == 1
    project(seen.records[2])
    assert numbers(world)[1] == 0
    started, ended = pushed("agentworks")
    assert started["type"] == "agent_run_started"
    assert {key: started["data"][key] for key in ("runId", "cardId", "agentId", "agentName")} == {
        "runId": run.id,
        "cardId": card.id,
        "agentId": run.agent_id,
        "agentName": "PRD Agent",
    }
    assert started["data"]["triggeredBy"]["id"] == world.actor.id
    assert ended["type"] == "agent_run_completed"
    assert (ended["data"]["status"], ended["data"]["cost"]) == ("failed", 0.25)
    assert ended["data"]["duration"] == run.duration_ms / 1000  # seconds, as in AgentRunSummary
    told = {get(Activity, *row.key).type for row in collection(1, f"ITEM#{card.id}", "ACT#")}
    assert told == {
        "run.requested",
        "run.started",
        "run.failed",
    }


def test_a_member_joins(world):
    person = {"kind": "user", "id": new_id(), "name": "Eve", "email": "eve@example.com"}
    row = membership_row(
        WorkspaceMembership, str(world.project.ws_id), person["id"], Role.MEMBER,
        org_id=world.project.org_id, ws_id=world.project.ws_id, user=person, last_active_at=iso(),
    )  # fmt: skip
    record(row, EventType.MEMBER_JOINED, world.actor, role="member")
    project(stream_record(row.serialize()))
    (joined,) = pushed("agentworks")
    assert joined["type"] == "member_joined"
    assert joined["data"]["member"] == {"id": person["id"], "name": "Eve", "email": "eve@example.com"}
    assert (joined["data"]["workspaceId"], joined["data"]["role"]) == (world.project.ws_id, "member")


def test_a_usage_threshold_is_told_in_dollars(world):
    row = fetch(Workspace, str(world.project.ws_id))
    record(
        row, EventType.USAGE_THRESHOLD, world.actor,
        workspace_id=row.id, threshold_percentage=80, current_micros=80_500_000, limit_micros=100_000_000,
    )  # fmt: skip
    project(stream_record(row.serialize()))
    (told,) = pushed("agentworks")
    assert told["type"] == "usage_threshold"
    assert {key: told["data"][key] for key in ("workspaceId", "thresholdPercentage", "currentUsage", "usageLimit")} == {
        "workspaceId": row.id,
        "thresholdPercentage": 80,
        "currentUsage": 80.5,
        "usageLimit": 100.0,
    }


# -- omoios' events


def test_tickets_in_omoios_words(world):
    card = world.card(title="Plan")
    seen = History(f"ITEM#{card.id}")
    seen.seen()
    move_item(world.actor, card.id, world.board.lane_ids[5])
    seen.seen()
    card = fetch(Item, card.id)
    card.status_before_block, card.status, card.blocked_reason = card.status, "blocked", "waiting"
    record(card, EventType.ITEM_BLOCKED, world.actor, changes={"status": ["in_progress", "blocked"]})
    write(save(card))
    seen.seen()
    card.status, card.blocked_reason = "in_progress", None
    record(card, EventType.ITEM_UNBLOCKED, world.actor)
    write(save(card))
    seen.seen()
    project(*seen.records)
    told = pushed("omoios")
    assert {(one["entity_type"], one["entity_id"]) for one in told} == {("ticket", card.id)}
    assert [(one["event_type"], one["payload"]) for one in told] == [
        ("TICKET_CREATED", {"ticket_id": card.id, "title": "Plan", "phase_id": "PHASE_BACKLOG", "status": "open"}),
        ("BOARD_TICKET_MOVED", {"ticket_id": card.id, "from_column": "backlog", "to_column": "building"}),
        ("TICKET_UPDATED", {"ticket_id": card.id, "changes": {"phase_id": "PHASE_IMPLEMENTATION", "status": "in_progress"}}),
        ("BOARD_TICKET_MOVED", {"ticket_id": card.id, "from_column": "building", "to_column": "blocked"}),
        ("TICKET_BLOCKED", {"ticket_id": card.id, "blocked_reason": "waiting"}),
        ("BOARD_TICKET_MOVED", {"ticket_id": card.id, "from_column": "blocked", "to_column": "building"}),
        ("TICKET_UNBLOCKED", {"ticket_id": card.id}),
    ]


def told_of(world: World, card: Item, change) -> list[tuple[str, dict]]:
    """What omoios is told of one change of a card, without the ticket's id."""
    before = raw_row(f"ITEM#{card.id}")
    change()
    project(stream_record(raw_row(f"ITEM#{card.id}"), before))
    told = pushed("omoios")
    assert {one["payload"].pop("ticket_id") for one in told} == {card.id}
    return [(one["event_type"], one["payload"]) for one in told]


def test_a_blocked_ticket_is_in_the_blocked_column(world):
    card, by = world.card(5), world.actor
    blocked, unblocked = ("TICKET_BLOCKED", {"blocked_reason": "Moved to the blocked column"}), ("TICKET_UNBLOCKED", {})

    def moved(old: str, new: str) -> tuple[str, dict]:
        return "BOARD_TICKET_MOVED", {"from_column": old, "to_column": new}

    def updated(**changes) -> tuple[str, dict]:
        return "TICKET_UPDATED", {"changes": changes}

    def column(name: str) -> list[tuple[str, dict]]:
        return told_of(world, card, lambda: move_to_column(by, card.id, name))

    assert column("blocked") == [moved("building", "blocked"), blocked]
    moves_while_blocked = told_of(world, card, lambda: move_item(by, card.id, world.board.lane_ids[3]))
    assert moves_while_blocked == [updated(phase_id="PHASE_DESIGN")]
    assert column("testing") == [moved("blocked", "testing"), unblocked, updated(phase_id="PHASE_TESTING")]
    assert column("blocked") == [moved("testing", "blocked"), blocked]
    assert column("testing") == [moved("blocked", "testing"), unblocked]
    assert column("blocked") == [moved("testing", "blocked"), blocked]
    started = told_of(world, card, lambda: update_item(by, card.id, {"status": "in_progress", "title": "New"}))
    assert started == [moved("blocked", "testing"), unblocked, updated(title="New", status="in_progress", blocked_reason=None)]
    assert told_of(world, card, lambda: block_item(by, card.id, "Why")) == [
        moved("testing", "blocked"), ("TICKET_BLOCKED", {"blocked_reason": "Why"})
    ]  # fmt: skip
    assert told_of(world, card, lambda: update_item(by, card.id, {"status": "done"}))[:2] == [moved("blocked", "done"), unblocked]


def test_a_full_column_is_a_violation(world):
    from shared.work.boards.rows import Lane
    from shared.work.boards.updating import record_wip_exceeded

    lane = fetch(Lane, world.board.lane_ids[7])
    record_wip_exceeded(lane, "testing", 9, world.actor)
    project(stream_record(lane.serialize()))
    (told,) = pushed("omoios")
    assert (told["event_type"], told["payload"]) == (
        "BOARD_WIP_VIOLATION",
        {"column_id": "testing", "current_count": 9, "wip_limit": 8},
    )


def test_tasks_in_omoios_words(world):
    card = world.card()
    first = create_task(world.actor, card, new_id(), "First", None)
    task = create_task(world.actor, card, new_id(), "Do it", None, depends_on=[first.id])
    seen = History(f"TASK#{task.id}")
    seen.seen()

    def change(**fields):
        row = fetch(Task, task.id)
        changes = {name: [getattr(row, name), value] for name, value in fields.items()}
        for name, value in fields.items():
            setattr(row, name, value)
        record(row, EventType.TASK_UPDATED, world.actor, changes=changes)
        write(save(row))
        seen.seen()

    change(agent={"id": "a1", "name": "dev"}, status="assigned")
    change(depends_on=[first.id, card.id])
    change(status="failed", error_message="tests failed")
    change(status="completed", result={"files": 2})
    project(*seen.records)
    told = pushed("omoios")
    assert {one["entity_type"] for one in told} == {"task"}
    assert [(one["event_type"], one["payload"]) for one in told] == [
        ("TASK_CREATED", {"task_id": task.id, "ticket_id": card.id, "dependencies": [first.id]}),
        ("TASK_ASSIGNED", {"task_id": task.id, "agent_id": "a1"}),
        ("TASK_DEPENDENCY_ADDED", {"task_id": task.id, "depends_on_task_id": card.id}),
        ("TASK_FAILED", {"task_id": task.id, "error_message": "tests failed"}),
        ("TASK_COMPLETED", {"task_id": task.id, "result": {"files": 2}}),
    ]


def test_a_discovery_is_told(world):
    card = world.card()
    found = create_discovery(world.actor, card, new_id(), "bug", "It leaks")
    project(stream_record(raw_row(f"DSC#{found.id}")))
    (told,) = pushed("omoios")
    assert (told["event_type"], told["entity_type"]) == ("DISCOVERY_MADE", "discovery")
    assert told["payload"] == {
        "discovery_id": found.id,
        "type": "bug",
        "task_id": None,
        "agent_id": world.actor.id,
        "description": "It leaks",
        "spawned_task_id": None,
    }


def test_one_event_is_one_message_in_the_queue(world):
    card, record_ = created(world)
    project(record_)
    (push,) = messages()
    assert (push["topic"], push["ws"], push["event"]) == (f"ws:{card.ws_id}", card.ws_id, card.event_id)
    assert set(push["frames"]) == {"agentworks", "omoios"}
