"""Collaborations under races and kills: each ask is one message, one end is the end, and what was answered is written once."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.core import clock
from shared.core.errors import CadreError
from shared.core.ids import derived_id
from shared.sandboxes.collaborations.moving import advance, advance_all
from shared.sandboxes.collaborations.rows import (
    CANCELLED,
    COMPLETED,
    ENDED,
    FAILED,
    MODES,
    ORCHESTRATED,
    Collaboration,
    CollaborationCount,
)
from shared.sandboxes.collaborations.starting import NewCollaboration, cancel, orchestrate
from shared.sandboxes.collaborations.state import ANSWERED, OPEN, State, from_json
from shared.sandboxes.lifecycle.changing import delete_sandbox
from shared.sandboxes.lifecycle.creating import NewSandbox, create_sandbox
from shared.sandboxes.lifecycle.rows import ERROR, RUNNING
from shared.sandboxes.messages.delivering import deliver_due
from shared.sandboxes.messages.receiving import respond
from shared.sandboxes.messages.rows import MessageHead
from shared.store import fetch, first_index_rows, get
from shared.work.documents.reading import stored_text
from shared.work.documents.rows import Document, documents_of
from tests.areas.boards_world import World, create_world, put_on_plan
from tests.areas.collaborating import config
from tests.areas.driving import deadline
from tests.examples import examples
from tests.kills import concurrently, crash_at_every_write
from tests.samples.sandboxes import in_status
from tests.stored_rows import check_rows

TEAMS = ("frontend-team", "backend-team", "security-team")
DELIVERABLES = ("frontend_components", "backend_api", "security_review")


class Place:
    """A workspace with three sandboxes; they answer by the services that their connections call."""

    def __init__(self) -> None:
        self.world: World = create_world()
        put_on_plan(self.world.ws_id, max_sandboxes=1_000)
        self.ids = [self.sandbox(name) for name in TEAMS]

    def sandbox(self, name: str) -> str:
        return in_status(create_sandbox(self.world.actor, self.world.ws_id, NewSandbox(name, config(name))).id, RUNNING)

    def start(self, mode: str = ORCHESTRATED, **more) -> str:
        new = NewCollaboration("Implement it", self.ids, mode, deliverables=DELIVERABLES, max_turns=6, **more)
        return orchestrate(self.world.actor, self.world.ws_id, new).id

    def answer(self, started: str, number: int, text: str = "") -> None:
        """Answer an ask, as its member; what cannot be answered (any more) is not."""
        row = stored(started)
        state = from_json(row.state)
        if number < len(state.asks):
            ask = state.asks[number]
            member = state.members[ask.member]
            content = {"text": text or f"{ask.step} by {member.name}\nVOTE: 1\nDONE: yes"}
            with suppress(CadreError):
                respond(member.sandbox_id, derived_id("r", started, number), row.message_id(number), None, content)

    def finish(self, started: str) -> Collaboration:
        """Let everybody answer until it has ended."""
        for _ in range(40):
            advance(started)
            row = stored(started)
            if row.has_ended:
                return row
            for ask in open_asks(started):
                self.answer(started, ask.number)
        raise AssertionError(f"it does not end: {stored(started).state}")

    def check(self, started: str) -> None:
        row, state = stored(started), from_json(stored(started).state)
        rows, _ = first_index_rows(1, documents_of(self.world.project.id).partition, 100)
        if row.has_ended:
            assert int(get(CollaborationCount, f"WS#{self.world.ws_id}", "COL").active) == 0
            assert row.status == COMPLETED or row.reason
        if row.status in (COMPLETED, FAILED) and row.documents:
            assert {one["document_id"] for one in row.documents} == {one.id for one in rows}
        for one in row.documents:
            ask = next(ask for ask in state.of_step(one["name"]) if ask.status == ANSWERED)
            assert stored_text(fetch(Document, one["document_id"])).startswith(f"{ask.step} by ")
        for index in (1, 2):
            for sandbox_id in self.ids:
                sent, _ = first_index_rows(index, f"SBX#{sandbox_id}#{'OUT' if index == 1 else 'IN'}", 100)
                assert len(sent) == len({one.id for one in sent})
        check_rows()


def stored(started: str) -> Collaboration:
    row = fetch(Collaboration, started)
    assert row is not None
    return row


def state_of(started: str) -> State:
    return from_json(stored(started).state)


def open_asks(started: str):
    return [ask for ask in state_of(started).asks if ask.status == OPEN]


@pytest.mark.parametrize("mode", MODES)
def test_a_kill_at_any_write_of_any_step_changes_nothing_of_what_comes_out(aws, mode):
    place = Place()
    expected: list[str] | None = None
    steps = 0
    for process in crash_at_every_write():
        started = place.start(mode)
        with process:
            place.finish(started)
        row = place.finish(started)
        assert row.status == COMPLETED, row.reason
        assert not open_asks(started)
        made = [stored_text(fetch(Document, one["document_id"])) for one in row.documents]
        expected = expected or made
        assert made == expected
        rows, _ = first_index_rows(1, documents_of(place.world.project.id).partition, 1_000)
        assert len(rows) == 3 * (steps + 1)
        steps += 1
    assert int(get(CollaborationCount, f"WS#{place.world.ws_id}", "COL").active) == 0
    assert steps > 10
    check_rows()


@pytest.mark.parametrize("mode", MODES)
def test_two_workers_at_once_do_what_one_does(aws, mode):
    place = Place()
    started = place.start(mode)
    for _ in range(40):
        with concurrently(lambda: advance(started)):
            advance(started)
        if stored(started).has_ended:
            break
        for ask in open_asks(started):
            place.answer(started, ask.number)
            place.answer(started, ask.number, "again, otherwise")
    assert stored(started).status == COMPLETED
    place.check(started)


Action = Callable[[Place, str], None]


def _shift(seconds: int) -> Action:
    def act(_: Place, __: str) -> None:
        travel.shift(timedelta(seconds=seconds))
        deliver_due(deadline())

    return act


class _Travel:
    """The time of an example, which its actions let pass."""

    traveller: time_machine.Traveller | None = None

    def shift(self, by: timedelta) -> None:
        assert self.traveller is not None
        self.traveller.shift(by)


travel = _Travel()


def _cancel(place: Place, started: str) -> None:
    with suppress(CadreError):
        cancel(place.world.actor, started)


def _delete(number: int) -> Action:
    def act(place: Place, _: str) -> None:
        with suppress(CadreError):
            delete_sandbox(place.world.actor, place.ids[number])

    return act


def _break(number: int) -> Action:
    def act(place: Place, _: str) -> None:
        with suppress(CadreError, AssertionError):
            in_status(place.ids[number], ERROR)

    return act


def _answer(number: int) -> Action:
    return lambda place, started: place.answer(started, number)


def _answer_with_an_error(number: int) -> Action:
    return lambda place, started: place.answer(started, number, '{"error": "no"}')


ACTIONS = st.one_of(
    st.builds(_answer, st.integers(0, 12)),
    st.builds(_answer, st.integers(0, 4)),
    st.builds(_shift, st.sampled_from([1, 40, 101, 301])),
    st.builds(_delete, st.integers(0, 2)),
    st.builds(_break, st.integers(0, 2)),
    st.just(_cancel),
    st.just(lambda _, started: advance(started)),
    st.just(lambda _, started: advance(started)),
    st.just(lambda _, __: advance_all(deadline())),
)


@settings(max_examples=examples(25), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(MODES), st.lists(ACTIONS, max_size=14), st.booleans())
def test_whatever_happens_it_ends_once_and_leaves_what_was_answered(aws, mode: str, actions: list[Action], crowded: bool):
    from tests.conftest import _empty

    _empty()
    place = Place()
    with time_machine.travel(clock.now(), tick=False) as travel.traveller:
        started = place.start(mode)
        ended: tuple[str, int] | None = None
        for action in actions:
            if crowded:
                with concurrently(lambda: advance(started)):
                    action(place, started)
            else:
                action(place, started)
            row = stored(started)
            assert ended is None or ended == (row.status, int(row.version))
            ended = (row.status, int(row.version)) if row.has_ended else None
        last = place.finish(started)
        assert last.status in ENDED
        assert last.status != CANCELLED or "cancelled it" in str(last.reason)
        for number in range(len(state_of(started).asks)):
            place.answer(started, number, "late")
        advance(started)
        assert int(stored(started).version) == int(last.version)
        waiting = [fetch(MessageHead, last.message_id(ask.number)) for ask in open_asks(started)]
        assert not [one for one in waiting if one is not None and one.is_waiting]
        place.check(started)
