"""omoios, sections 6 and 15: statistics and times, as they follow from what happens."""

from datetime import timedelta

import pytest
import time_machine

from shared.agents.catalogue import agent_named
from shared.core import clock
from shared.core.actor import SYSTEM
from shared.core.ids import new_id
from shared.edge.views.omoios.durations import duration
from shared.events import EventType, record
from shared.insight.statistics.files import FILES, FileActivity, count_files, most_active
from shared.runs.agent_runs.rows import Run
from shared.source.commits.changes import ChangedFile, store_changes
from shared.source.commits.linking import link_commit, record_commit
from shared.source.commits.rows import Commit, commit_id, link_id
from shared.store import amount, create, fetch, get, save, update, write
from shared.work.boards.rows import Counts
from shared.work.items import moving
from shared.work.items.rows import Item
from shared.work.tasks.rows import Task
from tests.areas.boards_world import World, create_world
from tests.areas.driving import Client
from tests.areas.many_cards import add_cards
from tests.areas.viewers import project, raw_row, stream_record

PRD = agent_named("prd")


def shown(client: Client, path: str):
    answer = client("insights", "GET", path)
    assert answer.status == 200, answer.text
    return answer.json


def overview(world: World, client: Client):
    return shown(client, f"/statistics/projects/{world.project.id}/overview")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0m"), (59, "0m"), (60, "1m"), (3_599, "59m"), (3_600, "1h"), (19_800, "5h 30m"), (360_060, "100h 1m")],
)
def test_a_duration_has_no_zero_parts(seconds, text):
    assert duration(seconds) == text


# -- tickets


def test_tickets_by_status_and_priority_follow_every_change(world, ada):
    high = world.card(priority="high")
    world.card(priority="critical")
    low = world.card(priority="low")
    world.ada("cards", "PUT", f"/cards/{high.id}", body={"status": "in_progress"})
    blocked = world.ada("cards", "PUT", f"/cards/{low.id}", body={"status": "blocked"})
    assert blocked.status == 200, blocked.text
    seen = overview(world, ada)["tickets"]
    assert seen == {
        "total": 3,
        "by_status": {"open": 1, "in_progress": 1, "done": 0},
        "by_priority": {"CRITICAL": 1, "HIGH": 1, "MEDIUM": 0, "LOW": 1},
        "blocked_count": 1,
        "completion_rate": 0.0,
    }
    world.ada("cards", "PUT", f"/cards/{high.id}", body={"priority": "medium", "status": "done"})
    world.ada("cards", "DELETE", f"/cards/{low.id}")
    seen = overview(world, ada)["tickets"]
    assert (seen["total"], seen["by_status"], seen["completion_rate"]) == (2, {"open": 1, "in_progress": 0, "done": 1}, 0.5)
    assert seen["by_priority"] == {"CRITICAL": 1, "HIGH": 0, "MEDIUM": 1, "LOW": 0}
    assert shown(ada, "/statistics/tickets")["total"] == 2
    assert shown(ada, f"/statistics/tickets?project_id={world.project.id}")["by_priority"] == seen["by_priority"]


def test_a_board_of_before_is_counted_by_its_list(world, ada):
    world.card(priority="high")
    write(update(Counts.of(world.board.id), [amount("p:h").add(-1)]))  # as if priorities had not been tallied then
    assert overview(world, ada)["tickets"]["by_priority"]["HIGH"] == 1


def test_the_tickets_of_a_large_board_are_counted_without_reading_them(world, ada):
    add_cards(world, world.card(priority="high"), range(1_000, 2_000))
    seen = overview(world, ada)["tickets"]
    assert (seen["total"], seen["by_priority"]["HIGH"], seen["by_status"]["open"]) == (1_001, 1_001, 1_001)


def test_tickets_that_hold_others_up(world, ada):
    first, second, third = world.card(), world.card(), world.card()
    for dependent, blocker in ((second, first), (third, first), (third, second)):
        body = {"dependencyCardId": blocker.id, "type": "blocks"}
        assert world.ada("cards", "POST", f"/cards/{dependent.id}/dependencies", body=body).status == 201
    assert overview(world, ada)["health"]["dependency_blockers"] == 2
    world.ada("cards", "PUT", f"/cards/{first.id}", body={"status": "done"})
    assert overview(world, ada)["health"]["dependency_blockers"] == 1
    world.ada("cards", "DELETE", f"/cards/{third.id}")
    assert overview(world, ada)["health"]["dependency_blockers"] == 0


