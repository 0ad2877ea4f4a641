"""The state machines of collaborations: what is asked of whom, when they end, and that they end whatever happens."""

import json

from hypothesis import given
from hypothesis import strategies as st

from shared.sandboxes.collaborations.machine import (
    Answered,
    Ended,
    Event,
    Failed,
    Lost,
    Started,
    Written,
    decide,
    is_aggregating,
    progress_of,
)
from shared.sandboxes.collaborations.rows import CANCELLED, COMPLETED, FAILED, MODES, ORCHESTRATED, PEER_TO_PEER, SWARM
from shared.sandboxes.collaborations.state import OPEN, Answer, Member, State, from_json, to_json, words

TEAMS = ("frontend-team", "backend-team", "security-team")
ASKED_FOR = ("frontend_components", "backend_api", "security_review")


def state_of(mode: str, deliverables: tuple[str, ...] = ASKED_FOR, *, orchestrator: bool = False, max_turns: int = 20) -> State:
    members = [Member(f"id-{name}", name, tuple(sorted(words(name)))) for name in TEAMS]
    if orchestrator:
        members.append(Member("id-lead", "project-manager"))
    return State(mode, deliverables, tuple(members), 3, 3 if orchestrator else None, max_turns)


def waiting(state: State) -> list[int]:
    return [ask.number for ask in state.asks if ask.status == OPEN]


def whom(state: State) -> dict[str, str]:
    return {ask.step: state.members[ask.member].name for ask in state.asks if ask.status == OPEN}


def answer_all(state: State, answer: Answer | None = None) -> State:
    for number in waiting(state):
        state = decide(state, Answered(number, answer or Answer()))
    return state


def test_each_deliverable_goes_to_who_knows_it_and_a_review_comes_after_what_it_reviews():
    state = decide(state_of(ORCHESTRATED), Started())
    assert whom(state) == {"frontend_components": "frontend-team", "backend_api": "backend-team"}
    assert progress_of(state).completed == ("task_breakdown",)
    state = answer_all(state)
    assert whom(state) == {"security_review": "security-team"}
    assert state.asks[-1].material == (0, 1)
    progress = progress_of(state)
    assert (progress.percentage, progress.current_step, progress.remaining) == (
        60,
        "security_review",
        ("security_review", "aggregation"),
    )
    state = answer_all(state)
    assert is_aggregating(state)
    state = decide(state, Written())
    assert (state.status, progress_of(state).percentage, progress_of(state).remaining) == (COMPLETED, 100, ())


def test_the_plan_of_an_orchestrator_is_followed_also_for_the_first_participant():
    state = decide(state_of(ORCHESTRATED, orchestrator=True), Started())
    assert whom(state) == {"task_breakdown": "project-manager"}
    state = decide(state, Answered(0, Answer(plan={"backend_api": "Frontend-Team", "frontend_components": "nobody"})))
    assert whom(state) == {"backend_api": "frontend-team", "frontend_components": "frontend-team"}
    assert {state.members[ask.sender].name for ask in state.asks[1:]} == {"project-manager"}


def test_nobody_is_asked_by_itself():
    state = decide(state_of(ORCHESTRATED), Started())
    assert all(ask.sender not in (ask.member, -1) for ask in state.asks)


def test_who_dies_is_replaced_by_one_with_the_capability_else_the_step_fails_with_its_reason():
    state = state_of(ORCHESTRATED, ("backend_api",))
    more = Member("id-b2", "backend-two", ("backend", "two"))
    state = decide(State(state.mode, state.deliverables, (*state.members, more), 4), Started())
    state = decide(state, Lost("id-backend-team", "It was deleted", True))
    assert whom(state) == {"backend_api": "backend-two"}
    state = decide(state, Failed(waiting(state)[0], "It did not answer"))
    assert (state.status, state.reason) == (FAILED, "backend_api: It did not answer")


def test_peers_talk_until_all_say_that_it_is_done_and_go_to_whom_they_name():
    state = decide(state_of(PEER_TO_PEER), Started())
    state = answer_all(state, Answer(done=True, to="security-team"))
    assert whom(state) == {"conversation": "security-team"}
    assert state.members[state.asks[-1].sender].name == "frontend-team"
    state = answer_all(state, Answer(done=True))
    assert whom(state) == {"conversation": "backend-team"}
    state = answer_all(state, Answer(done=True))
    assert set(whom(state)) == set(ASKED_FOR)
    assert progress_of(state).completed == ("conversation",)


