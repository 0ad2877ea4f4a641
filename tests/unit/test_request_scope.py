"""What decides on a request: it is asked again after a failure, and a refusal stays. What is read beside it ends with the request."""

import threading
from contextvars import copy_context
from functools import partial

import pytest

from shared.core.errors import Unauthenticated
from shared.core.situations import Situation
from shared.store import ahead
from shared.store.ahead import read_ahead
from shared.store.client import dynamodb
from shared.store.request_scope import RequestOver, decide_with_first_read, open_decision, request_scope, submit_read

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


def test_what_a_request_reads_ahead_ends_with_it():
    """A refused caller must not make us read a long list of somebody else's to its end."""
    begun, over, calls = threading.Event(), threading.Event(), []

    def pages() -> None:
        dynamodb()
        begun.set()
        over.wait(5)
        dynamodb()
        calls.append("a further page")

    with request_scope():
        under_way = read_ahead(pages)
        assert begun.wait(5)
    over.set()
    with pytest.raises(RequestOver):
        under_way.result()
    assert calls == []


def test_what_waits_for_a_thread_when_its_request_ends_is_never_read():
    begun, over, calls = threading.Semaphore(0), threading.Event(), []

    def slow() -> None:
        begun.release()
        over.wait(5)

    threads = [read_ahead(slow) for _ in range(ahead._THREADS)]  # of a request before
    for _ in threads:
        assert begun.acquire(timeout=5)
    with request_scope():
        read_ahead(lambda: calls.append("read"))
    over.set()
    for read in threads:
        read.result()
    assert read_ahead(lambda: "the next request").result() == "the next request"
    assert calls == []


def test_a_failure_is_of_the_read_it_belongs_to():
    """Nobody takes the result of the first: the next request is served by the same threads."""

    def fails() -> None:
        raise ConnectionError

    with request_scope():
        failed = read_ahead(fails)
        for _ in range(2):
            with pytest.raises(ConnectionError):
                failed.result()
    with request_scope():
        assert [read_ahead(partial(str, number)).result() for number in range(ahead._THREADS)] == ["0", "1", "2", "3"]


def test_a_read_ahead_knows_nothing_of_the_decision_it_runs_beside():
    """It must neither wait for the decision nor make it: the request does."""

    def request() -> None:
        decide_with_first_read(KEY, refuse)
        under_way = submit_read(ahead._pool().submit, open_decision)
        assert under_way.result() is None

    in_a_request(request)
