"""A deploy hook: signed requests to whatever a team has. The processes of the local stack are reached in the same way.

Each request is a POST of JSON: `{action, project_id, environment, ...}`. `Hook` says what goes with each action and what its answer has;
the OpenAPI document shows it to those who write one.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from shared.channels.webhooks.signing import headers_of
from shared.core import clock, strict_json
from shared.core.ids import new_id
from shared.core.posting import NotDelivered, post
from shared.delivery.targets.port import FencedOut, Figures, Placed, Release, TargetFailed

_WHO: Final = "The deploy hook"
_FENCED: Final = 409
_MOST: Final = 1_000_000_000_000  # requests or milliseconds: what is more is no measurement
_NAME: Final = 200  # characters of a version's name, at most


class Hook:
    """A target behind one address."""

    def __init__(self, url: str, secret: str, about: Mapping[str, Any]) -> None:
        self._url, self._secret, self._about = url, secret, about

    def deploy(self, release: Release, fence: int) -> Placed:
        answer = self._ask("deploy", fence=fence, release=release.__dict__)
        version, serving = answer.get("version", release.deployment_id), answer.get("serving")
        if not _is_name(version) or not (serving is None or _is_name(serving)) or not isinstance(answer.get("ready"), bool):
            raise _rubbish("deploy", "`ready`, and `version` and `serving` as texts")
        return Placed(answer["ready"], version, serving)

    def set_weights(self, weights: Mapping[str, int], fence: int) -> None:
        if self._ask("set_weights", fence=fence, weights=dict(weights)).get("weights") != dict(weights):
            raise _rubbish("set_weights", "the `weights` that it was sent")

    def health(self, version: str) -> bool:
        healthy = self._ask("health", version=version).get("healthy")
        if not isinstance(healthy, bool):
            raise _rubbish("health", "`healthy`")
        return healthy

    def figures(self, version: str, seconds: int) -> Figures:
        answer = self._ask("figures", version=version, seconds=seconds)
        requests, errors, p95 = _count(answer.get("requests")), _count(answer.get("errors")), _number(answer.get("p95_ms"))
        if requests is None or errors is None or errors > requests or (p95 is None) != (answer.get("p95_ms") is None):
            raise _rubbish("figures", "`requests`, `errors` and `p95_ms`")
        return Figures(requests, errors, p95, seconds)

    def remove(self, version: str, fence: int) -> None:
        self._ask("remove", fence=fence, version=version)

    def _ask(self, action: str, **more: Any) -> dict[str, Any]:
        """Send a request and return the answer. Raises FencedOut, TargetFailed."""
        body = json.dumps({"action": action, **self._about, **more}, ensure_ascii=False, separators=(",", ":")).encode()
        headers = headers_of(body, new_id(), clock.epoch(), [self._secret])
        try:
            response = post(self._url, body, headers)
        except NotDelivered as error:
            raise TargetFailed(f"{_WHO}: {error}") from error
        status, answer = response.status, _parsed(response.body)
        if status == _FENCED:
            raise FencedOut
        if 300 <= status < 400:
            raise TargetFailed(f"{_WHO} answered {status}: redirects are not followed")
        if status >= 400:
            reason = answer.get("message") if isinstance(answer, dict) else None
            raise TargetFailed(f"{_WHO} answered {status}" + (f": {str(reason)[:_NAME]}" if reason else ""))
        if not isinstance(answer, dict):
            raise _rubbish(action, "an object")
        return answer


def _parsed(body: bytes) -> Any:
    """Return the JSON of an answer; None if it is none."""
    try:
        return strict_json.parse(body, "The answer")
    except ValueError:
        return None


def _rubbish(action: str, wanted: str) -> TargetFailed:
    return TargetFailed(f"{_WHO} did not answer {action} with {wanted}")


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _NAME


def _number(value: Any) -> float | None:
    """Return a number that is not negative and no more than can be; None for anything else."""
    is_one = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _MOST
    return value if is_one else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and _number(value) is not None else None
