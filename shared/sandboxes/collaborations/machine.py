"""The state machines of the three modes: `decide(state, event)` returns the next state. They read no clock and no table.

orchestrated  break the task down, have each deliverable written by who knows it best, then what reviews the others, then aggregate
peer_to_peer  one speaks after the other, to whom it names, until all say that the task is done; then the deliverables
swarm         everybody answers alone, then votes on all answers; what wins is the consensus; then the deliverables

What is new in `asks` is to be sent. When all phases are over, `is_aggregating` says that the documents are to be written.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from shared.sandboxes.collaborations.rows import (
    CANCELLED,
    COMPLETED,
    FAILED,
    IN_PROGRESS,
    INITIALIZING,
    ORCHESTRATED,
    PEER_TO_PEER,
    SWARM,
)
from shared.sandboxes.collaborations.state import (
    ANSWERED,
    CONTRIBUTE,
    OPEN,
    PLAN,
    SUMMARISE,
    TALK,
    WRITE,
    Answer,
    Ask,
    State,
    words,
)
from shared.sandboxes.collaborations.state import FAILED as ASK_FAILED
from shared.sandboxes.collaborations.swarm import ANSWERS, RUNOFF, VOTES, analyse, count, hold_vote

BREAKDOWN, CONVERSATION, AGGREGATION = "task_breakdown", "conversation", "aggregation"
_REVIEWS: Final = frozenset(
    {"review", "reviews", "audit", "test", "tests", "testing", "qa", "integration", "validation", "check"}
)
"""Words of deliverables that are about the others: these are written first."""


@dataclass(frozen=True)
class Started:
    """The work begins."""


@dataclass(frozen=True)
class Answered:
    """A member has answered what it was asked."""

    number: int
    answer: Answer
    cost: int = 0


@dataclass(frozen=True)
class Failed:
    """A member could not be asked, or has not answered."""

    number: int
    reason: str
    cost: int = 0


@dataclass(frozen=True)
class Lost:
    """A member takes no part any more."""

    sandbox_id: str
    reason: str
    is_deleted: bool = False
    costs: Mapping[int, int] = field(default_factory=dict)
    """By number: what open asks have cost, which fail by this."""


@dataclass(frozen=True)
class Written:
    """The documents of all deliverables that were answered are written."""


@dataclass(frozen=True)
class Ended:
    """Somebody or something ends it: a person, the time, the cost."""

    status: str  # failed | cancelled
    reason: str


Event = Started | Answered | Failed | Lost | Written | Ended


def decide(state: State, event: Event) -> State:
    """Return the state after an event. What comes after the end, or is about something that is settled, changes nothing."""
    if state.has_ended:
        return state
    return _go_on(_hear(state, event))


def _hear(state: State, event: Event) -> State:
    match event:
        case Started():
            return replace(state, status=IN_PROGRESS) if state.status == INITIALIZING else state
        case Answered(number, answer, cost):
            return state.change_ask(number, status=ANSWERED, answer=answer, cost=cost) if _is_open(state, number) else state
        case Failed(number, reason, cost):
            return _fail(state, state.asks[number], reason, cost) if _is_open(state, number) else state
        case Lost():
            return _lose(state, event)
        case Written():
            return _finish(state) if is_aggregating(state) else state
        case Ended(status, reason):
            return state.end(CANCELLED if status == CANCELLED else FAILED, reason)


def _is_open(state: State, number: int) -> bool:
    return number < len(state.asks) and state.asks[number].status == OPEN


def _lose(state: State, event: Lost) -> State:
    """Take a member out; what it was asked is asked of somebody else who can do it."""

    def is_it(number: int) -> bool:
        one = state.members[number]
        return one.sandbox_id == event.sandbox_id and not (one.lost and (one.is_deleted or not event.is_deleted))

    if not any(map(is_it, range(len(state.members)))):
        return state
    members = tuple(
        replace(one, lost=one.lost or event.reason, is_deleted=one.is_deleted or event.is_deleted) if is_it(number) else one
        for number, one in enumerate(state.members)
    )
    state = replace(state, members=members)
    for ask in state.asks:
        if ask.status == OPEN and state.members[ask.member].sandbox_id == event.sandbox_id:
            state = _fail(state, ask, event.reason, event.costs.get(ask.number, 0))
    return state


def _fail(state: State, ask: Ask, reason: str, cost: int = 0) -> State:
    """Note that an ask has failed; a deliverable is asked of the next one who can write it."""
    state = state.change_ask(ask.number, status=ASK_FAILED, reason=reason, cost=cost)
    if ask.kind != WRITE or state.status != IN_PROGRESS:
        return state
    tried = {one.member for one in state.of_step(ask.step)}
    wanted = words(ask.step) | set(state.members[ask.member].words)
    able = [one for one in state.living() if one not in tried and wanted & set(state.members[one].words)]
    best = max(
        able,
        key=lambda one: (state.members[one].knows(ask.step), len(wanted & set(state.members[one].words)), -one),
        default=None,
    )
    return state if best is None else state.ask(ask.step, WRITE, best, ask.material)


def _go_on(state: State) -> State:
    """Begin phase after phase until an answer is to come, the documents are to be written, or it has ended."""
    phases = _PHASES[state.mode]
    while state.status == IN_PROGRESS and not state.is_waiting:
        if not state.living():
            return state.end(FAILED, f"No participant is left: {_why_lost(state)}")
        if state.phase == len(phases):
            return state if _written(state) else _finish(state)
        state = phases[state.phase](state)
    return state


def is_aggregating(state: State) -> bool:
    """Tell whether all is answered and the documents are to be written."""
    over = state.status == IN_PROGRESS and not state.is_waiting and state.phase == len(_PHASES[state.mode])
    return over and bool(_written(state))


def _written(state: State) -> list[str]:
    """Return the deliverables that somebody has written."""
    return [name for name in state.deliverables if state.answered(name)]


def _finish(state: State) -> State:
    """End it: with what could not be done as the reason, if there is such a thing."""
    state = replace(state, done=(*state.done, AGGREGATION))
    needed = parts_of(state) if state.mode == ORCHESTRATED else state.deliverables
    missing = [name for name in needed if not state.answered(name)]
    if not state.deliverables and len(missing) < len(needed):
        missing = []  # what the others have contributed is a result
    reasons = [f"{name}: {state.of_step(name)[-1].reason if state.of_step(name) else 'nobody was asked'}" for name in missing]
    return state.end(FAILED, "; ".join(reasons)) if missing else state.end(COMPLETED)


def _why_lost(state: State) -> str:
    lost = state.members[: state.participants]
    return "; ".join(f"{one.name}: {one.lost}" for one in lost)


# -- orchestrated


def parts_of(state: State) -> tuple[str, ...]:
    """Return the steps of an orchestrated work: its deliverables, else a contribution of each participant."""
    names = (f"{one.name}_contribution" for one in state.members[: state.participants])
    return state.deliverables or tuple(names)


def _is_orchestrated(state: State) -> bool:
    return state.orchestrator is not None and not state.members[state.orchestrator].lost


def _break_down(state: State) -> State:
    if not _is_orchestrated(state):
        return state.next_phase(BREAKDOWN)
    return state.next_phase().ask(BREAKDOWN, PLAN, int(state.orchestrator or 0))


def _work(state: State) -> State:
    """Ask for what can be written at once. Without deliverables everybody contributes."""
    if not state.deliverables:
        state = state.next_phase()
        for number, name in enumerate(parts_of(state)):
            if number in state.living():
                state = state.ask(name, CONTRIBUTE, number)
        return state
    reviews = _reviews(state)
    return _have_written(state.next_phase(), [name for name in state.deliverables if name not in reviews], ())


def _review(state: State) -> State:
    reviews = _reviews(state)
    material = [ask.number for name in state.deliverables if name not in reviews for ask in state.answered(name)]
    return _have_written(state.next_phase(), reviews, material)


def _reviews(state: State) -> list[str]:
    """Return the deliverables that are about the others; none if all are."""
    found = [name for name in state.deliverables if words(name) & _REVIEWS]
    return found if len(found) < len(state.deliverables) else []


def _have_written(state: State, names: Sequence[str], material: Sequence[int]) -> State:
    planned = _plan(state)
    for name in names:
        state = state.ask(name, WRITE, planned[name] if name in planned else _best(state, name), material)
    return state


def _plan(state: State) -> dict[str, int]:
    """Return who writes what after the orchestrator's plan, as far as it names participants that are left."""
    plans = [ask.answer.plan for ask in state.answered(BREAKDOWN) if ask.answer]
    named = {state.members[one].name.casefold(): one for one in state.living()}
    return {name: named[who.casefold()] for plan in plans for name, who in plan.items() if who.casefold() in named}