def test_the_limit_of_turns_ends_a_conversation():
    state = decide(state_of(PEER_TO_PEER, max_turns=4), Started())
    for _ in range(4):
        state = answer_all(state)
    assert state.status == FAILED
    assert state.reason.startswith("The limit of 4 turns was reached")


def test_a_swarm_votes_and_keeps_tally_and_dissent():
    state = answer_all(decide(state_of(SWARM, ()), Started()))
    assert [ask.material for ask in state.asks[3:]] == [(0, 1, 2)] * 3
    for number, vote, reason in ((3, 2, ""), (4, 2, ""), (5, 3, "It is safer")):
        state = decide(state, Answered(number, Answer(vote=vote, reason=reason)))
    assert state.status == COMPLETED
    outcome = state.outcome or {}
    assert (outcome["sandbox_id"], outcome["decided_by"]) == ("id-backend-team", "majority")
    assert outcome["tally"] == {"id-frontend-team": 0, "id-backend-team": 2, "id-security-team": 1}
    assert outcome["dissent"] == [{"sandbox_id": "id-security-team", "for": "id-security-team", "reason": "It is safer"}]


def test_without_a_majority_there_is_one_runoff_and_a_tie_is_decided_by_the_order():
    state = answer_all(decide(state_of(SWARM, ()), Started()))
    for number, vote in ((3, 1), (4, 2), (5, 3)):
        state = decide(state, Answered(number, Answer(vote=vote)))
    assert [ask.material for ask in state.asks[6:]] == [(0, 1)] * 3
    for number, vote in ((6, 1), (7, 2), (8, 9)):
        state = decide(state, Answered(number, Answer(vote=vote)))
    outcome = state.outcome or {}
    assert (outcome["decided_by"], outcome["sandbox_id"]) == ("order", "id-frontend-team")
    assert outcome["abstained"] == ["id-security-team"]


def test_what_comes_twice_or_after_the_end_changes_nothing():
    state = decide(state_of(ORCHESTRATED), Started())
    once = decide(state, Answered(0, Answer()))
    assert decide(once, Answered(0, Answer(done=True))) == once
    assert decide(once, Failed(0, "late")) == once
    cancelled = decide(once, Ended(CANCELLED, "Ada cancelled it"))
    assert (cancelled.status, cancelled.reason) == (CANCELLED, "Ada cancelled it")
    assert decide(cancelled, Answered(1, Answer())) == cancelled
    assert decide(cancelled, Ended(FAILED, "The time is over")) == cancelled


EVENTS = st.one_of(
    st.builds(
        Answered,
        st.integers(0, 40),
        st.builds(
            Answer,
            done=st.booleans(),
            to=st.sampled_from(["", *TEAMS, "nobody"]),
            vote=st.none() | st.integers(-1, 5),
            plan=st.dictionaries(st.sampled_from(ASKED_FOR), st.sampled_from(TEAMS), max_size=2),
        ),
    ),
    st.builds(Failed, st.integers(0, 40), st.just("It did not answer")),
    st.builds(
        Lost, st.sampled_from([*(f"id-{name}" for name in TEAMS), "id-lead", "id-other"]), st.just("It stopped"), st.booleans()
    ),
    st.just(Written()),
    st.just(Started()),
)


@given(
    st.sampled_from(MODES), st.booleans(), st.sampled_from([(), ASKED_FOR, ("security_review",)]), st.lists(EVENTS, max_size=60)
)
def test_whatever_happens_it_waits_for_something_or_has_ended_with_a_reason(
    mode: str, orchestrator: bool, deliverables: tuple[str, ...], events: list[Event]
):
    state = decide(state_of(mode, deliverables, orchestrator=orchestrator, max_turns=6), Started())
    for event in events:
        before, state = state, decide(state, event)
        assert from_json(json.loads(json.dumps(to_json(state)))) == state
        assert [ask.number for ask in state.asks] == list(range(len(state.asks)))
        assert len(state.asks) <= 40
        kept = state.asks[: len(before.asks)]
        settled = [(one.status, one.answer) for one in before.asks if one.status != OPEN]
        assert settled == [(one.status, one.answer) for one, old in zip(kept, before.asks, strict=True) if old.status != OPEN]
        if state.has_ended:
            assert state.status == COMPLETED or state.reason
        else:
            assert state.is_waiting or is_aggregating(state)
            assert all(not state.members[ask.member].lost for ask in state.asks if ask.status == OPEN)
        shown = progress_of(state)
        assert 0 <= shown.percentage <= 100
        assert shown.percentage >= progress_of(before).percentage or mode != ORCHESTRATED
    while not state.has_ended:
        state = decide(state, Written()) if not state.is_waiting else answer_all(state, Answer(done=True, vote=1))
