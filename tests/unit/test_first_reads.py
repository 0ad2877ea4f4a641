"""What decides on a request: it is asked again after a failure, and a refusal stays."""

import threading
from contextvars import copy_context

import pytest

from shared.core.errors import Unauthenticated
from shared.core.situations import Situation
from shared.store.ahead import read_ahead
from shared.store.first_reads import decide_with_first_read, open_decision

KEY = ("ephemeral", "ACCESS#1", "META")


def refuse(_: object) -> None:
    raise Unauthenticated(Situation.TOKEN_INVALID, "The session has ended")


def fail(_: object) -> None:
    raise ConnectionError


def in_a_request(test) -> None:
    copy_context().run(test)


def test_a_decision_is_closed_by_its_row():
    def request() -> None:
        decide_with_first_read(KEY, lambda _: None)
        decision = open_decision()
        assert decision is not None
        decision.take({})
        assert open_decision() is None

    in_a_request(request)


def test_a_refusal_is_raised_again_and_again():
    def request() -> None:
        decide_with_first_read(KEY, refuse)
        decision = open_decision()
        for again in (lambda: decision.take(None), open_decision, open_decision):
            with pytest.raises(Unauthenticated):
                again()

    in_a_request(request)


def test_a_failure_decides_nothing():
    def request() -> None:
        decide_with_first_read(KEY, fail)
        decision = open_decision()
        with pytest.raises(ConnectionError):
            decision.take({})
        assert open_decision() is decision

    in_a_request(request)


def test_a_decision_is_of_its_request_alone():
    in_a_request(lambda: decide_with_first_read(KEY, refuse))
    assert open_decision() is None


def test_a_refused_request_does_not_wait_for_what_it_read_ahead():
    answered = threading.Event()

    def request() -> None:
        decide_with_first_read(KEY, refuse)
        with pytest.raises(Unauthenticated):
            open_decision().take(None)
        under_way = read_ahead(lambda: answered.wait(5))
        with pytest.raises(Unauthenticated):
            under_way.result()  # nobody answers

    in_a_request(request)
    answered.set()