def _best(state: State, name: str) -> int:
    """Return who knows most about a deliverable, among these who has the least to write, among these the first."""
    load = [sum(ask.member == one and ask.kind == WRITE for ask in state.asks) for one in range(len(state.members))]
    return max(state.living(), key=lambda one: (state.members[one].knows(name), -load[one], -one))


def _aggregate(state: State) -> State:
    if not _is_orchestrated(state):
        return state.next_phase()
    material = [ask.number for name in parts_of(state) for ask in state.answered(name)]
    return state.next_phase().ask(AGGREGATION, SUMMARISE, int(state.orchestrator or 0), material)


# -- peer to peer


def _talk(state: State) -> State:
    """Give the word to the next one: whom the last one has named, else who has not said yet that the task is done."""
    said = state.of_step(CONVERSATION)
    living = state.living()
    if len(living) < 2:
        return state.end(FAILED, f"Only one participant is left: {_why_lost(state)}")
    latest = {ask.member: ask for ask in said if ask.status == ANSWERED}
    undone = [one for one in living if one not in latest or not (latest[one].answer or Answer()).done]
    if not undone:
        return state.next_phase()
    if len(said) >= state.max_turns:
        names = ", ".join(state.members[one].name for one in undone)
        return state.end(FAILED, f"The limit of {state.max_turns} turns was reached before {names} said that the task is done")
    speaker = _next_speaker(state, said, undone)
    since = max((ask.number for ask in said if ask.member == speaker and ask.status == ANSWERED), default=-1)
    material = [ask.number for ask in said if ask.status == ANSWERED and ask.number > since]
    return state.ask(CONVERSATION, TALK, speaker, material)


