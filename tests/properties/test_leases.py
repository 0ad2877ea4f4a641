"""Leases with a fence: a run may die after any of its writes, and a dead run's worker may wake up at any moment.

Nothing is written twice, nothing late; the card is never stuck and never has two masters.
"""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from shared.agents.providers import registry
from shared.agents.providers.port import Finished, TextDelta, TokenUsage, ToolCall, ToolCallReady
from shared.core.errors import CadreError, Conflict
from shared.core.ids import new_id
from shared.core.situations import Situation
from shared.money.usage.rows import UsageLine
from shared.runs.agent_runs import approvals, queue, requesting
from shared.runs.agent_runs.rows import ActiveRuns, Run
from shared.store import collection, fetch, get, query, update_now
from shared.work.documents.rows import Document, DocumentText
from shared.work.items.creating import NewItem, create_item
from shared.work.items.rows import Item
from tests.areas.boards_world import World, create_world, put_on_plan
from tests.areas.running import Machine, connected
from tests.kills import Killed, crash_at_write

SCRIPTS: dict[str, tuple[int, list[list[tuple[str, dict[str, Any]]]]]] = {
    "ceo_copilot": (
        0,
        [
            [("read_card", {}), ("write_document", {"type": "blueprint", "title": "Idea", "content": "One"})],
            [
                ("update_card", {"fields": {"labels": ["seen"]}}),
                ("write_document", {"type": "blueprint", "title": "Idea", "content": "Two"}),
                ("comment", {"content": "Ready"}),
                ("move_card", {"to_lane": 1, "reason": "Ready"}),
            ],
        ],
    ),
    "planner": (
        4,
        [
            [
                ("create_card", {"title": "A", "description": "a", "lane": 6, "ref": "a"}),
                ("create_card", {"title": "B", "description": "b", "lane": 6, "ref": "b"}),
            ],
            [("add_dependency", {"card": "b", "depends_on": "a"})],
        ],
    ),
}


LOG = "terminal"
"""The thread that writes a run's log: what it writes is not counted."""


@pytest.fixture
def world(aws, monkeypatch) -> World:
    monkeypatch.setattr(queue, "enqueue", lambda *_: None)
    for name in (
        "shared.runs.terminal.writer.publish_log",
        "shared.runs.agent_runs.ending.publish_run_status",
    ):
        monkeypatch.setattr(name, lambda *_, **__: None)
    found = create_world(f"{new_id()}@example.com")
    put_on_plan(found.ws_id)  # more runs than the free plan has in a day
    for number in (1, 4, 6):
        found.set_wip(number, None)
    return found


def scripted(monkeypatch: pytest.MonkeyPatch, agent: str) -> SimpleNamespace:
    """A model that says the script's turn for where the conversation stands: it has no memory of its own."""
    model = SimpleNamespace(name="embedded", asked=0)
    turns = SCRIPTS[agent][1]

    def stream(request, cancelled=lambda: False):
        model.asked += 1
        number = sum(1 for message in request.messages if message.role == "assistant")
        if number < len(turns):
            for index, (name, arguments) in enumerate(turns[number]):
                yield ToolCallReady(ToolCall(f"c{number}-{index}", name, arguments))
            yield Finished("tool_use", TokenUsage(100, 0, 0, 20), request.model)
        else:
            yield TextDelta("Done.")
            yield Finished("end", TokenUsage(100, 0, 0, 5), request.model)

    model.stream = stream
    monkeypatch.setattr(registry, "provider", lambda _: model)
    return model


def begin(world: World, agent: str) -> tuple[Item, Run]:
    card = create_item(
        world.actor, world.board.id, NewItem("Idea", "task", world.lanes[SCRIPTS[agent][0]].id, description="An idea")
    )
    return card, requesting.request_run(world.actor, card.id, agent, requesting.RunRequest()).run


def effects(card: Item) -> dict[str, Any]:
    """What runs on this card have left in the world."""
    documents = [fetch(Document, row.id) for row in collection(1, f"PROJ#{card.proj_id}#DOC") if row.f["item_id"] == card.id]
    fresh = fetch(Item, card.id)
    assert fresh is not None
    return {
        "documents": [(one.title, int(one.number)) for one in documents if one],
        "versions": sorted(
            row.content for one in documents if one for row in query(DocumentText, f"DOC#{one.id}", prefix="TEXT#").rows
        ),
        "comments": len(collection(1, f"ITEM#{card.id}", "COM#")),
        "children": sorted(row.f["title"] for row in collection(3, f"PARENT#{card.id}")),
        "dependencies": sum(len(collection(1, f"ITEM#{row.id}", "DEP#")) for row in collection(3, f"PARENT#{card.id}")),
        "lane": fresh.lane_id,
        "labels": fresh.labels,
    }


def whole_run(monkeypatch: pytest.MonkeyPatch, world: World, agent: str, lives: int | None) -> tuple[Item, Run, int, int]:
    """A run whose process dies after `lives` writes and is tried again. Card, run, writes, calls of the model."""
    model = scripted(monkeypatch, agent)
    card, run = begin(world, agent)
    machine = connected(monkeypatch)
    machine.again = (Killed,)
    with crash_at_write(lives, ignore_thread=LOG, allow_retry=True) as process:
        run = machine.play(run.id)
    return card, run, len(process.names), model.asked


