"""The guardian's rules: loop, stall, drift and waste. Each looks at the end of a trace: what an agent has left behind it does not count.

The numbers of `loop` are those of OpenHands' stuck detector (four equal pairs of action and result, three equal errors, three rounds of
a cycle). The others are our choice, measured on the traces of `bench/guardian.py`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from shared.runs.traces.subject import LAST, alignment
from shared.runs.traces.trace import Call, Trace, Turn

SAME_RESULTS: Final = 4
SAME_ERRORS: Final = 3
ROUNDS: Final = 3
SAME_ANSWERS: Final = 6
"""Calls of a tool in one row that had the same result, whatever was asked."""
LONGEST_CYCLE: Final = 4  # turns
STALL_TURNS: Final = 10  # a quarter of the turns that a run may take
STALL_SECONDS: Final = 900.0
STALL_LEAST: Final = 4  # turns of that time: a slow model that answers once is not stalled
DRIFT_BELOW: Final = 0.35
"""The share of known words (`subject.alignment`) below which a run has drifted."""
WASTE_FACTOR: Final = 4.0
WASTE_LEAST: Final = 20_000  # tokens: below that nothing is wasted
MEASURED_RUNS: Final = 5
"""Runs that an agent must have completed before it is known what is usual for it."""
_NUMBER: Final = re.compile(r"0x[0-9a-f]+|\d+")


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
    return tuple((call.tool, call.arguments, _outcome(call)) for call in turn.calls)


def _outcome(call: Call) -> str:
    """Return the result of a call as it is compared: an error is the same whatever time or address stands in it."""
    return _NUMBER.sub("0", call.result) if call.failed else call.result


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


def find_drift(trace: Trace) -> Finding | None:
    """Tell whether the last turns no longer concern what the run was given to do."""
    share = alignment(trace)
    if share is None or share >= DRIFT_BELOW:
        return None
    reason = f"The last {LAST} turns have little to do with the card ({share:.0%} of their words)"
    return Finding("drift", reason, "Go back to what the card asks for, and leave everything else")


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


def first_finding(trace: Trace, usual: float | None = None) -> Finding | None:
    """Return the first thing that is wrong, the surest first."""
    return find_loop(trace) or find_stall(trace) or find_waste(trace, usual) or find_drift(trace)
