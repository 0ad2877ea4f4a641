"""The phases of a swarm: independent answers, a vote on all of them, one runoff between the best two if none has a majority."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from shared.sandboxes.collaborations.rows import FAILED
from shared.sandboxes.collaborations.state import ANALYSE, ANSWERED, VOTE, Ask, State

ANSWERS: Final = "independent_answers"
VOTES: Final = "vote"
RUNOFF: Final = "runoff"


def analyse(state: State) -> State:
    """Ask everybody at once: nobody knows what the others answer."""
    state = state.next_phase()
    for one in state.living():
        state = state.ask(ANSWERS, ANALYSE, one)
    return state


def hold_vote(state: State) -> State:
    """Share all answers with everybody and ask for a vote."""
    proposals = state.answered(ANSWERS)
    if len(proposals) < 2:
        reason = "; ".join(f"{state.members[ask.member].name}: {ask.reason}" for ask in state.of_step(ANSWERS) if ask.reason)
        return state.end(FAILED, f"A vote needs two answers: {reason}")
    return _ask_all(state.next_phase(), VOTES, [ask.number for ask in proposals])


def count(state: State) -> State:
    """Count the votes; without a majority the best two go into a runoff, which the most votes decide, and at a tie the order of asking."""
    step = RUNOFF if state.of_step(RUNOFF) else VOTES
    votes = state.of_step(step)
    proposals = votes[0].material
    chosen = {ask.number: _choice(ask) for ask in votes}
    tally = Counter(choice for choice in chosen.values() if choice is not None)
    if not tally:
        return state.end(FAILED, "Nobody has voted for one of the answers")
    ranked = sorted(proposals, key=lambda number: (-tally[number], number))
    majority = 2 * tally[ranked[0]] > sum(tally.values())
    if not majority and step == VOTES and len(proposals) > 2:
        return _ask_all(state, RUNOFF, sorted(ranked[:2]))
    tie = tally[ranked[0]] == tally[ranked[1]]
    decided = "order" if tie else "runoff" if step == RUNOFF else "majority" if majority else "plurality"
    return replace(state.next_phase(), outcome=_outcome(state, votes, ranked[0], tally, decided))


def _ask_all(state: State, step: str, material: Sequence[int]) -> State:
    for one in state.living():
        state = state.ask(step, VOTE, one, material)
    return state


def _choice(ask: Ask) -> int | None:
    """Return the ask whose answer somebody votes for; None: it votes for none of those that are on offer."""
    vote = ask.answer.vote if ask.status == ANSWERED and ask.answer else None
    return ask.material[vote - 1] if vote is not None and 1 <= vote <= len(ask.material) else None


def _outcome(state: State, votes: Sequence[Ask], winner: int, tally: Counter[int], decided: str) -> dict[str, Any]:
    """Return the consensus: whose answer won, how many votes each had, and who voted otherwise, with the reasons."""

    def author(number: int) -> str:
        return state.members[state.asks[number].member].sandbox_id

    dissent = [
        {
            "sandbox_id": state.members[ask.member].sandbox_id,
            "for": author(choice),
            "reason": ask.answer.reason if ask.answer else "",
        }
        for ask in votes
        if (choice := _choice(ask)) is not None and choice != winner
    ]
    abstained = [state.members[ask.member].sandbox_id for ask in votes if _choice(ask) is None]
    return {
        "ask": winner,
        "sandbox_id": author(winner),
        "tally": {author(number): tally[number] for number in votes[0].material},
        "dissent": dissent,
        "abstained": abstained,
        "decided_by": decided,
    }
