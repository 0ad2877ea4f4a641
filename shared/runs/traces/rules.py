"""The guardian's rules: loop, stall, drift and waste. Each looks at the end of a trace: what an agent has left behind it does not count.

The numbers of `loop` are those of OpenHands' stuck detector (four equal pairs of action and result, three equal errors, three rounds of
a cycle). The others are our choice, measured on the traces of `bench/guardian.py`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from shared.agents.embeddings.port import Vector, cosine
from shared.runs.traces.trace import Trace, Turn

SAME_RESULTS: Final = 4
SAME_ERRORS: Final = 3
ROUNDS: Final = 3
SAME_ANSWERS: Final = 6
"""Calls of a tool in one row that had the same result, whatever was asked."""
LONGEST_CYCLE: Final = 4  # turns
STALL_TURNS: Final = 10  # a quarter of the turns that a run may take
STALL_SECONDS: Final = 900.0
STALL_LEAST: Final = 4  # turns of that time: a slow model that answers once is not stalled
DRIFT_TURNS: Final = 4  # the turns at the end whose words are compared
DRIFT_BELOW: Final = 0.15
"""The mean likeness to the goal below which a run has drifted."""
DRIFT_WORDS: Final = 20  # the words that those turns must have together: less says nothing
GOAL_WORDS: Final = 60  # words of a piece of the goal: a vector of a long text is like everything
GOAL_PIECES: Final = 16
WASTE_FACTOR: Final = 4.0
WASTE_LEAST: Final = 20_000  # tokens: below that nothing is wasted
MEASURED_RUNS: Final = 5
"""Runs that an agent must have completed before it is known what is usual for it."""

Embed = Callable[[Sequence[str]], Sequence[Vector]]


@dataclass(frozen=True)
class Finding:
    """What is wrong with a run: the rule, and words for the agent and for people."""

    rule: str  # loop | stall | drift | waste
    reason: str
    advice: str


def find_loop(trace: Trace) -> Finding | None:
    """Tell whether the last turns repeat each other: the same calls with the same results, or a cycle of turns."""
    keys = [_key(turn) for turn in trace.turns]
    if not keys or not trace.turns[-1].calls:
        return None
    same = _repeats(keys, 1)
    failed = any(call.failed for call in trace.turns[-1].calls)
    if same >= (SAME_ERRORS if failed else SAME_RESULTS):
        names = ", ".join(dict.fromkeys(call.tool for call in trace.turns[-1].calls))
        what = "with the same error" if failed else "with the same result"
        return _loop(f"The same call of {names} was made {same} times {what}")
    for length in range(2, LONGEST_CYCLE + 1):
        rounds = _repeats(keys, length)
        if rounds >= ROUNDS:
            return _loop(f"The last {length} turns were repeated {rounds} times")
    answers = [_answer(turn) for turn in trace.turns]
    same = _repeats(answers, 1) if answers[-1] else 0
    if same >= SAME_ANSWERS:
        return _loop(f"{same} calls of {trace.turns[-1].calls[0].tool} had the same result, whatever was asked")
    return None


def _loop(reason: str) -> Finding:
    return Finding(
        "loop", reason, "Do not repeat them: use what you know already, try another way, or say on the card what is missing"
    )


def _key(turn: Turn) -> tuple[tuple[str, str, str], ...]:
    return tuple((call.tool, call.arguments, call.result) for call in turn.calls)


def _answer(turn: Turn) -> tuple[tuple[str, str], ...]:
    """Return what the tools of a turn answered; nothing for a turn that has made something."""
    return () if any(call.made for call in turn.calls) else tuple((call.tool, call.result) for call in turn.calls)


def _repeats(keys: Sequence[object], length: int) -> int:
    """Return how many times the last `length` keys stand at the end, one after the other."""
    last, times = keys[-length:], 1
    while len(last) == length and keys[-length * (times + 1) : -length * times] == last:
        times += 1
    return times


def find_stall(trace: Trace) -> Finding | None:
    """Tell whether nothing was made for many turns, or for a long time while turns went on."""
    if not trace.turns:
        return None
    last = trace.progress[-1] if trace.progress else -1
    turns = len(trace.turns) - 1 - last
    seconds = trace.turns[-1].at - (trace.turns[last].at if last >= 0 else 0.0)
    if turns < STALL_TURNS and (turns < STALL_LEAST or seconds < STALL_SECONDS):
        return None
    reason = f"Nothing was made in the last {turns} turns ({seconds / 60:.0f} minutes)"
    return Finding("stall", reason, "Make the next thing that the card asks for, or say on the card what keeps you from it")


def find_drift(trace: Trace, embed: Embed) -> Finding | None:
    """Tell whether the last turns no longer concern what the run was given to do."""
    likeness = alignment(trace, embed)
    if likeness is None or likeness >= DRIFT_BELOW:
        return None
    reason = f"The last {DRIFT_TURNS} turns have little to do with the card (likeness {likeness:.2f})"
    return Finding("drift", reason, "Go back to what the card asks for, and leave everything else")


def alignment(trace: Trace, embed: Embed) -> float | None:
    """Return how much the last turns concern the goal, from 0 to 1; None if there are too few words to tell."""
    last = [turn.words for turn in trace.turns[-DRIFT_TURNS:] if turn.words]
    recent = list(dict.fromkeys(last))  # the same words again say nothing new
    if len(last) < DRIFT_TURNS or sum(len(text.split()) for text in recent) < DRIFT_WORDS:
        return None
    goal = pieces(trace.goal)
    if not goal:
        return None
    vectors = embed([*goal, *recent])
    wanted, done = vectors[: len(goal)], vectors[len(goal) :]
    return max(0.0, sum(max(cosine(one, other) for other in wanted) for one in done) / len(done))


def pieces(text: str) -> list[str]:
    """Return a text in pieces of GOAL_WORDS words, GOAL_PIECES at most."""
    words = text.split()
    return [" ".join(words[start : start + GOAL_WORDS]) for start in range(0, len(words), GOAL_WORDS)][:GOAL_PIECES]


def find_waste(trace: Trace, usual: float | None) -> Finding | None:
    """Tell whether the run has used far more tokens for each thing that it made than is usual. `usual`: tokens for one thing; None if that
    is not known, and then nothing is."""
    if usual is None:
        return None
    for_each = trace.tokens / max(1, trace.made)
    if trace.tokens < WASTE_LEAST or for_each <= WASTE_FACTOR * usual:
        return None
    reason = f"{trace.tokens:,} tokens were used for {trace.made} things; {usual:,.0f} for each are usual"
    return Finding("waste", reason, "Finish what the card asks for with few calls, without reading the same again")


def first_finding(trace: Trace, embed: Embed | None = None, usual: float | None = None) -> Finding | None:
    """Return the first thing that is wrong, the surest first. Without `embed` it is not told whether the run has drifted."""
    return (
        find_loop(trace)
        or find_stall(trace)
        or find_waste(trace, usual)
        or (find_drift(trace, embed) if embed is not None else None)
    )
