"""A deploy hook: signed requests to whatever a team has. The processes of the local stack are reached in the same way.

Each request is a POST of JSON: `{action, project_id, environment, ...}`. `Hook` says what goes with each action and what its answer has;
the OpenAPI document shows it to those who write one.
"""

import base64
import hmac
import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from shared.core import clock, outbound
from shared.core.errors import Upstream
from shared.core.ids import new_id
from shared.core.keys import key_for
from shared.delivery.targets.port import FencedOut, Figures, Placed, Release, TargetFailed

_WHO: Final = "The deploy hook"
_FENCED: Final = 409
_NAME: Final = 200  # characters of a version's name, at most


@cache
def secret_of(place: str, number: int) -> str:
    """Return the secret of an environment's deploy hook: derived from the platform's key, so no row holds it."""
    return "whsec_" + base64.b64encode(hmac.digest(key_for("deploy-hooks"), f"{place}/{number}".encode(), "sha256")).decode()


def signed_headers(body: bytes, message_id: str, sent: int, secret: str) -> dict[str, str]:
    """Return the headers that sign a body as those of webhooks do: `X-Signature-256`, and Standard Webhooks' beside it."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = b".".join((message_id.encode(), str(sent).encode(), body))
    return {
        "Content-Type": "application/json",
        "X-Signature-256": f"sha256={hmac.digest(secret.encode(), body, 'sha256').hex()}",
        "webhook-id": message_id,
        "webhook-timestamp": str(sent),
        "webhook-signature": f"v1,{base64.b64encode(hmac.digest(key, signed, 'sha256')).decode()}",
    }


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
        headers = signed_headers(body, new_id(), clock.epoch(), self._secret)
        try:
            status, answer = outbound.request_json(_WHO, "POST", self._url, content=body, headers=headers)
        except Upstream as error:
            raise TargetFailed(error.message) from error
        if status == _FENCED:
            raise FencedOut
        if status >= 400:
            reason = answer.get("message") if isinstance(answer, dict) else None
            raise TargetFailed(f"{_WHO} answered {status}" + (f": {str(reason)[:_NAME]}" if reason else ""))
        if not isinstance(answer, dict):
            raise _rubbish(action, "an object")
        return answer


def _rubbish(action: str, wanted: str) -> TargetFailed:
    return TargetFailed(f"{_WHO} did not answer {action} with {wanted}")


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _NAME


def _number(value: Any) -> float | None:
    """Return a number that is not negative; None for anything else."""
    is_one = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
    return value if is_one else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and _number(value) is not None else None