def _next_speaker(state: State, said: Sequence[Ask], undone: Sequence[int]) -> int:
    if not said:
        return undone[0]
    last = said[-1]
    recent = {ask.member for ask in said[-2 * state.participants :]}
    silent = [one for one in undone if one not in recent and len(said) >= 2 * state.participants]
    if silent:  # two who name each other do not keep the others from speaking
        return silent[0]
    named = (last.answer.to if last.answer else "").casefold()
    for one in state.living():
        if one != last.member and named in (state.members[one].name.casefold(), state.members[one].sandbox_id) and named:
            return one
    return min(undone, key=lambda one: ((one - last.member - 1) % state.participants, one))


# -- what all modes share


def _deliver(state: State) -> State:
    """Have the deliverables written by who knows most about each, from what was said or decided."""
    if state.mode == SWARM:
        material = [int((state.outcome or {}).get("ask", 0))]
    else:
        material = [ask.number for ask in state.answered(CONVERSATION)]
    return _have_written(state.next_phase(), state.deliverables, material)


_PHASES: Final[dict[str, tuple[Callable[[State], State], ...]]] = {
    ORCHESTRATED: (_break_down, _work, _review, _aggregate),
    PEER_TO_PEER: (_talk, _deliver),
    SWARM: (analyse, hold_vote, count, _deliver),
}


@dataclass(frozen=True)
class Progress:
    percentage: int
    current_step: str | None
    completed: tuple[str, ...]
    remaining: tuple[str, ...]
    failed: tuple[str, ...]


def progress_of(state: State) -> Progress:
    """Return how far it is: steps that are completed or failed, of all that are known. A step with several asks ends with the last."""
    completed, failed, remaining = [], [], []
    for name in _steps(state):
        asks = state.of_step(name)
        is_open = any(ask.status == OPEN for ask in asks)
        if name in state.done or (asks and not is_open and state.answered(name) and name != AGGREGATION):
            completed.append(name)
        elif asks and not is_open and name != AGGREGATION:
            failed.append(name)
        else:
            remaining.append(name)
    if state.status == COMPLETED:
        return Progress(100, None, (*completed, *remaining), (), tuple(failed))
    total = len(completed) + len(failed) + len(remaining)
    current = next((ask.step for ask in state.asks if ask.status == OPEN), remaining[0] if remaining else None)
    share = 100 * (len(completed) + len(failed)) // total if total else 0
    return Progress(share, None if state.has_ended else current, tuple(completed), tuple(remaining), tuple(failed))


def _steps(state: State) -> list[str]:
    """Return the names of all steps that are known, in their order."""
    before = {
        ORCHESTRATED: [BREAKDOWN],
        PEER_TO_PEER: [CONVERSATION],
        SWARM: [ANSWERS, VOTES, *[RUNOFF] * bool(state.of_step(RUNOFF))],
    }[state.mode]
    parts = parts_of(state) if state.mode == ORCHESTRATED else state.deliverables
    return [*before, *parts, AGGREGATION]
