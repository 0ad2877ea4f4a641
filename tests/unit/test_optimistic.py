"""Who was slower decides again; who fails for another reason does not."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.errors import Conflict
from shared.core.situations import Situation
from shared.store import is_stale, retrying, stale

FULL = Conflict(Situation.CARD_ARCHIVED, "Put away")


_PAUSES: list[int] = []


@pytest.fixture(scope="module", autouse=True)
def _no_waiting() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shared.store.optimistic.pause", _PAUSES.append)
        yield


@pytest.fixture
def pauses() -> list[int]:
    """The pauses of this test, by the number of the try before them."""
    _PAUSES.clear()
    return _PAUSES


def failing(*errors: Exception):
    """An attempt that fails with these in turn, then answers its number."""
    waiting = list(errors)

    def attempt(number: int) -> int:
        if waiting:
            raise waiting.pop(0)
        return number

    return attempt


def test_it_is_tried_again_until_nobody_else_was_faster(pauses):
    assert retrying(failing(stale(), stale())) == 2
    assert pauses == [0, 1]


def test_the_last_error_is_raised_without_a_pause(pauses):
    last = stale()
    with pytest.raises(Conflict) as refused:
        retrying(failing(stale(), stale(), last, stale()), times=3)
    assert refused.value is last
    assert pauses == [0, 1]


def test_another_error_is_raised_at_once(pauses):
    for other in (FULL, ValueError("no")):
        with pytest.raises(type(other)) as refused:
            retrying(failing(other))
        assert refused.value is other
    assert pauses == []


def test_what_means_again_is_the_callers(pauses):
    assert retrying(failing(FULL), again=lambda error: error is FULL) == 1
    with pytest.raises(Conflict):
        retrying(failing(stale()), again=lambda error: error is FULL)


def test_a_changed_row_is_known_by_its_error():
    assert is_stale(stale())
    assert not is_stale(FULL)
    assert not is_stale(ValueError("version"))


@given(st.lists(st.sampled_from("vf"), max_size=10), st.integers(1, 8))
def test_any_order_of_failures(kinds, times):
    """It is tried as long as the failures are stale writes, and never more often than it may be."""
    errors = [stale() if kind == "v" else FULL for kind in kinds]
    numbers: list[int] = []

    def attempt(number: int) -> str:
        numbers.append(number)
        if number < len(errors):
            raise errors[number]
        return "done"

    stales = kinds.index("f") if "f" in kinds else len(kinds)
    expected = None if stales == len(kinds) and stales < times else errors[min(stales, times - 1)]
    if expected is None:
        assert retrying(attempt, times=times) == "done"
    else:
        with pytest.raises(Conflict) as refused:
            retrying(attempt, times=times)
        assert refused.value is expected
    assert numbers == list(range(min(stales + 1, times)))
