"""Optimistic writes: if another writer was faster, read the current state and decide again; and steps of state machines that do so."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from shared.core.backoff import pause
from shared.core.errors import CadreError, Conflict
from shared.core.situations import Situation

T = TypeVar("T")


def stale(_: dict[str, Any] | None = None) -> CadreError:
    """Return the error of a write whose row was changed since it was read."""
    return Conflict(Situation.VERSION_CONFLICT, "The item was changed by someone else; read it again and retry")


def is_stale(error: Exception) -> bool:
    """Tell whether a write failed because its row was changed since it was read."""
    return isinstance(error, CadreError) and error.situation is Situation.VERSION_CONFLICT


def retrying(attempt: Callable[[int], T], *, times: int = 6, again: Callable[[Exception], bool] = is_stale) -> T:
    """Return the result of `attempt`, which gets the number of the try, from 0. Above 0 it must read again what it decides on.

    After an error for which `again` is true there is another try after a short pause, `times` tries in all; the last error is
    raised. Any other error is raised at once.
    """
    for number in range(times - 1):
        try:
            return attempt(number)
        except Exception as error:
            if not again(error):
                raise
        pause(number)
    return attempt(times - 1)


class StepInterrupted(Exception):
    """A retry of the step helps, which is always safe. The retries of the state machines know it by this name (`infra/agent_run.py`)."""


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise StepInterrupted where a service does not respond, and where too many write the same rows at once."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise StepInterrupted(type(error).__name__) from error
    except Conflict as conflict:
        if is_stale(conflict):
            raise StepInterrupted(conflict.message) from conflict
        raise
