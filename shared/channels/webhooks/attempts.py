"""One attempt: sign, send, and note what came back; and how long to wait after it."""

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Final

from shared.channels.webhooks.rows import Content, Webhook
from shared.channels.webhooks.signing import body_for, headers_of
from shared.core import clock, posting
from shared.core.sealing import unseal

DELAYS: Final = (5, 30, 120, 600, 1_800, 7_200, 21_600, 43_200)
"""Seconds after the first failed attempt, the second, ...; the last one again and again. In three days these are thirteen attempts."""
_JITTER = 0.2  # of a delay, more or less: receivers that failed together are not asked again together
LONGEST_WISH: Final = 86_400  # seconds of a Retry-After that are honoured
_ANSWER = 1_024  # characters of an answer that the log keeps
_GONE = 410


@dataclass(frozen=True)
class Attempt:
    """What the log shows of it. `status` is None if no answer came."""

    at: str
    url: str
    headers: Mapping[str, str]
    duration_ms: int
    status: int | None = None
    answer: str = ""
    error: str | None = None
    wish: float = 0
    """Seconds that the receiver asks us to wait."""

    @property
    def succeeded(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        """Whether the receiver wants no more events at all."""
        return self.status == _GONE

    def as_json(self) -> dict[str, Any]:
        shown = {name: getattr(self, name) for name in ("at", "url", "headers", "duration_ms", "status", "answer", "error")}
        return {name: value for name, value in shown.items() if value not in (None, "")}


def keys_of(webhook: Webhook) -> list[str]:
    """Return the secrets with which deliveries are signed now: the current one, and the one before for a day."""
    sealed = [str(webhook.secret)]
    if webhook.previous_secret and int(webhook.previous_until or 0) > clock.epoch():
        sealed.append(webhook.previous_secret)
    return [unseal(one, webhook.id) for one in sealed]


def attempt(url: str, keys: Sequence[str], content: Content, data: Any) -> Attempt:
    """Send a delivery once."""
    body = body_for(url, content, data, content.retry_count)
    headers = headers_of(body, content.source, clock.epoch(), keys)
    at, started = clock.iso(), time.monotonic()
    try:
        answer = posting.post(url, body, headers)
    except posting.NotDelivered as error:
        return Attempt(at, url, headers, _ms_since(started), error=str(error))
    text = answer.body.decode("utf-8", "replace").replace("\x00", "\ufffd")[:_ANSWER]
    wish = parse_retry_after(answer.headers.get("retry-after", ""))
    return Attempt(at, url, headers, _ms_since(started), answer.status, text, wish=wish)


def delay_after(failures: int, wish: float = 0) -> int:
    """Return the seconds to wait after so many failures in a row, never less than the receiver asks for (a day at most)."""
    usual = DELAYS[min(failures, len(DELAYS)) - 1] * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - jitter, not a secret
    return round(max(usual, min(wish, LONGEST_WISH)))


def parse_retry_after(text: str) -> float:
    """Return the seconds in a Retry-After, a number or a date; 0 for anything else."""
    text = text.strip()
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    try:
        wish = parsedate_to_datetime(text).timestamp() - clock.now().timestamp()
    except (ValueError, OverflowError):  # numbers of twenty digits
        return 0
    return max(0.0, wish)


def _ms_since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
