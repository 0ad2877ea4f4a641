"""Reasons why a run fails. The state machine passes on the class name of an exception; CODES maps it to the run's error code."""

import json
from typing import Any, Final


class RunFailure(Exception):
    """A step cannot continue, and a retry would not help."""


class ProviderUnavailable(RunFailure):
    pass


class ProviderRateLimited(RunFailure):
    """The provider limits our rate; the state machine retries the step."""


class ProviderNotConfigured(RunFailure):
    pass


class ModelWithoutPrice(RunFailure):
    pass


class ModelRefused(RunFailure):
    pass


class OutputTooLong(RunFailure):
    pass


class TooManyTurns(RunFailure):
    pass


class TookTooLong(RunFailure):
    pass


class CardGone(RunFailure):
    pass


CODES: Final = {
    "ProviderUnavailable": "PROVIDER_UNAVAILABLE",
    "ProviderRateLimited": "PROVIDER_RATE_LIMITED",
    "ProviderNotConfigured": "PROVIDER_NOT_CONFIGURED",
    "ModelWithoutPrice": "MODEL_WITHOUT_PRICE",
    "ModelRefused": "MODEL_REFUSED",
    "OutputTooLong": "OUTPUT_LIMIT_REACHED",
    "TooManyTurns": "TURN_LIMIT_REACHED",
    "TookTooLong": "TIMEOUT",
    "CardGone": "CARD_NOT_FOUND",
    "ApprovalExpired": "APPROVAL_EXPIRED",
    "ApprovalRejected": "APPROVAL_REJECTED",
    "BudgetExpired": "USAGE_LIMIT_EXCEEDED",
    "BudgetRefused": "USAGE_LIMIT_EXCEEDED",
    "States.Timeout": "TIMEOUT",
    "Sandbox.Timedout": "TIMEOUT",
    "RunCancelled": "CANCELLED",
}


_OURS: Final = frozenset({"States.Timeout", "Sandbox.Timedout", "ProviderNotConfigured"})
"""What has a code and is a fault on our side all the same: a process that did not end, and a provider that refuses our credentials
(who asks for one without any is refused before there is a run)."""


def fault_of(error: Any) -> str | None:
    """Return the name of an error that the state machine caught if it is a fault on our side; None for what a run may fail with."""
    name = str(error.get("Error", "")) if isinstance(error, dict) else ""
    return (name or "unknown") if name not in CODES or name in _OURS else None


def read_error(error: Any) -> tuple[str, str]:
    """Return code and message of an error that the state machine caught, `{"Error", "Cause"}`; internal errors show no details."""
    name = str(error.get("Error", "")) if isinstance(error, dict) else ""
    cause = str(error.get("Cause", "")) if isinstance(error, dict) else ""
    code = CODES.get(name)
    try:
        details = json.loads(cause)
        message = str(details.get("errorMessage") or cause) if isinstance(details, dict) else cause
    except ValueError:
        message = cause
    if code is None:
        return "INTERNAL_ERROR", f"The run failed on our side ({name or 'no reason given'})"
    if code == "TIMEOUT" and name != "TookTooLong":
        message = "A step of the run did not finish in time"
    return code, message or name
