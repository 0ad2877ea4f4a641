"""What a command ends with: its exit status, and how an error is said."""

from enum import IntEnum
from typing import Any

from ai_agents import errors


class Exit(IntEnum):
    """The exit statuses. 2 is also what the shell's own parsing of options gives."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NOT_LOGGED_IN = 3
    NOT_FOUND = 4
    NOT_ALLOWED = 5
    CONFLICT = 6
    UNAVAILABLE = 7
    INTERRUPTED = 130


class CommandError(Exception):
    """A command cannot do what it was asked."""

    exit = Exit.FAILED
    code = "FAILED"


class Usage(CommandError):
    """Something that was typed is wrong."""

    exit = Exit.USAGE
    code = "USAGE"


class NotLoggedIn(CommandError):
    exit = Exit.NOT_LOGGED_IN
    code = "NOT_LOGGED_IN"


class Missing(CommandError):
    exit = Exit.NOT_FOUND
    code = "NOT_FOUND"


_EXITS: tuple[tuple[type[Exception], Exit], ...] = (
    (errors.AuthenticationError, Exit.NOT_LOGGED_IN),
    (errors.OAuthError, Exit.NOT_LOGGED_IN),
    (errors.NotFoundError, Exit.NOT_FOUND),
    (errors.AuthorizationError, Exit.NOT_ALLOWED),
    (errors.ConflictError, Exit.CONFLICT),
    (errors.ValidationError, Exit.USAGE),
    (errors.RateLimitError, Exit.UNAVAILABLE),
    (errors.ServerError, Exit.UNAVAILABLE),
    (errors.APIConnectionError, Exit.UNAVAILABLE),
)
"""The first that fits."""
_WORDS = {"invalid_grant": "This login has ended"}
"""What is said for codes of OAuth, whose answers have no words (RFC 6749, 5.2)."""
LOG_IN_AGAIN = "Log in again: cadre login"


def exit_of(error: Exception) -> Exit:
    if isinstance(error, CommandError):
        return error.exit
    return next((status for kind, status in _EXITS if isinstance(error, kind)), Exit.FAILED)


def as_json(error: Exception) -> dict[str, Any]:
    """Return an error for a program: the contract's code and message, if it is the contract's."""
    if isinstance(error, errors.APIError):
        details = [{"field": one.field, "message": one.message} for one in error.details]
        about = {"code": error.code, "message": error.message, "details": details, "status": error.status}
        return {"error": about | {"request_id": error.request_id}}
    code = error.code if isinstance(error, CommandError) else type(error).__name__
    return {"error": {"code": code, "message": str(error)}}


def as_text(error: Exception, log_in: str) -> str:
    """Return an error for a person, with what helps; `log_in` helps who is not known."""
    if not isinstance(error, errors.APIError):
        return str(error)
    lines = [f"{_WORDS.get(error.code, error.message)} ({error.code})"]
    lines += [f"  {one.field}: {one.message}" if one.field else f"  {one.message}" for one in error.details]
    if exit_of(error) is Exit.NOT_LOGGED_IN:
        lines.append(log_in)
    if isinstance(error, errors.ServerError) and error.request_id:
        lines.append(f"  request {error.request_id}")
    return "\n".join(lines)