@pytest.mark.thorough
@pytest.mark.parametrize("agent", SCRIPTS)
def test_a_run_that_dies_after_any_write_does_its_work_once(world, monkeypatch, agent):
    card, run, writes, asked = whole_run(monkeypatch, world, agent, None)
    assert run.status == "completed", run.error_message
    expected = effects(card)
    assert (asked, writes > 15) == (3, True)
    for lives in range(1, writes + 1):
        card, run, _, asked = whole_run(monkeypatch, world, agent, lives)
        seen = effects(card)
        if agent == "ceo_copilot":  # the document's title is the project's: every run of this test writes its next versions
            expected |= {"documents": seen["documents"], "versions": seen["versions"]}
        assert (run.status, seen) == ("completed", expected), f"died after write {lives}"
        assert asked == 3
        lines = [fetch(UsageLine, row.id) for row in collection(2, f"RUN#{run.id}#USE")]
        assert sum(int(one.customer_price_micros) for one in lines) == run.customer_price_micros
        assert (len(lines), run.calls, run.hold) == (3, 3, None)
        assert fetch(Item, card.id).lease_run is None
        assert not get(ActiveRuns, f"PROJ#{world.project.id}", "RUNS").run_ids
    if agent == "ceo_copilot":
        document = next(row.id for row in collection(1, f"PROJ#{world.project.id}#DOC"))
        assert fetch(Document, document).number == 2 * (writes + 1)  # two versions a run, however it died


@pytest.mark.thorough
@pytest.mark.parametrize("agent", SCRIPTS)
def test_a_zombie_writes_nothing(world, monkeypatch, agent):
    """Its process stands still in the middle of a step until the lease is over and somebody else has the card; then it goes on."""
    _, _, writes, _ = whole_run(monkeypatch, world, agent, None)
    for lives in range(1, writes + 1):
        scripted(monkeypatch, agent)
        card, run = begin(world, agent)
        machine = connected(monkeypatch)
        took: list[Any] = []

        def meanwhile(card: Item = card, run: Run = run, took: list[Any] = took) -> None:
            stood = fetch(Run, run.id)
            if stood is None or stood.ended:
                return
            update_now(stood, [Run.lease_until.set(0)])
            took.append(requesting.request_run(world.actor, card.id, following(world, card, agent), requesting.RunRequest()).run)
            took.append(effects(card))

        with crash_at_write(lives, ignore_thread=LOG, happens=meanwhile):
            machine.play(run.id)
        assert took or fetch(Run, run.id).status == "completed"
        if took:
            after, before = took
            assert effects(card) == before, f"stood still after write {lives}"
            assert fetch(Item, card.id).lease_run == after.id
            assert (fetch(Run, run.id).status, fetch(Run, run.id).error_code) == ("failed", "TIMEOUT")
            approvals.cancel_run(world.actor, after.id)


def following(world: World, card: Item, agent: str) -> str:
    """An agent for the lane the card is in by now."""
    fresh = fetch(Item, card.id)
    return "prd" if fresh and fresh.lane_id == world.lanes[1].id else agent


def test_many_ask_for_one_card_and_one_gets_it(world, monkeypatch):
    scripted(monkeypatch, "planner")
    card = create_item(world.actor, world.board.id, NewItem("Idea", "task", world.lanes[4].id))

    def ask(_: int) -> str:
        try:
            return requesting.request_run(world.actor, card.id, "planner", requesting.RunRequest()).run.id
        except Conflict as refused:
            return refused.situation

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, range(16)))
    won = [one for one in answers if one not in (Situation.RUN_IN_PROGRESS, Situation.VERSION_CONFLICT)]
    assert len(won) == 1
    assert fetch(Item, card.id).lease_run == won[0]


def test_a_project_never_has_more_runs_than_it_allows(world, monkeypatch):
    scripted(monkeypatch, "planner")
    cards = [create_item(world.actor, world.board.id, NewItem(f"Idea {n}", "task", world.lanes[4].id)) for n in range(14)]

    def ask(card: Item) -> bool:
        try:
            requesting.request_run(world.actor, card.id, "planner", requesting.RunRequest())
        except CadreError:
            return False
        return True

    with ThreadPoolExecutor(14) as pool:
        begun = sum(pool.map(ask, cards))
    assert begun == 5 == len(get(ActiveRuns, f"PROJ#{world.project.id}", "RUNS").run_ids)


def test_two_executions_of_one_run_are_one(world, monkeypatch):
    scripted(monkeypatch, "planner")
    card, run = begin(world, "planner")
    machines = [Machine(execution=f"execution-{n}") for n in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda machine: machine.play(run.id), machines))
    assert fetch(Run, run.id).status == "completed"
    assert sorted(len(machine.steps) > 1 for machine in machines) == [False, False, False, True]
    assert effects(card)["children"] == ["A", "B"]