def test_columns_above_their_limit(world, ada):
    for _ in range(4):
        body = {"ticket_id": world.card().id, "target_column_id": "deploying", "force": True}
        assert ada("boards", "POST", "/board/move", body=body).status == 200
    assert overview(world, ada)["health"] == {"wip_violations": 1, "dependency_blockers": 0, "agent_health_status": "unknown"}


def test_another_tenant_has_other_statistics(world, ada):
    world.card()
    eve = create_world("eve@example.com", "Eve").ada.at("omoios")
    for path in (
        f"/statistics/projects/{world.project.id}/overview",
        f"/statistics/tickets?project_id={world.project.id}",
        f"/statistics/agents?project_id={world.project.id}",
        f"/statistics/commits?project_id={world.project.id}",
        f"/tickets/{world.card().id}/time",
        f"/agents/{new_id()}/time",
    ):
        assert eve("insights", "GET", path).status == 404, path
    assert shown(eve, "/statistics/tickets")["total"] == 0
    assert shown(eve, "/statistics/commits")["total_commits"] == 0


# -- agents


def finished(world: World, seconds: int, card: Item | None = None, **about) -> Run:
    """A run that took so long, whose end the stream has told twice."""
    run = world.run(card or world.card(), "running")
    for name, value in about.items():
        setattr(run, name, value)
    run.phase_id, run.started_at = "PHASE_TESTING", clock.iso(clock.now() - timedelta(seconds=seconds))
    write(save(run))
    before = raw_row(f"RUN#{run.id}")
    run.completed_at = clock.iso()
    world.end(run)
    for _ in range(2):
        project(stream_record(raw_row(f"RUN#{run.id}"), before))
    return run


def test_a_run_that_only_asked_has_completed_nothing(world, ada):
    finished(world, 3_600, provider="embedded", result_data={"comments": ["a question"]})
    assert overview(world, ada)["agents"] == {"active": 1, "tasks_completed": 0, "average_completion_time": "0m"}
    finished(world, 3_600, provider="embedded", result_data={"comments": ["a remark"], "documents": ["a document"]})
    assert overview(world, ada)["agents"]["tasks_completed"] == 1


def test_what_agents_complete_is_counted_once(world, ada):
    assert shown(ada, "/statistics/agents")["tasks_completed_per_agent"] == 0
    finished(world, 3_600)
    finished(world, 7_200)
    assert overview(world, ada)["agents"] == {"active": 1, "tasks_completed": 2, "average_completion_time": "1h 30m"}
    for path in ("/statistics/agents", f"/statistics/agents?project_id={world.project.id}"):
        seen = shown(ada, path)
        assert (seen["active_agents"], seen["tasks_completed_per_agent"], seen["average_task_completion_time"]) == (
            1,
            2,
            "1h 30m",
        )
    seen = shown(ada, f"/agents/{PRD.id}/time")
    assert seen == {
        "agent_id": PRD.id,
        "total_time": "3h",
        "time_by_phase": {"PHASE_TESTING": "3h"},
        "tasks_completed": 2,
        "average_task_time": "1h 30m",
    }
    assert shown(ada, "/agents/prd/time")["total_time"] == "3h"


def test_an_agent_that_did_nothing_for_a_day_is_not_active(world, ada):
    with time_machine.travel(clock.now() - timedelta(hours=25)):
        finished(world, 60)
    assert overview(world, ada)["agents"]["active"] == 0


