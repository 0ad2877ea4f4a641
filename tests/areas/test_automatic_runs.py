"""What starts without a person comes to an end: chains of cards, runs per root card and per project, and the tool calls of one answer."""

from types import SimpleNamespace

import pytest

from shared.agents.providers import registry
from shared.agents.providers.port import MAX_CALLS_PER_ANSWER, Finished, Message, TextDelta, TokenUsage, ToolCall, ToolCallReady
from shared.core.errors import LimitExceeded
from shared.edge.reactions import parse_change, triggers
from shared.people.tenancy.organizations import set_status
from shared.runs.agent_runs import queue, run_limits
from shared.runs.agent_runs.requesting import RunRequest, request_run
from shared.runs.agent_runs.rows import Run, ToolCallRecord
from shared.runs.terminal import entries
from shared.runs.toolbox import CallContext, agent_actor, execute_tool
from shared.store import collection, fetch, query, save, write
from shared.work.comments.rows import Comment
from shared.work.items.moving import move_item
from shared.work.items.rows import Item
from shared.work.items.rules import MAX_AUTO_MOVES
from shared.work.items.updating import update_item
from tests.areas.boards_world import World, create_world, put_on_plan
from tests.areas.running import Machine, connected
from tests.areas.test_cards_progress import conditions
from tests.areas.test_runs import started
from tests.areas.viewers import Stream, raw_row, stream_record

COST = TokenUsage(100, 0, 0, 20)


@pytest.fixture
def world(aws) -> World:
    """A board whose lane 3 sends every card to the planner's lane, in a workspace with runs without end."""
    world = create_world()
    put_on_plan(world.ws_id, "enterprise")
    for number in range(11):
        world.set_wip(number, None)
    world.project.settings = world.project.settings | {"maxConcurrentRuns": 100}
    write(save(world.project))
    conditions(world, 3, {"type": "field", "field": "title", "operator": "is_set"})
    return world


@pytest.fixture
def planner(monkeypatch) -> SimpleNamespace:
    """A planner that creates `cards` cards in lane 3 and is done."""
    model = SimpleNamespace(name="embedded", cards=1, seen=[])

    def stream(request, cancelled=None):
        model.seen.append(request)
        if len(request.messages) > 1:
            yield TextDelta("Planned.")
            yield Finished("end", COST, request.model)
            return
        for number in range(model.cards):
            yield ToolCallReady(
                ToolCall(
                    f"c{number}", "create_card", {"title": f"Part {number}", "type": "task", "description": "A part", "lane": 3}
                )
            )
        yield Finished("tool_use", COST, request.model)

    model.stream = stream
    monkeypatch.setattr(registry, "provider", lambda _: model)
    return model


def runs_of(world: World) -> list[Run]:
    rows = [row for card in collection(1, f"BOARD#{world.board.id}#ITEM") for row in collection(1, f"ITEM#{card.id}", "RUN#")]
    return [fetch(Run, row.id) for row in rows]


def flow_to_rest(world: World, monkeypatch: pytest.MonkeyPatch, rounds: int) -> list[Run]:
    """A person moves one card into the planner's lane; everything that follows is played, until nothing follows any more."""
    monkeypatch.setattr(queue, "is_execution_running", lambda _: False)
    stream = Stream()
    card = world.card(0)
    stream.flow()
    move_item(world.actor, card.id, world.lanes[4].id)
    stream.flow()
    for _ in range(rounds):
        waiting = [run for run in runs_of(world) if not run.ended]
        if not waiting:
            return runs_of(world)
        for run in waiting:
            assert Machine(execution=f"execution-{run.id}").play(run.id).status == "completed"
        stream.flow()
    raise AssertionError("runs follow from runs without end")


def test_a_chain_of_cards_that_create_cards_comes_to_its_end(world, planner, monkeypatch):
    """Each card goes on counting where the card that created it is: none of them begins anew."""
    runs = flow_to_rest(world, monkeypatch, rounds=2 * MAX_AUTO_MOVES)
    assert 2 < len(runs) <= MAX_AUTO_MOVES
    depths = sorted(int(fetch(Item, run.item_id).auto_moves) for run in runs)
    assert depths == list(range(0, 2 * len(runs), 2))  # created, and moved once


def test_the_automatic_runs_of_one_root_card_are_limited(world, planner, monkeypatch):
    monkeypatch.setattr(run_limits, "AUTO_RUNS_PER_ROOT", 2)
    planner.cards = 2
    runs = flow_to_rest(world, monkeypatch, rounds=10)
    assert len(runs) == 1 + 2  # the first one was a person's
    assert [run.trigger for run in runs] == ["lane"] * 3


