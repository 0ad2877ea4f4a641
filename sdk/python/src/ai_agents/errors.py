"""What can go wrong: one class for each family of the documented error codes, and few for what is no answer at all."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx2


class AIAgentsError(Exception):
    """Anything that this package raises by itself."""


class APIConnectionError(AIAgentsError):
    """There was no answer: the address cannot be reached, or the connection broke or took too long."""


class UnexpectedAnswerError(AIAgentsError):
    """An answer is not what the API's document says: there may be something between the platform and you."""


class WebhookVerificationError(AIAgentsError):
    """A webhook's signature is missing, wrong or too old. Refuse the request."""


class WaitTimeoutError(AIAgentsError):
    """What was waited for has not ended in the given time; it goes on."""


class OperationFailedError(AIAgentsError):
    """An operation that was waited for has ended without a result. `operation` is its last state."""

    def __init__(self, operation: Any, reason: str | None = None) -> None:
        super().__init__(f"The operation ended as {operation.status}" + (f": {reason}" if reason else ""))
        self.operation = operation


@dataclass(frozen=True)
class FieldProblem:
    """What is wrong with one field of a request, or a detail of another error."""

    field: str
    message: str


class APIError(AIAgentsError):
    """The platform refused a request. `code` and `message` are the API's own."""

    def __init__(self, status: int, code: str, message: str, details: list[FieldProblem], request_id: str | None) -> None:
        said = "; ".join(f"{one.field}: {one.message}" if one.field else one.message for one in details)
        super().__init__(f"{message} ({code}, {status})" + (f": {said}" if said else ""))
        self.status, self.code, self.message, self.details, self.request_id = status, code, message, details, request_id


class ValidationError(APIError):
    """400 VALIDATION_ERROR (422 in agentworks and aintandem), 422 CONFIGURATION_INVALID: `details` says which field is wrong, and how."""


class AuthenticationError(APIError):
    """401 AUTHENTICATION_FAILED: the key or the token is unknown, expired or revoked."""


class AuthorizationError(APIError):
    """403 AUTHORIZATION_DENIED (aintandem: AUTHORIZATION_FAILED): a scope or a role is missing; `details` names it."""


class NotFoundError(APIError):
    """404 RESOURCE_NOT_FOUND: there is no such thing, or it is another organization's."""


class ConflictError(APIError):
    """409: the state of the thing does not allow this."""


class DuplicateError(ConflictError):
    """409 DUPLICATE_RESOURCE, DUPLICATE_SLUG or RESOURCE_ALREADY_EXISTS: there is one already."""


class NotReadyError(ConflictError):
    """409 SANDBOX_NOT_READY: the status of the sandbox does not allow this; `details` names it."""


class ExhaustedError(APIError):
    """429 RESOURCE_EXHAUSTED: a limit of the workspace or of the plan is reached; asking again does not help."""


class RateLimitError(APIError):
    """429 RATE_LIMIT_EXCEEDED: `retry_after` seconds from now, at `limit_resets_at`, there is room again."""

    retry_after: float | None = None
    limit_resets_at: str | None = None


class ServerError(APIError):
    """500 and above: the fault is the platform's."""


class ServiceUnavailableError(ServerError):
    """503 SERVICE_UNAVAILABLE: something that the platform depends on does not answer."""


class RequestTimeoutError(ServerError):
    """504 TIMEOUT: the platform took too long."""


class OAuthError(APIError):
    """The authorization server refused; `code` is one of RFC 6749, 5.2, such as `invalid_grant`."""


_BY_CODE: dict[str, type[APIError]] = {
    "VALIDATION_ERROR": ValidationError,
    "AUTHENTICATION_FAILED": AuthenticationError,
    "AUTHORIZATION_DENIED": AuthorizationError,
    "RESOURCE_NOT_FOUND": NotFoundError,
    "DUPLICATE_RESOURCE": DuplicateError,
    "DUPLICATE_SLUG": DuplicateError,
    "RESOURCE_ALREADY_EXISTS": DuplicateError,
    "SANDBOX_NOT_READY": NotReadyError,
    "RESOURCE_EXHAUSTED": ExhaustedError,
    "RATE_LIMIT_EXCEEDED": RateLimitError,
    "SERVICE_UNAVAILABLE": ServiceUnavailableError,
    "TIMEOUT": RequestTimeoutError,
}
_BY_STATUS: dict[int, type[APIError]] = {
    400: ValidationError,
    401: AuthenticationError,
    403: AuthorizationError,
    404: NotFoundError,
    409: ConflictError,
    422: ValidationError,
    429: RateLimitError,
    503: ServiceUnavailableError,
    504: RequestTimeoutError,
}


def error_of(response: "httpx2.Response") -> APIError:
    """Return the error that a refusal says; also one that has no body of ours, as a proxy's."""
    body = _json_object(response)
    request_id = response.headers.get("x-request-id")
    if isinstance(body.get("error"), str):
        return OAuthError(response.status_code, body["error"], body.get("error_description") or body["error"], [], request_id)
    said = body.get("error")
    told: Mapping[str, Any] = said if isinstance(said, dict) else {}
    code = str(told.get("code") or f"HTTP_{response.status_code}")
    details = _details(body.get("validationErrors") or told.get("details"))
    message = str(told.get("message") or response.reason_phrase or "No answer of the API")
    fallback = ServerError if response.status_code >= 500 else APIError
    kind = _BY_CODE.get(code) or _BY_STATUS.get(response.status_code, fallback)
    error = kind(response.status_code, code, message, details, request_id)
    if isinstance(error, RateLimitError):
        error.retry_after = retry_after(response)
        meta = body.get("meta")
        error.limit_resets_at = meta.get("limit_resets_at") if isinstance(meta, dict) else None
    return error


def retry_after(response: "httpx2.Response") -> float | None:
    """Return the seconds that `Retry-After` names; None without it. The platform sends no dates in it."""
    value = response.headers.get("retry-after", "")
    return float(value) if value.isascii() and value.isdigit() else None


def _json_object(response: "httpx2.Response") -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _details(details: Any) -> list[FieldProblem]:
    """Return details in one form: enterprise lists them, agentworks has an object of names, aintandem either one."""
    if isinstance(details, dict) and isinstance(details.get("fields"), list):
        details = details["fields"]
    if isinstance(details, dict):
        return [FieldProblem(name, str(value)) for name, value in details.items()]
    listed = details if isinstance(details, list) else []
    return [FieldProblem(str(one.get("field", "")), str(one.get("message", ""))) for one in listed if isinstance(one, dict)]
