"""Which call of a function takes a worker, which one waits, which one is refused."""

from local.patches.turns import MOST, PATIENCE, ROOM, USUAL, WITHIN, wait_for


def test_a_free_worker_is_taken_at_once() -> None:
    assert wait_for(USUAL, 1, 0, nested=False) == 0


def test_the_usual_workers_start_at_once_and_more_after_some_patience() -> None:
    assert wait_for(USUAL - 1, 0, 0, nested=False) == 0
    assert wait_for(USUAL, 0, 0, nested=False) == PATIENCE
    assert wait_for(USUAL, 0, PATIENCE, nested=False) == 0


def test_their_number_is_bounded_and_a_request_waits_as_long_as_it_has_time() -> None:
    assert wait_for(MOST - ROOM, 0, PATIENCE, nested=False) == WITHIN - PATIENCE
    assert wait_for(MOST - ROOM, 0, WITHIN, nested=False) is None


def test_a_call_that_a_function_makes_has_room() -> None:
    assert wait_for(MOST - ROOM, 0, 0, nested=True) == 0
    assert wait_for(MOST, 0, PATIENCE, nested=True) == WITHIN - PATIENCE


def test_others_do_not_take_that_room_when_its_worker_is_free() -> None:
    assert wait_for(MOST - ROOM, ROOM, 0, nested=False) == PATIENCE
