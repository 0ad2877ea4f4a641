"""Retries of a model call: allowed until the first event was delivered, never afterwards.

before the first delta   429, 5xx, no connection, an interrupted stream   -> wait (Retry-After is honoured), try again
after the first delta    any error                                        -> that error, with the tokens used so far
at any time              `cancelled()` is true                            -> Finished("cancelled", tokens used so far)
                         the request's own `timeout_s` has passed         -> Upstream

An error is a StreamInterrupted as soon as any attempt has used tokens: they cost money, whether the answer can be read or not.
"""

import math
import random
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime

from shared.agents.providers.counts import Counts
from shared.agents.providers.port import (
    CancelCheck,
    Event,
    Finished,
    Request,
    StopReason,
    StreamInterrupted,
    TextDelta,
    TokenUsage,
)
from shared.agents.providers.tokens import estimated_usage
from shared.core.clock import now
from shared.core.errors import Upstream
from shared.core.situations import Situation

_CANCEL_POLL_S = 0.25  # how often a wait looks for a cancellation


@dataclass(frozen=True)
class RetryPolicy:
    """Limits of one call, in seconds: `max_wait_s` for all waits together, `idle_timeout_s` for a stream that sends nothing."""

    max_attempts: int = 4
    max_wait_s: float = 30.0
    initial_wait_s: float = 0.5
    connect_timeout_s: float = 5.0
    idle_timeout_s: float = 60.0
    sleep: Callable[[float], None] = time.sleep


@dataclass
class AttemptState:
    """What one attempt has received and used so far, and when it must stop."""

    request: Request
    earlier: TokenUsage = field(default_factory=TokenUsage)  # of the attempts before this one
    model: str = ""
    counts: Counts = field(default_factory=Counts)
    counted: bool = False  # whether the provider has reported more than its count at the start
    written: str = ""  # all that the model wrote: text, reasoning, tool calls
    answering: bool = False  # the provider works on the request: from here on it costs tokens
    delivered: bool = False
    deadline: float = 0.0
    cancelled: CancelCheck = field(default=lambda: False)

    def report(self, raw: object, *, at_start: bool = False) -> None:
        """Take in a provider's counts; those at the start of an answer do not have its output yet."""
        if isinstance(raw, dict):
            self.counts = self.counts.larger(raw)
            self.counted = self.counted or not at_start

    def usage_so_far(self) -> TokenUsage:
        """Return the usage of an incomplete answer: the provider's counts, with our output estimate where that is higher."""
        return self.earlier + (self._usage(complete=False) if self.answering else TokenUsage())

    def finished(self, stop: StopReason) -> Finished:
        """Return the last event, with the provider's token counts; what it did not count is estimated, and then it says so."""
        usage = self._usage(complete=True)
        estimated = usage != self.counts.usage or not self.counted or self.earlier.total > 0
        return Finished(stop, self.earlier + usage, self.model or self.request.model, estimated)

    def _usage(self, *, complete: bool) -> TokenUsage:
        reported, estimate = self.counts.usage, estimated_usage(self.request, self.written)
        output = reported.output if complete and self.counted and reported.output else max(reported.output, estimate.output)
        if reported.total_input:
            return replace(reported, output=output)
        return TokenUsage(input=max(estimate.input, self.counts.total - output), output=output)

    def raise_if_stopped(self) -> None:
        """Raise StreamCancelled or DeadlineExceeded; adapters call this between two chunks."""
        if self.cancelled():
            raise StreamCancelled
        if time.monotonic() > self.deadline:
            raise DeadlineExceeded


class StreamCancelled(Exception):
    """Internal: the run was cancelled."""


class DeadlineExceeded(Exception):
    """Internal: `timeout_s` has passed."""


class TransientError(Exception):
    """A failure that a retry may overcome; `error` is raised if there is no retry left."""

    def __init__(self, error: Upstream) -> None:
        super().__init__(error.message)
        self.error = error


def stream_with_retries(
    provider: str,
    request: Request,
    cancelled: CancelCheck,
    policy: RetryPolicy,
    attempt: Callable[[AttemptState], Iterator[Event]],
) -> Iterator[Event]:
    """Yield the events of an attempt; retry while no event was delivered. Raise Upstream or StreamInterrupted (see the module)."""
    deadline = time.monotonic() + request.timeout_s
    waited = 0.0
    used = TokenUsage()
    for number in range(1, policy.max_attempts + 1):
        state = AttemptState(request, earlier=used, deadline=deadline, cancelled=cancelled)
        try:
            state.raise_if_stopped()
            yield from _tracked_events(provider, attempt, state)
        except StreamCancelled:
            usage = state.usage_so_far()
            yield Finished("cancelled", usage, state.model or request.model, estimated=usage.total > 0)
            return
        except DeadlineExceeded as stopped:
            message = f"{provider} did not finish within {request.timeout_s:g} s"
            raise _with_usage(Upstream(Situation.PROVIDER_UNAVAILABLE, message), state) from stopped
        except TransientError as failure:
            if state.delivered:
                message = f"{failure.error.message}; the answer broke off after {len(state.written):,} characters"
                raise _with_usage(Upstream(failure.error.situation, message), state) from failure
            wait = _backoff_seconds(policy, number, failure.error.retry_after)
            if number == policy.max_attempts or waited + wait > policy.max_wait_s or time.monotonic() + wait > deadline:
                raise _with_usage(failure.error, state) from failure
            waited += wait
            used = state.usage_so_far()
            _sleep_until_cancelled(wait, policy, cancelled)
        except Upstream as error:
            raise _with_usage(error, state) from error.__cause__
        else:
            return


def _with_usage(error: Upstream, state: AttemptState) -> Upstream:
    """Return the error with the tokens that the call has used; the same error if it has used none."""
    usage = state.usage_so_far()
    return StreamInterrupted(error.message, usage, error.situation, error.retry_after) if usage.total else error


def _tracked_events(provider: str, attempt: Callable[[AttemptState], Iterator[Event]], state: AttemptState) -> Iterator[Event]:
    with closing(attempt(state)) as events:  # type: ignore[type-var]  # attempts are generators; close() ends the HTTP request
        for event in events:
            if isinstance(event, TextDelta):
                state.written += event.text
            state.delivered = True
            yield event
            if isinstance(event, Finished):
                return
    raise TransientError(Upstream(Situation.PROVIDER_UNAVAILABLE, f"{provider} ended the stream before the answer was complete"))


def _backoff_seconds(policy: RetryPolicy, number: int, retry_after: float | None) -> float:
    if retry_after is not None:
        return max(0.0, retry_after)
    backoff = policy.initial_wait_s * 2.0 ** (number - 1)
    return backoff * random.uniform(0.75, 1.25)  # noqa: S311 - jitter, not a secret


def _sleep_until_cancelled(seconds: float, policy: RetryPolicy, cancelled: CancelCheck) -> None:
    """Sleep in slices and stop at a cancellation; the next attempt's first check then raises StreamCancelled."""
    left = seconds
    while left > 0 and not cancelled():
        policy.sleep(min(left, _CANCEL_POLL_S))
        left -= _CANCEL_POLL_S


def retry_after_seconds(value: str | None) -> float | None:
    """Parse a Retry-After header (seconds or an HTTP date) into seconds; return None for anything else."""
    if not value:
        return None
    try:
        seconds = float(value)
        return max(0.0, seconds) if math.isfinite(seconds) else None
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(value) - now()).total_seconds())
    except (ValueError, TypeError):
        return None
