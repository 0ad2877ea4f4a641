"""A viewer who pauses, resumes and subscribes again while a run writes, under any order of the queue.

Whatever the order, no entry is lost. While the queue keeps its order, none comes twice and none comes early either.
"""

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shared.core.errors import ConditionFailed
from shared.people.access import liveness
from shared.runs.agent_runs.rows import Run
from shared.runs.terminal import TerminalWriter
from shared.store import check
from tests.areas.boards_world import World, create_world
from tests.areas.viewers import Viewer, drain, entries_in, messages, push_batch, shared_gateway
from tests.examples import examples

steps = st.lists(
    st.one_of(
        st.just(("say", 1)),
        st.just(("say", 3)),
        st.tuples(st.just("push"), st.integers(0, 20)),
        st.just(("push", 0)),
        st.just(("pause", 0)),
        st.just(("resume", 0)),
        st.just(("subscribe", 0)),
    ),
    max_size=14,
)


@pytest.fixture
def world(aws) -> World:
    gateway = shared_gateway()
    gateway.activate()
    gateway.clear()
    liveness.clear_cache()
    return create_world()


class Session:
    """One viewer, one run, and the queue between them held in hand."""

    def __init__(self, world: World, in_order: bool) -> None:
        self.in_order = in_order
        card = world.card()
        self.run = world.run(card)
        self.queue: list[dict] = []
        self.written = 0
        messages()
        self.viewer = Viewer(shared_gateway(), world.ada, f"/api/cards/{card.id}/terminal")
        assert self.viewer.status == 200
        if in_order:
            drain()  # greeted

    def say(self, lines: int) -> None:
        run = self.run
        with TerminalWriter(
            run.id, run.item_id, run.ws_id, lambda: check(run, Run.pk.exists(), ConditionFailed("x"))
        ) as terminal:
            for _ in range(lines):
                terminal.write("info", "agent", "x")
        self.written += lines

    def push(self, index: int) -> None:
        self.queue += messages()
        if self.queue:
            push_batch(self.queue.pop(0 if self.in_order else index % len(self.queue)))

    def pause(self, _: int) -> None:
        self.viewer.send({"type": "pause_stream"})

    def resume(self, _: int) -> None:
        self.viewer.send({"type": "resume_stream"})

    def end(self) -> list[int]:
        """Everything worked off; the numbers that came, in the order in which they came."""
        while self.queue or (waiting := messages()):
            if not self.queue:
                self.queue = waiting
            push_batch(self.queue.pop(0))
        self.resume(0)
        drain()
        numbers = [entry["seq"] for entry in entries_in(self.viewer.received())]
        self.viewer.leave()
        return numbers


# A push that was overtaken while the stream was paused: entry 1 comes after entry 2 was noted as the first one left out.
OVERTAKEN = [("push", 0), ("say", 1), ("pause", 0), ("say", 1), ("push", 15), ("resume", 0)]
# Catching up reads the log ahead of the queue: the push of entry 3 arrives paused, when entry 3 was sent already.
READ_AHEAD = [*OVERTAKEN, ("say", 1), ("push", 0), ("push", 0), ("pause", 0)]
# Pausing and resuming before the job comes that sends what a viewer has subscribed to: another job takes its place.
TAKEN_OVER = [("say", 1), ("pause", 0), ("push", 0), ("subscribe", 0), ("pause", 0), ("resume", 0)]


@given(plan=steps, in_order=st.booleans())
@example(plan=OVERTAKEN, in_order=False)
@example(plan=[*OVERTAKEN, ("push", 1)], in_order=False)  # ... and arrives when the stream is live again
@example(plan=[*OVERTAKEN, ("pause", 0)], in_order=False)
@example(plan=READ_AHEAD, in_order=True)
@example(plan=TAKEN_OVER, in_order=True)
@example(plan=TAKEN_OVER, in_order=False)
@settings(
    max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_no_order_of_things_loses_an_entry(world, plan, in_order):
    session = Session(world, in_order)
    subscribed = False
    for step, number in plan:
        if step == "subscribe":
            session.viewer.send({"type": "subscribe_run", "runId": session.run.id, "fromSequence": 1})
            subscribed = True
        else:
            getattr(session, step)(number)
    numbers = session.end()
    assert set(numbers) == set(range(1, session.written + 1))
    if in_order and not subscribed:  # who subscribes from the beginning asks for what they have
        assert numbers == list(range(1, session.written + 1))