def test_a_task_of_a_live_agent_is_counted_for_it(world, ada):
    made = ada(
        "agents", "POST", "/agents/register", body={"agent_type": "worker", "phase_id": "PHASE_TESTING", "capabilities": []}
    )
    assert made.status == 201, made.text
    agent = {"kind": "agent", "id": made.json["agent_id"], "name": "worker-1", "email": ""}
    card = world.card()
    task = Task.new(
        new_id(),
        org_id=card.org_id,
        ws_id=card.ws_id,
        proj_id=card.proj_id,
        item_id=card.id,
        board_id=card.board_id,
        title="T",
        phase_id="PHASE_TESTING",
        status="running",
        agent=agent,
        started_at=clock.iso(clock.now() - timedelta(minutes=30)),
        created_by=world.actor.summary,
    )
    record(task, EventType.TASK_CREATED, SYSTEM)
    write(create(task))
    before = raw_row(f"TASK#{task.id}")
    task.status, task.completed_at = "completed", clock.iso()
    record(task, EventType.TASK_UPDATED, SYSTEM)
    write(save(task))
    project(stream_record(raw_row(f"TASK#{task.id}"), before))
    assert shown(ada, f"/agents/{agent['id']}/time")["time_by_phase"] == {"PHASE_TESTING": "30m"}
    assert shown(ada, f"/tickets/{card.id}/time")["agent_time"] == [
        {"agent_id": agent["id"], "time_spent": "30m", "tasks_completed": 1}
    ]
    assert overview(world, ada)["agents"]["tasks_completed"] == 1


def test_a_ticket_was_in_each_phase_so_long_and_is_until_now(world, ada):
    card = world.card()
    run = finished(world, 1_800, card)
    with time_machine.travel(clock.now() + timedelta(minutes=10)):
        seen = shown(ada, f"/tickets/{card.id}/time")
    assert (seen["total_time"], seen["time_by_phase"]) == ("10m", {card.phase_id: "10m"})
    assert seen["agent_time"] == [{"agent_id": run.agent_id, "time_spent": "30m", "tasks_completed": 1}]


def test_the_time_in_a_phase_that_was_left(world, ada):
    card = world.card()
    with time_machine.travel(clock.now() + timedelta(minutes=30, seconds=5)):
        moving.move_to_column(world.actor, card.id, "building", force=True)
    with time_machine.travel(clock.now() + timedelta(minutes=50, seconds=10)):
        seen = shown(ada, f"/tickets/{card.id}/time")
    assert (seen["total_time"], seen["time_by_phase"]) == ("50m", {card.phase_id: "30m", "PHASE_IMPLEMENTATION": "20m"})
    for path in ("/statistics/tickets", f"/statistics/tickets?project_id={world.project.id}"):
        assert shown(ada, path)["average_time_in_phase"] == {card.phase_id: "30m"}


def test_a_live_agent_costs_what_the_runs_cost_that_did_its_tasks(world, ada):
    """An attempt that fails costs too; what the stream tells twice is counted once."""
    agent = ada("agents", "POST", "/agents/register", body={"agent_type": "worker", "capabilities": []}).json["agent_id"]
    card = world.card()
    for status, price in (("failed", 250_000), ("completed", 500_000)):
        run = world.run(card, "completed")
        run.customer_price_micros = price
        write(save(run))
        task = Task.new(
            new_id(), org_id=card.org_id, ws_id=card.ws_id, proj_id=card.proj_id, item_id=card.id, board_id=card.board_id, title="T",
            phase_id="PHASE_TESTING", status="running", work_run_id=run.id, started_at=clock.iso(),
            agent={"kind": "agent", "id": agent, "name": "worker-1", "email": ""}, created_by=world.actor.summary,
        )  # fmt: skip
        record(task, EventType.TASK_CREATED, SYSTEM)
        write(create(task))
        before = raw_row(f"TASK#{task.id}")
        task.status, task.completed_at = status, clock.iso()
        record(task, EventType.TASK_UPDATED, SYSTEM)
        write(save(task))
        for _ in range(2):
            project(stream_record(raw_row(f"TASK#{task.id}"), before))
    seen = ada("usage", "GET", f"/costs/agents/{agent}").json
    assert (seen["total_cost"], seen["cost_per_task"]) == (0.75, 0.75)
    assert seen["recent_costs"] == [{"date": clock.iso()[:10], "cost": 0.75}]
    eve = create_world("eve@example.com", "Eve").ada.at("omoios")
    assert eve("usage", "GET", f"/costs/agents/{agent}").status == 404


# -- commits


