"""One call as a bounded series of attempts: retried while nothing was delivered, never after.

before the first delta   429, 5xx, no connection, a stream that breaks off   -> wait (Retry-After honoured), try again
after the first delta    anything                                            -> BrokenOff with the tokens known to be spent
at any time              `cancelled()`                                       -> Finished("cancelled", what was spent)
                         the request's own `timeout_s` is over               -> Upstream, or BrokenOff after a delta
"""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

from shared.agents.providers.port import (
    BrokenOff,
    Cancelled,
    Event,
    Finished,
    Request,
    StopReason,
    TextDelta,
    TokenUsage,
    ToolCallReady,
)
from shared.agents.providers.tokens import estimated_usage, part_text
from shared.core.clock import now
from shared.core.errors import Upstream
from shared.core.situations import Situation

_POLL_S = 0.25  # how soon a cancel bites while we wait


@dataclass(frozen=True)
class Patience:
    """How long and how often we try. `wait_s` bounds all waits of one call together; `idle_s` the silence within a stream."""

    attempts: int = 4
    wait_s: float = 30.0
    first_wait_s: float = 0.5
    connect_s: float = 5.0
    idle_s: float = 60.0
    sleep: Callable[[float], None] = time.sleep


@dataclass
class Progress:
    """What one attempt has shown and spent so far."""

    request: Request
    model: str = ""
    usage: TokenUsage | None = None  # as far as the provider has said it
    text: str = ""
    delivered: bool = False
    deadline: float = 0.0
    cancelled: Cancelled = field(default=lambda: False)

    def spent(self) -> TokenUsage:
        """For an answer without its end: the provider's numbers, the output counted by us where that is more (it comes last)."""
        guess = estimated_usage(self.request, self.text)
        if self.usage is None:
            return guess if self.text else TokenUsage(input=guess.input)
        known = self.usage
        return TokenUsage(known.input, known.cache_read, known.cache_write, max(known.output, guess.output))

    def finished(self, stop: StopReason) -> Finished:
        """The last event: the provider's own count where it gave one, ours (and marked) where it did not."""
        return Finished(stop, self.usage or self.spent(), self.model or self.request.model, estimated=self.usage is None)

    def check(self) -> None:
        """Called between two chunks."""
        if self.cancelled():
            raise StreamCancelled
        if time.monotonic() > self.deadline:
            raise TimeUp


class StreamCancelled(Exception):
    """Internal: the run was cancelled."""


class TimeUp(Exception):
    """Internal: `timeout_s` is over."""


class Transient(Exception):
    """An attempt failed in a way that another attempt may not. `error` is raised when there is no other."""

    def __init__(self, error: Upstream) -> None:
        super().__init__(error.message)
        self.error = error


def run(
    provider: str,
    request: Request,
    cancelled: Cancelled,
    patience: Patience,
    attempt: Callable[[Progress], Iterator[Event]],
) -> Iterator[Event]:
    """The events of the first attempt that delivers."""
    deadline = time.monotonic() + request.timeout_s
    waited = 0.0
    for number in range(1, patience.attempts + 1):
        progress = Progress(request, deadline=deadline, cancelled=cancelled)
        try:
            progress.check()
            yield from _delivered(provider, attempt, progress)
        except StreamCancelled:
            answered = progress.delivered or progress.usage is not None
            spent = progress.spent() if answered else TokenUsage()
            yield Finished("cancelled", spent, progress.model or request.model, estimated=answered)
            return
        except TimeUp as error:
            told = f"{provider} did not finish within {request.timeout_s:g} s"
            raise (
                BrokenOff(told, progress.spent()) if progress.delivered else Upstream(Situation.PROVIDER_UNAVAILABLE, told)
            ) from error
        except Transient as failure:
            if progress.delivered:
                told = f"{failure.error.message}; the answer broke off after {len(progress.text):,} characters"
                raise BrokenOff(told, progress.spent()) from failure
            wait = _pause(patience, number, failure.error.retry_after)
            if number == patience.attempts or waited + wait > patience.wait_s or time.monotonic() + wait > deadline:
                raise failure.error from failure
            waited += wait
            _wait(wait, patience, cancelled)
        except Upstream as error:
            if progress.delivered and not isinstance(error, BrokenOff):
                raise BrokenOff(error.message, progress.spent()) from error
            raise
        else:
            return


def _delivered(provider: str, attempt: Callable[[Progress], Iterator[Event]], progress: Progress) -> Iterator[Event]:
    with closing(attempt(progress)) as events:  # type: ignore[type-var]  # attempts are generators; their close() ends the request
        for event in events:
            if isinstance(event, TextDelta):
                progress.text += event.text
                progress.delivered = True
            elif isinstance(event, ToolCallReady):
                progress.text += part_text(event.call)
                progress.delivered = True
            yield event
            if isinstance(event, Finished):
                return
    raise Transient(Upstream(Situation.PROVIDER_UNAVAILABLE, f"{provider} ended the stream before the answer was complete"))


def _pause(patience: Patience, number: int, retry_after: float | None) -> float:
    if retry_after is not None:
        return max(0.0, retry_after)
    grown = patience.first_wait_s * 2.0 ** (number - 1)
    return grown * random.uniform(0.75, 1.25)  # noqa: S311 - spreads retries, guards nothing


def _wait(seconds: float, patience: Patience, cancelled: Cancelled) -> None:
    """In slices, so that a cancel is noticed (the next attempt's first check reports it)."""
    left = seconds
    while left > 0 and not cancelled():
        patience.sleep(min(left, _POLL_S))
        left -= _POLL_S


def retry_after_seconds(value: str | None) -> float | None:
    """A Retry-After header: seconds or an HTTP date. Anything else is ignored."""
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(value) - now()).total_seconds())
    except (ValueError, TypeError):
        return None