def test_what_an_agent_creates_inherits_depth_and_root_and_what_a_person_creates_does_not(world):
    parent = world.card(4)
    parent.auto_moves, parent.root_id = 5, "root"
    write(save(parent))
    agent = agent_actor(triggers.get_agent("planner"), world.ws_id, ("create_card",))
    context = CallContext(agent, parent.id, "run", ("create_card",), new_id="")
    made = []
    for number in range(2):
        context.new_id = f"0190a0a0-0000-7000-8000-00000000000{number}"
        execute_tool(context, "create_card", {"title": "Part", "type": "task", "description": "A part", "lane": 3})
        made.append(fetch(Item, context.new_id))
        context.card_id = context.new_id
    assert [(int(one.auto_moves), one.root_id) for one in made] == [(6, "root"), (7, "root")]
    by_hand = world.card(4, parent_id=parent.id)
    assert (int(by_hand.auto_moves), by_hand.root_id) == (0, None)
    update_item(world.actor, made[0].id, {"title": "A person has it in hand"})
    assert int(fetch(Item, made[0].id).auto_moves) == 0


def automatic(world: World, card: Item) -> Run:
    return request_run(world.actor, card.id, "planner", RunRequest(trigger="lane", automatic=True)).run


def test_a_card_that_moved_too_often_starts_no_agent_until_a_person_changes_it(world, planner):
    card = world.card(4)
    card.auto_moves = MAX_AUTO_MOVES + 1
    write(save(card))
    with pytest.raises(LimitExceeded) as refused:
        automatic(world, card)
    assert refused.value.details == {"limit": MAX_AUTO_MOVES}
    update_item(world.actor, card.id, {"title": "Another"})
    assert automatic(world, card).status == "pending"


def test_the_automatic_runs_of_a_project_are_limited_and_those_of_people_are_not(world, planner, monkeypatch):
    monkeypatch.setattr(run_limits, "AUTO_RUNS_PER_PROJECT", 2)
    for _ in range(2):
        automatic(world, world.card(4))
    with pytest.raises(LimitExceeded, match="This project may have 2 automatic runs an hour"):
        automatic(world, world.card(4))
    assert started(world, world.card(4), "planner")


def test_a_move_by_a_person_is_no_automatic_run_and_one_by_the_platform_is(world, planner, monkeypatch):
    asked = []
    monkeypatch.setattr(triggers, "request_run", lambda *about: asked.append(about[-1].automatic))
    for mover in (world.actor, agent_actor(triggers.get_agent("ceo_copilot"), world.ws_id, ("move_card",))):
        card = world.card(0)
        before = raw_row(f"ITEM#{card.id}")
        move_item(mover, card.id, world.lanes[4].id)
        triggers.react(parse_change(stream_record(raw_row(f"ITEM#{card.id}"), before)))
    assert asked == [False]  # the agent's run holds the card: its end starts the next one
    run = world.run(fetch(Item, card.id))
    run.result_data = {"moves": [{"id": card.id}]}
    before = raw_row(f"RUN#{run.id}")
    world.end(run)
    triggers.react(parse_change(stream_record(raw_row(f"RUN#{run.id}"), before)))
    assert asked == [False, True]


def results(message: Message) -> list[tuple[bool, str]]:
    return [(one.is_error, one.content) for one in message.results]


def test_of_four_hundred_tool_calls_the_first_are_executed_and_the_model_sees_which_were_not(world, monkeypatch):
    machine, seen = connected(monkeypatch), []

    def stream(request, cancelled=None):
        seen.append(request)
        if len(request.messages) == 1:
            for number in range(400):
                yield ToolCallReady(ToolCall(f"c{number}", "comment", {"content": f"Number {number}"}))
            yield Finished("tool_use", COST, request.model)
        else:
            yield TextDelta("Done.")
            yield Finished("end", COST, request.model)

    monkeypatch.setattr(registry, "provider", lambda _: SimpleNamespace(name="embedded", stream=stream))
    card = world.card(4)
    run = machine.play(started(world, card, "planner"))
    assert run.status == "completed", run.error_message
    assert len(query(ToolCallRecord, f"RUN#{run.id}", prefix="CALL#").rows) == MAX_CALLS_PER_ANSWER
    comments = [fetch(Comment, row.id).content for row in collection(1, f"ITEM#{card.id}", "COM#")]
    assert sorted(comments) == sorted(f"Number {number}" for number in range(MAX_CALLS_PER_ANSWER))
    told = results(seen[1].messages[-1])
    assert len(told) == 400  # every call has a result: providers insist on it
    assert [error for error, _ in told] == [False] * MAX_CALLS_PER_ANSWER + [True] * (400 - MAX_CALLS_PER_ANSWER)
    assert f"only the first {MAX_CALLS_PER_ANSWER} are executed" in told[-1][1]
    lines = [line["message"] for line in entries(run.id)]
    assert sum("350 of 400 tool calls were not executed" in line for line in lines) == 1


def test_in_an_organization_that_is_closed_nothing_starts_by_itself(world):
    """What an agent that was at work has done is no reason for another one."""
    card = world.card()
    move_item(world.actor, card.id, world.lanes[1].id)
    moved = parse_change(stream_record(raw_row(f"ITEM#{card.id}")))
    set_status(str(world.project.org_id), "suspended")
    triggers.react(moved)
    assert runs_of(world) == []
    set_status(str(world.project.org_id), "active")
    triggers.react(moved)
    assert [run.item_id for run in runs_of(world)] == [card.id]
