"""Steps of state machines that are interrupted: what of their failures goes by itself."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from shared.core.errors import Conflict
from shared.store.optimistic import is_stale


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
