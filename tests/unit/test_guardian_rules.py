"""The guardian's rules: on traces that say what they should find, and at their edges."""

from functools import cache

import pytest

from bench import guardian, guardian_heldout, guardian_traces
from shared.runs.traces import rules
from shared.runs.traces.subject import alignment
from shared.runs.traces.trace import Call, Trace, Turn

LEAST = {
    "made with": {"loop": (0.95, 0.95), "stall": (0.95, 0.95), "drift": (0.95, 0.8), "waste": (0.95, 0.95)},
    "held out": {"loop": (0.95, 0.95), "stall": (0.95, 0.95), "drift": (0.85, 0.85), "waste": (0.95, 0.95)},
}
"""Precision and recall that a rule has to have on the seeded traces."""


def turn(tool: str = "read", arguments: str = "a", result: str = "same", **more) -> Turn:
    at = more.pop("at", 0.0)
    return Turn("", (Call(tool, arguments, result, **more),), at)


def trace(*turns: Turn, tokens: int = 0) -> Trace:
    return Trace("The goal", turns, tokens)


@pytest.mark.parametrize("made", [guardian_traces, guardian_heldout], ids=list(guardian.SETS))
def test_the_kept_traces_are_those_of_their_script(made):
    assert made.FILE.read_text() == made.text()


measured = cache(guardian.measure)


@pytest.mark.parametrize("name", guardian.SETS)
def test_a_set_has_enough_traces(name):
    assert len(guardian.read(name)) >= 200


def test_every_rule_is_measured_on_every_set():
    assert {(row["set"], row["rule"]) for row in measured()} == {
        (name, rule) for name, rules_ in LEAST.items() for rule in rules_
    }


@pytest.mark.parametrize(("name", "rule"), [(name, rule) for name, rules_ in LEAST.items() for rule in rules_])
def test_a_rule_finds_what_it_should_and_little_else(name, rule):
    (row,) = (one for one in measured() if (one["set"], one["rule"]) == (name, rule))
    precision, recall = LEAST[name][rule]
    assert row["precision"] >= precision, row["false"]
    assert row["recall"] >= recall, row["missed"]


def test_a_loop_is_four_equal_results_or_three_equal_errors():
    assert rules.find_loop(trace(*[turn()] * 3)) is None
    assert rules.find_loop(trace(*[turn()] * 4)).rule == "loop"
    assert rules.find_loop(trace(*[turn(failed=True)] * 2)) is None
    assert rules.find_loop(trace(*[turn(failed=True)] * 3)).rule == "loop"


def test_an_error_is_the_same_whatever_numbers_stand_in_it():
    def run_at(seconds: float, *, failed: bool) -> Turn:
        return turn(result=f"1 failed in {seconds}s at 0x7f{seconds:.0f}a", failed=failed)

    assert rules.find_loop(trace(*[run_at(seconds, failed=True) for seconds in (1.5, 2.5, 3.5)])).rule == "loop"
    assert rules.find_loop(trace(*[run_at(seconds, failed=False) for seconds in (1.5, 2.5, 3.5, 4.5)])) is None


def test_what_an_agent_has_left_behind_is_no_loop():
    assert rules.find_loop(trace(*[turn()] * 5, turn(arguments="other", result="other"))) is None


def test_three_rounds_of_a_cycle_are_a_loop():
    one, other = turn(arguments="a"), turn(arguments="b")
    assert rules.find_loop(trace(one, other, one, other)) is None
    assert rules.find_loop(trace(one, other, one, other, one, other)).rule == "loop"


def test_a_result_that_changes_is_waited_for():
    assert rules.find_loop(trace(*[turn(result=f"{n} %") for n in range(8)])) is None


def test_making_the_same_thing_again_is_no_progress():
    again = [turn(arguments=str(n), result=str(n), made="document:A") for n in range(11)]
    assert trace(*again).progress == [0]
    assert rules.find_stall(trace(*again)).rule == "stall"
    assert rules.find_stall(trace(*again[:10])) is None


def test_a_slow_model_that_answers_seldom_is_not_stalled():
    slow = [turn(arguments=str(n), result=str(n), at=1_000.0 * n) for n in range(3)]
    assert rules.find_stall(trace(*slow)) is None
    assert rules.find_stall(trace(*slow, turn(at=3_000.0))).rule == "stall"


def test_waste_is_told_only_where_it_is_known_what_is_usual():
    much = trace(turn(made="document:A"), tokens=90_000)
    assert rules.find_waste(much, None) is None
    assert rules.find_waste(much, 20_000.0).rule == "waste"
    assert rules.find_waste(much, 30_000.0) is None
    assert rules.find_waste(trace(tokens=rules.WASTE_LEAST - 1), 1.0) is None


def said(*texts: str) -> Trace:
    return Trace("Seats of the cinema are held for eight minutes", [Turn(text, ()) for text in texts])


ON = (
    "A held seat of the cinema is grey",
    "Eight minutes later the seat of the cinema is free",
    "The seat is held by one visitor",
)
OFF = (
    "Invoices get a column with taxes",
    "Accountants download invoices monthly",
    "Totals of invoices include taxes",
    "Columns add up",
)


def test_few_words_or_turns_say_nothing_of_drift():
    assert alignment(trace(*[turn()] * 9)) is None
    assert alignment(said(*ON, "ok", "ok", "ok")) is None
    assert alignment(said("Seats are held", *OFF)) is None


def test_who_works_on_something_else_has_drifted_and_who_comes_back_has_not():
    assert rules.find_drift(said(*ON, *OFF)).rule == "drift"
    assert rules.find_drift(said(*ON, *OFF, *ON)) is None


def test_words_that_were_said_while_the_card_was_kept_to_are_known():
    learned = (
        "A seat of the cinema has a lock, a mutex, a ledger, a broker, a gateway, a cursor, a tally, a fence, a shard, a replica"
    )
    later = ("Lock before mutex", "The ledger reads the broker", "A gateway holds its cursor", "Tally, fence, shard, replica")
    assert alignment(said(*ON[:2], learned, *later)) == 1.0
    assert alignment(said(*ON, *later)) < 0.5


def test_an_empty_trace_has_nothing_wrong():
    assert rules.first_finding(trace(), 1.0) is None