def pushed(world: World, *files: ChangedFile, agent: str | None = None) -> Commit:
    """A commit that came, and whose event the stream has told twice."""
    sha = (new_id() + new_id()).replace("-", "")[:40]
    commit = Commit.new(
        commit_id(world.ws_id, sha),
        org_id=world.project.org_id,
        ws_id=world.ws_id,
        proj_id=world.project.id,
        sha=sha,
        repository_id="r",
        repo="acme/engine",
        subject="Engines start",
        message="Engines start",
        author="Ada",
        date=clock.iso(),
        url="https://github.com/acme/engine",
        file_count=len(files),
        insertions=sum(one.additions for one in files),
        deletions=sum(one.deletions for one in files),
        agent_id=agent,
    )
    assert record_commit(SYSTEM, commit, store_changes(f"commits/{world.ws_id}/{sha}", files))
    for _ in range(2):
        project(stream_record(raw_row(f"CMT#{commit.id}")))
    return commit


def test_commits_are_counted_once_with_their_lines_and_files(world, ada):
    card = world.card()
    first = pushed(world, ChangedFile("a.py", "modified", 10, 2), ChangedFile("b.py", "added", 5, 0), agent=PRD.id)
    pushed(world, ChangedFile("a.py", "modified", 1, 1))
    link_commit(world.actor, card, fetch(Commit, first.id))
    project(stream_record(raw_row(f"CMTLINK#{link_id(world.ws_id, first.sha, card.id)}")))
    assert overview(world, ada)["commits"] == {"total": 2, "total_lines_changed": 19, "files_changed": 3}
    for path in ("/statistics/commits", f"/statistics/commits?project_id={world.project.id}"):
        seen = shown(ada, path)
        assert (seen["total_commits"], seen["total_lines_changed"], seen["files_changed"]) == (2, 19, 3)
        assert seen["commits_per_ticket"] == 1.0
        assert seen["most_active_files"] == [
            {"path": "a.py", "commits": 2, "changes": 14},
            {"path": "b.py", "commits": 1, "changes": 5},
        ]
    own = shown(ada, f"/statistics/commits?agent_id={PRD.id}")
    assert (own["total_commits"], own["total_lines_changed"]) == (1, 17)
    assert [one["path"] for one in own["most_active_files"]] == ["a.py", "b.py"]
    agents = shown(ada, "/statistics/agents")
    assert (agents["commits_per_agent"], agents["lines_changed_per_agent"]) == (1, 17)
    assert ada("insights", "GET", f"/statistics/commits?agent_id={new_id()}").status == 404


def test_who_is_named_as_author_by_a_link_has_made_the_commit(world, ada):
    made = pushed(world, ChangedFile("a.py", "modified", 10, 2))
    for card in (world.card(), world.card()):
        link_commit(world.actor, card, fetch(Commit, made.id), PRD.id)
        for _ in range(2):
            project(stream_record(raw_row(f"CMTLINK#{link_id(world.ws_id, made.sha, card.id)}")))
    own = shown(ada, f"/statistics/commits?agent_id={PRD.id}")
    assert (own["total_commits"], own["total_lines_changed"], own["commits_per_ticket"]) == (1, 12, 1.0)
    assert own["most_active_files"] == [{"path": "a.py", "commits": 1, "changes": 12}]
    assert overview(world, ada)["commits"] == {"total": 1, "total_lines_changed": 12, "files_changed": 1}


def test_a_file_that_is_changed_often_is_never_lost_among_many(aws):
    """With three times as many files as are kept, the busy one has at least its true count, and counts sum to no less."""
    project_id = new_id()
    for number in range(3 * FILES):
        changed = [ChangedFile(f"f{number}.py", "added", 1, 0)]
        if number % 10 == 0:
            changed.append(ChangedFile("busy.py", "modified", 3, 1))
        write(count_files(project_id, None, changed))
    row = get(FileActivity, *FileActivity.key(project_id))
    assert len(row.files) == FILES
    path, commits, _ = most_active([row], 1)[0]
    assert (path, commits >= 30) == ("busy.py", True)


def test_the_counts_of_files_are_exact_while_they_fit(aws):
    project_id = new_id()
    for number in range(50):
        write(
            count_files(
                project_id,
                None,
                [ChangedFile(f"f{number % FILES}.py", "modified", number, 0), ChangedFile("x.py", "modified", 1, 0)],
            )
        )
    row = get(FileActivity, *FileActivity.key(project_id))
    assert most_active([row], 2) == [("x.py", 50, 50), ("f49.py", 1, 49)]
