"""The guardian's rules: on traces that say what they should find, and at their edges."""

from functools import cache
from pathlib import Path

import pytest

from bench import guardian, guardian_traces
from shared.agents.embeddings.hashed import HashedEmbedder
from shared.runs.traces import rules
from shared.runs.traces.trace import Call, Trace, Turn

LEAST = {"loop": (0.95, 0.95), "stall": (0.95, 0.95), "drift": (0.95, 0.6), "waste": (0.95, 0.95)}
"""Precision and recall that a rule has to have on the seeded traces."""


def turn(tool: str = "read", arguments: str = "a", result: str = "same", **more) -> Turn:
    at = more.pop("at", 0.0)
    return Turn("", (Call(tool, arguments, result, **more),), at)


def trace(*turns: Turn, tokens: int = 0) -> Trace:
    return Trace("The goal", turns, tokens)


def test_the_kept_traces_are_those_of_their_script():
    assert Path(guardian_traces.FILE).read_text() == guardian_traces.text()
    assert len(guardian.read()) >= 200


measured = cache(guardian.measure)


def test_every_rule_is_measured():
    assert [row["rule"] for row in measured()] == list(LEAST)


@pytest.mark.parametrize("number", range(len(LEAST)), ids=LEAST)
def test_a_rule_finds_what_it_should_and_little_else(number):
    row = measured()[number]
    precision, recall = LEAST[row["rule"]]
    assert row["precision"] >= precision, row["false"]
    assert row["recall"] >= recall, row["missed"]


def test_a_loop_is_four_equal_results_or_three_equal_errors():
    assert rules.find_loop(trace(*[turn()] * 3)) is None
    assert rules.find_loop(trace(*[turn()] * 4)).rule == "loop"
    assert rules.find_loop(trace(*[turn(failed=True)] * 2)) is None
    assert rules.find_loop(trace(*[turn(failed=True)] * 3)).rule == "loop"


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


def test_few_words_say_nothing_of_drift():
    assert rules.alignment(trace(*[turn()] * 5), HashedEmbedder().embed) is None


def test_an_empty_trace_has_nothing_wrong():
    assert rules.first_finding(trace(), HashedEmbedder().embed, 1.0) is None
