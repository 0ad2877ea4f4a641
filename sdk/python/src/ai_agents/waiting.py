"""Waiting for what takes long: the platform is asked at intervals, and each state is shown to a callback."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from ai_agents.errors import OperationFailedError, WaitTimeoutError
from ai_agents.models import AcceptedOperation, Deployment, Operation

T = TypeVar("T", Operation, Deployment)
POLL_SECONDS = 5.0
"""The interval that the API's document names."""
_GOING_ON = ("pending", "in_progress")
_GOOD = ("completed", "success")


@dataclass
class Wait(Generic[T]):
    """One wait: what to tell about each state, and until when."""

    what: str
    on_progress: Callable[[T], object] | None
    timeout: float | None

    def __post_init__(self) -> None:
        self._ends = None if self.timeout is None else time.monotonic() + self.timeout

    def is_over(self, state: T) -> bool:
        """Return whether this state is the last, and a good one. Raises OperationFailedError and WaitTimeoutError."""
        if self.on_progress:
            self.on_progress(state)
        if state.status in _GOOD:
            return True
        if state.status not in _GOING_ON:
            raise OperationFailedError(state, state.failure_reason or getattr(state, "rollback_reason", None))
        if self._ends is not None and time.monotonic() >= self._ends:
            raise WaitTimeoutError(f"{self.what} is {state.status} after {self.timeout} s")
        return False


def wait(waiting: Wait[T], read: Callable[[], T], every: float, sleep: Callable[[float], None]) -> T:
    while not waiting.is_over(state := read()):
        sleep(every)
    return state


async def wait_async(
    waiting: Wait[T], read: Callable[[], Awaitable[T]], every: float, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> T:
    while not waiting.is_over(state := await read()):
        await sleep(every)
    return state


def interval(operation: str | AcceptedOperation, every: float | None) -> float:
    if every is not None:
        return every
    return POLL_SECONDS if isinstance(operation, str) else float(operation.poll_interval_seconds)


def id_of(operation: str | AcceptedOperation) -> str:
    return operation if isinstance(operation, str) else operation.operation_id
